"""Sets up logging once for a command: parsed flags in, handlers on the root logger out.

What users write, what the bot says, and tokens are never logged by us; where they would be by others, others are kept
from it here.
"""

from __future__ import annotations

import argparse
import json
import logging
import logging.config
import logging.handlers
import os
import socket
from datetime import datetime, timezone
from typing import Any

from botapi import yamlfile
from botapi.cli.batchlog import BatchedHandler, to_file, to_stderr
from botapi.errors import ConfigError
from botapi.telemetry import request_id, trace_context

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
FORMATS = ("text", "json")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
# SECURITY: at level DEBUG these log what travels: URLs with their tokens, headers, messages.
TALKATIVE = ("boto3", "botocore", "engineio", "s3transfer", "socketio", "urllib3")


def configure(arguments: argparse.Namespace) -> None:
    """Log to stderr, and to a file and syslog when asked; a configuration file replaces all of it.

    Level: the flag, else the environment's LOG_LEVEL, else INFO. Raises ConfigError for what can't be opened or read.
    """
    file = getattr(arguments, "logging_config_file", None)
    if file:
        return from_file(file)
    # PERF: FORMAT uses none of these; looking for the caller's line alone takes a third of a record's cost.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # as Python's logging HOWTO advises
    root = logging.getLogger()
    root.setLevel(level(getattr(arguments, "log_level", None)))
    for old in root.handlers[:]:
        root.removeHandler(old)
        if isinstance(old, BatchedHandler):  # ours, of a command before this one in the same process
            old.close()
    is_json = getattr(arguments, "log_format", None) == "json"
    for handler in handlers(arguments):
        handler.setFormatter(JSONFormatter() if is_json else logging.Formatter(FORMAT))
        root.addHandler(handler)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.INFO)
    # NOTE: waitress warns for each request that waits for a thread, which under load is every one.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)


# Attributes of every record.
_COMMON = {*vars(logging.makeLogRecord({})), "message", "asctime"}


class JSONFormatter(logging.Formatter):
    """One JSON object a record: time, level, logger, message; request_id and trace_id where a request runs; exception.

    What a record has beside what all have, such as those of requests their status, comes under its own name.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update((name, value) for name, value in vars(record).items() if name not in _COMMON and name not in line)
        if (request := request_id.get()) is not None:
            line.setdefault("request_id", request)
        if (parent := trace_context.get().get("traceparent")) is not None:
            line["trace_id"] = parent.split("-")[1]
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def level(flag: str | None) -> str:
    name = flag or os.environ.get("LOG_LEVEL", "INFO").upper()
    if name not in LEVELS:
        raise ConfigError(f"LOG_LEVEL is {name!r}; it must be one of {', '.join(LEVELS)}")
    return name


def handlers(arguments: argparse.Namespace) -> list[logging.Handler]:
    found: list[logging.Handler] = [BatchedHandler(to_stderr())]
    if getattr(arguments, "log_file", None):
        try:
            found.append(BatchedHandler(to_file(arguments.log_file)))
        except OSError as error:
            raise ConfigError(f"The log file {arguments.log_file} can't be written: {error.strerror}") from error
    if getattr(arguments, "use_syslog", False):
        found.append(syslog(arguments.syslog_address, arguments.syslog_port, arguments.syslog_protocol))
    return found


def syslog(address: str, port: int, protocol: str) -> logging.Handler:
    kind = socket.SOCK_STREAM if protocol == "TCP" else socket.SOCK_DGRAM
    try:
        return logging.handlers.SysLogHandler((address, port), socktype=kind)
    except OSError as error:
        raise ConfigError(f"No syslog at {address}:{port} ({protocol}): {error.strerror or error}") from error


def from_file(path: str) -> None:
    try:
        # Python's own default would silence every logger that exists by now, ours among them.
        logging.config.dictConfig({"disable_existing_loggers": False, **yamlfile.load_file(path)})
    except (ValueError, TypeError, AttributeError, ImportError) as error:
        raise ConfigError(
            f"{path} is not a logging configuration as logging.config.dictConfig takes it: {error}"
        ) from error
