"""Request bodies within bounds: wsgi.input comes in, a reader with an end goes on, or 400 or 413 goes out."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from .errors import HTTPError, respond_error
from .wsgi import App, Closing, Environ, StartResponse

_IN_MEMORY_BYTES = 1 << 20


def content_length(environ: Environ) -> int | None:
    """The length of the body in bytes; None where the request doesn't say. HTTPError 400 for anything but digits."""
    text = environ.get("CONTENT_LENGTH", "")
    if text == "":
        return None
    if not (text.isascii() and text.isdigit()):
        shown = repr(text[:40])
        raise HTTPError(400, "BadRequest", f"Content-Length is {shown}; expected the body's bytes as a whole number.")
    # NOTE: Python refuses to read very long numbers, and no body is that long.
    return int(text) if len(text) < 19 else 10**18


def too_large(limit_bytes: int) -> HTTPError:
    """The error for a body over the limit."""
    message = f"The body is larger than the {limit_bytes} bytes that are taken here; send less."
    return HTTPError(413, "PayloadTooLarge", message, details={"limit_bytes": limit_bytes})


class BoundedInput:
    """A reader for a WSGI input stream that never takes more than `size_bytes` from it, whatever is asked.

    With `exact`, `size_bytes` is the Content-Length: the end comes after as many bytes, and a stream that ends earlier
    (the client is gone) raises HTTPError 400. Without, `size_bytes` is a limit for a stream that knows its own end
    (`wsgi.input_terminated`): one byte more is looked at, and where there is one, HTTPError 413 is raised.
    """

    __slots__ = ("_exact", "_left", "_size_bytes", "_stream")

    def __init__(self, stream: Any, size_bytes: int, *, exact: bool = True) -> None:
        self._stream = stream
        self._size_bytes = size_bytes
        self._left = size_bytes
        self._exact = exact

    def read(self, size: int | None = -1, /) -> bytes:
        """Up to `size` bytes, less at the end only; everything left without a size."""
        wanted = self._wanted(size)
        chunks = []
        while wanted > 0:
            # NOTE: streams may return less than asked for long before their end.
            chunk = self._took(self._stream.read(wanted))
            if not chunk:
                break
            chunks.append(chunk)
            wanted -= len(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def readline(self, size: int | None = -1, /) -> bytes:
        """One line with its end, or its first `size` bytes."""
        wanted = self._wanted(size)
        return self._took(self._stream.readline(wanted)) if wanted > 0 else b""

    def readlines(self, hint: int | None = -1, /) -> list[bytes]:
        """All lines; with a hint, as many as it takes to reach so many bytes."""
        lines: list[bytes] = []
        total = 0
        for line in self:
            lines.append(line)
            total += len(line)
            if hint is not None and 0 < hint <= total:
                break
        return lines

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def _wanted(self, size: int | None) -> int:
        if self._left < 0:  # who went on after the error must not take what he has for the whole
            raise too_large(self._size_bytes)
        # One byte over the limit shows that there is more; an exact length must not be passed.
        available = self._left if self._exact else self._left + 1
        return available if size is None or size < 0 else min(size, available)

    def _took(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise too_large(self._size_bytes)
        if not data and self._exact:
            arrived = self._size_bytes - self._left
            message = f"The body ended after {arrived} of the {self._size_bytes} bytes that Content-Length says."
            raise HTTPError(400, "BadRequest", message)
        return data


class BodyLimit:
    """Layer: bodies over `limit_bytes` get 413 before the application runs, a senseless Content-Length gets 400.

    Inside, `wsgi.input` ends where the body ends, also on servers whose streams would wait for ever. A body without
    Content-Length is empty, unless the server sets `wsgi.input_terminated`: then it is read first, to disk where it is
    large, so that the application learns its Content-Length.
    """

    def __init__(self, app: App, *, limit_bytes: int) -> None:
        if limit_bytes < 0:
            raise ValueError(f"limit_bytes is {limit_bytes}; expected 0 or more.")
        self._app = app
        self._limit_bytes = limit_bytes

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        try:
            length = content_length(environ)
            if length is not None and length > self._limit_bytes:
                raise too_large(self._limit_bytes)
            spool = self._spooled(environ) if length is None and environ.get("wsgi.input_terminated") else None
        except HTTPError as error:
            return respond_error(environ, start_response, error)
        if spool is not None:
            return self._from_spool(environ, start_response, spool)
        environ["wsgi.input"] = BoundedInput(environ["wsgi.input"], length) if length else io.BytesIO()
        return self._app(environ, start_response)

    def _spooled(self, environ: Environ) -> IO[bytes]:
        reader = BoundedInput(environ["wsgi.input"], self._limit_bytes, exact=False)
        spool: IO[bytes] = SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)
        try:
            while chunk := reader.read(65536):
                spool.write(chunk)
        except BaseException:  # whatever ends the copying, the file goes
            spool.close()
            raise
        environ["CONTENT_LENGTH"] = str(spool.tell())
        spool.seek(0)
        return spool

    def _from_spool(self, environ: Environ, start_response: StartResponse, spool: IO[bytes]) -> Iterable[bytes]:
        environ["wsgi.input"] = spool
        try:
            return Closing(self._app(environ, start_response), spool.close)
        except BaseException:  # whatever ends the application, the file goes
            spool.close()
            raise
