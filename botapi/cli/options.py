"""Flags that several commands share: a parser in, the parser with more flags out."""

from __future__ import annotations

import argparse


def logging_flags(parser: argparse.ArgumentParser) -> None:
    """How much is told, and where: on every command."""
    group = parser.add_argument_group("logging")
    loudness = group.add_mutually_exclusive_group()
    loudness.add_argument(
        "-v", "--verbose", dest="log_level", action="store_const", const="INFO", default=None, help="tell the steps"
    )
    loudness.add_argument(
        "-vv", "--debug", dest="log_level", action="store_const", const="DEBUG", default=None, help="tell everything"
    )
    loudness.add_argument(
        "--quiet", dest="log_level", action="store_const", const="WARNING", default=None, help="tell warnings only"
    )
    group.add_argument(
        "--logging-config-file", metavar="FILE", help="YAML file in the form of logging.config.dictConfig"
    )


def model_flag(parser: argparse.ArgumentParser) -> None:
    """Which model: a flag, or as Rasa allows the first word."""
    parser.add_argument("model_as_word", nargs="?", metavar="MODEL", help="the model, instead of --model")
    parser.add_argument(
        "-m", "--model", default="models", metavar="PATH", help="model archive, or a folder, whose newest archive counts"
    )


def number(text: str) -> float:
    """A number of seconds that is not negative."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, zero or more")
    return value


def port(text: str) -> int:
    if not (text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a whole number from 0 (any free one) to 65535")
    return int(text)


def positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)
