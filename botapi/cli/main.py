"""Picks the command: the words after `botapi` in, an exit code out (0 fine, 1 refused or failed, 2 wrong usage).

NOTE: Commands are named by module and imported when chosen, the one exception to the rule that imports stand at a
file's top: `botapi --version` shall not wait for a server, nor `botapi run` for the trainer.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from botapi import __version__
from botapi.cli import logs
from botapi.errors import BotError
from botapi.nlu.local import configured_by

# Name of the command: (its module, what `botapi --help` says of it).
COMMANDS = {
    "init": ("botapi.cli.init", "write the starter bot into a folder"),
    "train": ("botapi.cli.train", "train a bot from its files; `train nlu` and `train core` train one half"),
    "run": ("botapi.cli.run", "serve a trained bot over HTTP"),
    "shell": ("botapi.cli.shell", "chat with a trained bot in the terminal; `shell nlu` shows what is understood"),
    "test": ("botapi.cli.test", "test a trained bot; `test core` and `test nlu` test one half"),
    "data": ("botapi.cli.data", "`data validate`: check a bot's files against each other"),
}
USAGE_ERROR = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; messages go to stderr, errors as one sentence and never as a traceback."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        arguments = parser(words).parse_args(words)
        if not arguments.command:
            parser(words).print_help(sys.stderr)
            return USAGE_ERROR
        logs.configure(arguments)
        with configured_by(getattr(arguments, "config", None)):
            return command(arguments.command).run(arguments)
    except SystemExit as leaving:  # argparse leaves this way after --help, --version and wrong usage
        return leaving.code if isinstance(leaving.code, int) else 1
    except BotError as error:
        return refuse(str(error) + (f" See {error.help}" if error.help else ""))
    except OSError as error:
        return refuse(str(error))
    except KeyboardInterrupt:
        return 130


def parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """A parser of all command names, and of the flags of that one command which stands first among `words`."""
    top = argparse.ArgumentParser(
        prog="botapi", description="Trains a bot from YAML files and serves it over HTTP.", allow_abbrev=False
    )
    top.add_argument("--version", action="version", version=f"botapi {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    for name, (_, summary) in COMMANDS.items():
        sub = commands.add_parser(name, help=summary, allow_abbrev=False)
        if words and words[0] == name:
            sub.description = command(name).__doc__
            command(name).add_arguments(sub)
    return top


def command(name: str) -> ModuleType:
    return importlib.import_module(COMMANDS[name][0])


def refuse(sentence: str) -> int:
    print(f"botapi: {sentence}", file=sys.stderr)
    return 1


def console() -> None:
    """The `botapi` executable: finds the bot's own code (actions, layers) in the folder where it is called."""
    sys.path.insert(0, os.getcwd())
    sys.exit(main())
