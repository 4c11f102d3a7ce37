"""Errors as answers: an exception in; the error object {version, status, message, reason, details, help, code} out."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from botapi import __version__
from botapi.errors import BotError, Busy
from botapi.web.response import encode_json
from middleware.errors import HTTPError
from middleware.wsgi import Environ, Response


class ErrorResponse(HTTPError):
    """An error that is also its answer; `error_info` is the object that the client gets.

    Parameters and their order are those of Rasa 3.6: `details` must be JSON, `help_url` is where users find more.
    """

    def __init__(
        self,
        status: int | HTTPStatus,
        reason: str,
        message: str,
        details: Any = None,
        help_url: str | None = None,
        *,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(int(status), reason, message, headers=list(headers), details=details or {})
        self.error_info = error_object(int(status), reason, message, details, help_url)


def error_object(
    status: int, reason: str, message: str, details: Any = None, help_url: str | None = None
) -> dict[str, Any]:
    """The error object of Rasa 3.6, the one shape of every error that leaves the server."""
    return {
        "version": __version__,
        "status": "failure",
        "message": message,
        "reason": reason,
        "details": details or {},
        "help": help_url,
        "code": status,
    }


def answer_to(error: BaseException) -> ErrorResponse | None:
    """The answer to an error that was raised on purpose; None for any other."""
    if isinstance(error, ErrorResponse):
        return error
    if isinstance(error, HTTPError):
        return ErrorResponse(error.status, error.reason, error.message, error.details, headers=error.headers)
    if isinstance(error, BotError):
        headers = [("Retry-After", str(error.retry_after_s))] if isinstance(error, Busy) else []
        return ErrorResponse(error.status, error.reason, error.message, error.details, error.help, headers=headers)
    return None


def render(error: Exception, environ: Environ) -> Response | None:
    """Shape errors for the middleware: (status, headers, body), or None for an error that nobody foresaw.

    NOTE: the middleware itself adds the headers of an HTTPError; those of other errors are added here.
    """
    answer = answer_to(error)
    if answer is None:
        return None
    added = [] if isinstance(error, HTTPError) else answer.headers
    return answer.status, [("Content-Type", "application/json"), *added], encode_json(answer.error_info).encode("ascii")
