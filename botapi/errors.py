"""Every error that botapi raises on purpose: a message and details in, a status and reason for the edge out.

BotError
├── InputError        the caller's data is wrong                      400
├── NotFound          what the caller named does not exist            404
├── NotAcceptable     no representation that the caller accepts       406
├── Conflict          right request, wrong moment (no model yet)      409
├── Busy              full; try again later                           503
│   └── TooManyRequests  one caller sends too many                    429
├── Timeout           took longer than allowed                        503
├── DataError         a project file is wrong; names file and line    400
├── ConfigError       a setting is wrong, or needs a missing package  500
├── ModelError        a model archive is refused                      400
└── StoreError        a backend failed                                500
    └── StoreConflict somebody else wrote to the conversation         500
"""

from __future__ import annotations

from typing import Any


class BotError(Exception):
    """Root of the tree; the message says what was found, what was expected and what to do."""

    status = 500
    reason = "InternalError"

    def __init__(
        self, message: str, *, reason: str | None = None, details: dict[str, Any] | None = None, help: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = details or {}
        self.help = help
        if reason is not None:
            self.reason = reason


class InputError(BotError):
    """The caller's data is wrong; `details` names the parameter and where it stood."""

    status = 400
    reason = "BadRequest"


class NotFound(BotError):
    """What the caller named does not exist."""

    status = 404
    reason = "Not found"


class NotAcceptable(BotError):
    """No representation that the caller's Accept header allows."""

    status = 406
    reason = "NotAcceptable"


class Conflict(BotError):
    """The request is right but the server is not in a state for it, such as before a model is loaded."""

    status = 409
    reason = "Conflict"


class Busy(BotError):
    """All places are taken; `retry_after_s` says when to come back."""

    status = 503
    reason = "Busy"

    def __init__(self, message: str, *, retry_after_s: int = 1, details: dict[str, Any] | None = None) -> None:
        super().__init__(message, details=details)
        self.retry_after_s = retry_after_s


class TooManyRequests(Busy):
    """One caller sends more than he may."""

    status = 429
    reason = "TooManyRequests"


class Timeout(BotError):
    """An answer took longer than allowed."""

    status = 503
    reason = "Timeout"


class DataError(BotError):
    """A project file is wrong; `file` and 1-based `line` say where, as the message does."""

    status = 400
    reason = "BadRequest"

    def __init__(self, message: str, *, file: str | None = None, line: int | None = None) -> None:
        self.file, self.line = file, line
        place = ", ".join(([str(file)] if file else []) + ([f"line {line}"] if line else []))
        super().__init__(f"{message} ({place})" if place else message)


class ConfigError(BotError):
    """A setting is wrong, or what it asks for is not installed."""

    status = 500
    reason = "ConfigError"


class ModelError(BotError):
    """A model archive is missing, damaged or not ours."""

    status = 400
    reason = "BadRequest"


class StoreError(BotError):
    """A backend (database, lock, broker) failed."""

    status = 500
    reason = "StoreError"


class StoreConflict(StoreError):
    """Somebody else appended to the conversation since it was read."""
