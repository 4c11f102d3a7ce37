"""Write the starter bot, a bike workshop's, into a folder: a folder name in, its files out."""

from __future__ import annotations

import argparse
import sys
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from botapi.cli import options
from botapi.errors import InputError

if TYPE_CHECKING:
    from importlib.abc import Traversable

STARTER = "starter"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--init-dir", metavar="FOLDER", help="where to write it; asked for, or else the current folder")
    parser.add_argument("--no-prompt", action="store_true", help="ask nothing")
    options.logging_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    folder = Path(arguments.init_dir or asked(arguments.no_prompt))
    written = write(folder)
    print(f"Wrote {len(written)} files of the starter bot to {folder}.")
    print(f"Next: {'' if folder.resolve() == Path.cwd() else f'cd {folder}; '}botapi train; botapi shell")
    return 0


def asked(no_prompt: bool) -> str:
    """The folder that somebody at a terminal names; empty means the current one."""
    if no_prompt or not sys.stdin.isatty():
        return "."
    return input("Folder for the new bot [.]: ").strip() or "."


def write(folder: Path) -> list[Path]:
    """Write every file of the starter bot; raises InputError, writing nothing, when one of them exists."""
    files = {folder / name: source for name, source in starter_files().items()}
    there = [str(path) for path in files if path.exists()]
    if there:
        raise InputError(f"{there[0]} exists already; `botapi init` overwrites nothing. Choose an empty --init-dir.")
    for path, source in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.read_bytes())
    return list(files)


def starter_files() -> dict[str, Traversable]:
    """{path below the bot's folder: the packaged file}, sorted."""
    return dict(sorted(walk(resources.files("botapi.cli") / STARTER, "")))


def walk(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name != "__pycache__":
            found += walk(entry, f"{prefix}{entry.name}/")
        elif entry.is_file():
            found.append((prefix + entry.name, entry))
    return found
