"""Errors become responses: an exception from the application comes in, a JSON error object with its status goes out."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from .wsgi import WHOLE, App, Closing, Environ, ExcInfo, Response, StartResponse, close, is_file, respond, status_line

RENDER_ERROR = "middleware.render_error"
Render = Callable[[Exception, Environ], "Response | None"]


class HTTPError(Exception):
    """An error that has a status: raise it anywhere inside an `ErrorsToJSON` layer.

    `reason` is a short word for programs (default: the status's phrase without spaces), `message` a sentence for
    people: what was found, what was expected, what to do. `headers` (list of pairs) go out with the response,
    `details` (values that JSON can hold) into its body.
    """

    def __init__(
        self,
        status: int,
        reason: str | None = None,
        message: str = "",
        *,
        headers: Sequence[tuple[str, str]] = (),
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason or status_line(status)[4:].replace(" ", "")
        self.message = message
        self.headers = list(headers)
        self.details = details or {}


def plain(error: HTTPError) -> Response:
    """The rendering where nobody gave another: {"status", "reason", "message", "details"} as JSON."""
    value = {"status": error.status, "reason": error.reason, "message": error.message, "details": error.details}
    body = json.dumps(value, default=str).encode()
    return error.status, [("Content-Type", "application/json")], body


def respond_error(
    environ: Environ, start_response: StartResponse, error: Exception, exc_info: ExcInfo | None = None
) -> Iterable[bytes]:
    """Answer with an error, rendered by the nearest `ErrorsToJSON` around, else as `plain` does."""
    render = environ.get(RENDER_ERROR) or _Renderer(None, logging.getLogger(__name__))
    status, headers, body = render(error, environ)
    if isinstance(error, HTTPError):
        headers = [*headers, *error.headers]
    return respond(environ, start_response, status, headers, body, exc_info)


class _Renderer:
    """Turns every exception into a response: never None, and it never raises."""

    __slots__ = ("_logger", "_render")

    def __init__(self, render: Render | None, logger: logging.Logger) -> None:
        self._render = render
        self._logger = logger

    def __call__(self, error: Exception, environ: Environ) -> Response:
        response = self._rendered(error, environ)
        if response is None and not isinstance(error, HTTPError):
            self._log(error, environ)
            unknown = HTTPError(500, "InternalServerError", "The server failed to answer; its log says why.")
            return self._rendered(unknown, environ) or plain(unknown)
        if response is None:
            assert isinstance(error, HTTPError)
            return plain(error)
        if response[0] == 500:
            self._log(error, environ)
        return response

    def _rendered(self, error: Exception, environ: Environ) -> Response | None:
        try:
            return self._render(error, environ) if self._render is not None else None
        except Exception as failure:  # a broken renderer must not cost the caller his answer
            self._log(failure, environ)
            return None

    def _log(self, error: Exception, environ: Environ) -> None:
        # SECURITY: %r, since a path may hold line breaks that would forge log lines.
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        self._logger.error("%r %r failed", environ.get("REQUEST_METHOD"), path, exc_info=error)


class ErrorsToJSON:
    """Layer: whatever the application raises becomes a response that `render` shapes.

    `render(exception, environ)` returns (status, headers, body bytes), or None for exceptions that it doesn't know;
    the `headers` of an HTTPError are added by this layer. Unknown exceptions are logged with their traceback and
    rendered as an HTTPError 500 that tells nothing of them. An exception after the start of the response is handed to
    start_response as PEP 3333 says: where headers have gone out, the server raises it again and breaks off.
    """

    def __init__(self, app: App, *, render: Render | None = None, logger: logging.Logger | None = None) -> None:
        self._app = app
        self._render = _Renderer(render, logger or logging.getLogger(__name__))

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ[RENDER_ERROR] = self._render
        try:
            result = self._app(environ, start_response)
        except Exception as error:  # the purpose of this layer
            return self._answer(environ, start_response, error)
        if type(result) in WHOLE or is_file(environ, result):
            return result
        guarded = self._guard(environ, start_response, result)
        return Closing(guarded, lambda: close(result))

    def _guard(self, environ: Environ, start_response: StartResponse, result: Iterable[bytes]) -> Iterator[bytes]:
        try:
            # NOTE: `yield from` would close the inner iterator as well, and so close it twice.
            for chunk in result:  # noqa: UP028
                yield chunk
        except Exception as error:  # the purpose of this layer
            yield from self._answer(environ, start_response, error)

    def _answer(self, environ: Environ, start_response: StartResponse, error: Exception) -> Iterable[bytes]:
        environ[RENDER_ERROR] = self._render  # layers further in may have set their own
        return respond_error(environ, start_response, error, (type(error), error, error.__traceback__))
