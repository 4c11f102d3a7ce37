"""Request id and log: an environ comes in, its response leaves with `X-Request-ID`, one line goes to the log."""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from urllib.parse import quote

from .wsgi import (
    WHOLE,
    App,
    Closing,
    Environ,
    ExcInfo,
    Headers,
    StartResponse,
    Write,
    afterwards,
    close,
    edit_headers,
    is_file,
)

REQUEST_ID = "middleware.request_id"
_acceptable = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}", re.ASCII).fullmatch


class RequestLog:
    """Layer: gives each request an id and writes one line about it when its response has ended.

    The id is the caller's `X-Request-ID` where that has 1 to 128 harmless characters, else 32 hex digits. It goes to
    `environ["middleware.request_id"]`, to `context` (such as a ContextVar's `set`), into the response and into the
    line: method, path without query, status, body bytes, milliseconds, id, at level INFO. The record has these as its
    attributes, too: method, path, status, bytes, ms, request_id.
    """

    def __init__(
        self,
        app: App,
        *,
        logger: logging.Logger | None = None,
        header: str = "X-Request-ID",
        context: Callable[[str], object] | None = None,
    ) -> None:
        self._app = app
        self._logger = logger or logging.getLogger(__name__)
        self._header = header
        self._key = "HTTP_" + header.upper().replace("-", "_")
        self._context = context

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        request_id = environ.get(self._key)
        if request_id is None or not _acceptable(request_id):
            # PERF: an id need not be a secret; `random` costs no system call, and reseeds itself in forked workers.
            request_id = f"{random.getrandbits(128):032x}"
        environ[REQUEST_ID] = request_id
        if self._context is not None:
            self._context(request_id)
        pair = (self._header, request_id)
        if not self._logger.isEnabledFor(logging.INFO):
            return self._app(environ, edit_headers(start_response, lambda headers: [*headers, pair]))
        return self._logged(environ, _Line(self._logger, environ, start_response, pair))

    def _logged(self, environ: Environ, line: _Line) -> Iterable[bytes]:
        try:
            result = self._app(environ, line.start)
        except BaseException:  # the line is due on every way out
            line.status = "500"
            line.write()
            raise
        # PERF: a list or tuple has been made already, so its end is known; anything wrapped would cost its server
        # the knowledge of its length, and thereby a kept connection.
        if type(result) in WHOLE:
            for chunk in result:
                line.sent_bytes += len(chunk)
            afterwards(environ, line.write)
            return result
        if is_file(environ, result):
            line.sent_bytes = line.declared_bytes()
            afterwards(environ, line.write)
            return result
        return Closing(line.count(result), lambda: close(result), line.write)


class _Line:
    """What the log line of one request needs."""

    __slots__ = ("_began", "_environ", "_headers", "_logger", "_pair", "_start_response", "sent_bytes", "status")

    def __init__(
        self, logger: logging.Logger, environ: Environ, start_response: StartResponse, pair: tuple[str, str]
    ) -> None:
        self._began = perf_counter()
        self._logger = logger
        self._environ = environ
        self._start_response = start_response
        self._pair = pair
        self._headers: Headers = []
        self.status = "-"
        self.sent_bytes = 0

    def start(self, status: str, headers: Headers, exc_info: ExcInfo | None = None) -> Write:
        self.status = status
        self._headers = headers
        if exc_info is None:
            write = self._start_response(status, [*headers, self._pair])
        else:
            write = self._start_response(status, [*headers, self._pair], exc_info)

        def counted(data: bytes) -> None:
            self.sent_bytes += len(data)
            write(data)

        return counted

    def count(self, result: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in result:
            self.sent_bytes += len(chunk)
            yield chunk

    def declared_bytes(self) -> int:
        """The Content-Length that the application gave, else 0."""
        return next((int(value) for name, value in self._headers if name.lower() == "content-length"), 0)

    def write(self) -> None:
        environ, logger = self._environ, self._logger
        method = _printable(environ["REQUEST_METHOD"])
        path = _printable(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))
        status, request_id = self.status[:3], self._pair[1]
        ms = round((perf_counter() - self._began) * 1000, 1)
        line = f"{method} {path} {status} {self.sent_bytes} bytes {ms} ms {request_id}"
        # PERF: logger.info() would look for its caller on the stack, which takes as long as all the rest, and format
        # the line again for each handler.
        record = logger.makeRecord(logger.name, logging.INFO, __file__, 0, line, (), None, "RequestLog")
        record.method, record.path, record.status = method, path, status
        record.bytes, record.ms, record.request_id = self.sent_bytes, ms, request_id
        logger.handle(record)


def _printable(text: str) -> str:
    """The text as it is, or percent-encoded where it could forge or break a log line."""
    return text if text.isascii() and text.isprintable() else quote(text, encoding="latin-1", errors="replace")
