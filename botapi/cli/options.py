"""Flags that several commands share: a parser in, the parser with more flags out."""

from __future__ import annotations

import argparse


def logging_flags(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
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
    return group


def model_flags(parser: argparse.ArgumentParser) -> None:
    """Which model: whole, or dialogue and understanding apart."""
    group = parser.add_argument_group("model", "An archive, or a folder, whose newest archive counts.")
    group.add_argument("model_as_word", nargs="?", metavar="MODEL", help="the same as --model")
    group.add_argument("-m", "--model", metavar="PATH", help="the model (default: models)")
    group.add_argument("-d", "--core", metavar="PATH", help="the dialogue model, where it is apart")
    group.add_argument("-u", "--nlu", metavar="PATH", help="the NLU model, where it is apart")


def file_flags(parser: argparse.ArgumentParser) -> None:
    """Which files tell about the bot's helpers and channels."""
    group = parser.add_argument_group("files")
    group.add_argument(
        "--endpoints", metavar="FILE", help="action server, stores and so on (default: endpoints.yml, if there)"
    )
    group.add_argument("--credentials", metavar="FILE", help="channels (default: credentials.yml, if there)")


def seconds(text: str) -> float:
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


def project_flags(parser: argparse.ArgumentParser) -> None:
    """Which files a project has."""
    group = parser.add_argument_group("files")
    group.add_argument(
        "--data", "-u", "--nlu", "-s", "--stories", nargs="+", metavar="PATH", help="training data (default: data)"
    )
    group.add_argument("-c", "--config", metavar="FILE", help="pipeline and policies (default: config.yml)")
    group.add_argument("-d", "--domain", metavar="PATH", help="domain, a file or folder (default: domain.yml)")


def not_negative(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 up")
    return int(text)


def positive_part(text: str) -> float:
    try:
        part = float(text)
    except ValueError:
        part = 0.0
    if not 0 < part <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0 and up to 1")
    return part


def positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)
