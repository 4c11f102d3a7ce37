"""PEP 3333 in a few functions: environ and start_response come in; status, headers and bytes leave by `respond`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from http import HTTPStatus
from types import TracebackType
from typing import Any

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
Write = Callable[[bytes], object]
StartResponse = Callable[..., Write]
App = Callable[[Environ, StartResponse], Iterable[bytes]]
Layer = Callable[[App], App]
Response = tuple[int, Headers, bytes]

_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_BODILESS = frozenset({204, 304})
# Where a server offers it: a callable that takes what is to be called once the response has gone out.
AFTERWARDS = "middleware.afterwards"
# Types of results that are complete once they are returned: nothing can start late, fail or need close() later.
WHOLE = frozenset({list, tuple})


def status_line(status: int) -> str:
    """The status with its phrase, such as `404 Not Found`; PEP 3333 wants a phrase for numbers nobody knows, too."""
    return _STATUS_LINES.get(status) or f"{status} Unknown"


def respond(
    environ: Environ,
    start_response: StartResponse,
    status: int,
    headers: Sequence[tuple[str, str]] = (),
    body: bytes | Iterable[bytes] = b"",
    exc_info: ExcInfo | None = None,
) -> Iterable[bytes]:
    """Start the response and return its body; the one place that knows HEAD, 204, 304 and Content-Length.

    A body of bytes gets its true Content-Length, whatever `headers` say; an iterable is passed on as it is, so its
    Content-Length, if known, is the caller's to give. Where no body may go out, an iterable is closed.
    """
    if status in _BODILESS or status < 200:
        kept = [pair for pair in headers if pair[0].lower() not in ("content-length", "content-type")]
    elif isinstance(body, bytes):
        kept = [pair for pair in headers if pair[0].lower() != "content-length"]
        kept.append(("Content-Length", str(len(body))))
    else:
        kept = list(headers)
    if exc_info is None:
        start_response(status_line(status), kept)
    else:
        start_response(status_line(status), kept, exc_info)
    if environ["REQUEST_METHOD"] == "HEAD" or status in _BODILESS or status < 200:
        close(body)
        return []
    return [body] if isinstance(body, bytes) else body


def edit_headers(start_response: StartResponse, edit: Callable[[Headers], Headers]) -> StartResponse:
    """A start_response that sends `edit(headers)`; `edit` returns a new list and leaves the one it got as it was.

    NOTE: the list belongs to the application, which may use it for its next response as well.
    """

    def start(status: str, headers: Headers, exc_info: ExcInfo | None = None) -> Write:
        if exc_info is None:
            return start_response(status, edit(headers))
        return start_response(status, edit(headers), exc_info)

    return start


def afterwards(environ: Environ, call: Callable[[], object]) -> None:
    """Call when the response has gone out, where the server offers that, else now. PERF: the client need not wait."""
    later = environ.get(AFTERWARDS)
    if later is None:
        call()
    else:
        later(call)


def close(iterable: object) -> None:
    """Call the iterable's close(), if it has one."""
    closer = getattr(iterable, "close", None)
    if closer is not None:
        closer()


def is_file(environ: Environ, result: Iterable[bytes]) -> bool:
    """Whether a result is the server's own file wrapper, which it sends faster as long as nobody wraps it."""
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(result, wrapper)


class Closing:
    """An iterable whose close() closes the inner one, then runs every callback, each once, whatever the others raise.

    PERF: iteration is the inner iterable's own, so a chunk costs nothing extra.
    """

    __slots__ = ("_callbacks", "_iterable")

    def __init__(self, iterable: Iterable[bytes], *callbacks: Callable[[], object]) -> None:
        self._iterable = iterable
        inner = getattr(iterable, "close", None)
        self._callbacks = callbacks if inner is None else (inner, *callbacks)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._iterable)

    def close(self) -> None:
        callbacks, self._callbacks = self._callbacks, ()
        with ExitStack() as pending:
            for callback in reversed(callbacks):
                pending.callback(callback)


def call(app: App, environ: Environ) -> Response:
    """Run an application to its end and return (status, headers, body); what it raises is raised."""
    started: list[tuple[str, Headers]] = []
    chunks: list[bytes] = []

    def start(status: str, headers: Headers, exc_info: ExcInfo | None = None) -> Write:
        started.append((status, headers))
        chunks.clear()  # a second start replaces what was written, since none of it has gone out
        return chunks.append

    result = app(environ, start)
    try:
        chunks.extend(result)
    finally:
        close(result)
    if not started:
        raise RuntimeError("The application returned without calling start_response; expected a call (PEP 3333).")
    status, headers = started[-1]
    return int(status[:3]), headers, b"".join(chunks)
