"""What the configuration on this machine names: a name from a model or request in, leave to use it out.

SECURITY: a model, or a configuration that came with a request, may name a class to import, a folder to open or a server
to ask. None of it is used unless the configuration file here names the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botapi import yamlfile
from botapi.errors import BotError, ConfigError

VARIABLE = "BOTAPI_CONFIG"
DEFAULT_FILES = ("config.yml", "config.yaml")


def require_named(value: str, what: str) -> None:
    """Raise ConfigError unless the pipeline of the configuration here has `value` as a component or an option."""
    there = (name for name in DEFAULT_FILES if Path(name).is_file())
    file = Path(os.environ.get(VARIABLE) or next(there, DEFAULT_FILES[0]))
    if value not in set(_texts(_pipeline(file))):
        raise ConfigError(
            f"{what} {value!r} is not used, because {file} on this machine does not name it; models and requests can't "
            f"choose. Name it in the pipeline there, or set {VARIABLE} to the configuration that does."
        )


@contextmanager
def configured_by(file: str | None) -> Iterator[None]:
    """While it lasts, `file` is the configuration here, as a command was told; None: the one that it is anyway."""
    before = os.environ.get(VARIABLE)
    if file:
        os.environ[VARIABLE] = file
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = before


def _pipeline(file: Path) -> Any:
    try:
        content = yamlfile.load_file(file, environment=os.environ)
    except (OSError, BotError):
        return None
    return content.get("pipeline") if isinstance(content, dict) else None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, Mapping):
        yield from _texts(list(value.values()))
