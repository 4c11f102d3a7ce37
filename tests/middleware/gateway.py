"""A WSGI server in small: an application and a request come in, what client and server would see goes out."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from wsgiref.util import setup_testing_defaults

from middleware.wsgi import App, Environ, close


@dataclass
class Exchange:
    """One request and its end; `error` is what reached the server, `headers_sent` whether the client saw a start."""

    status: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    error: BaseException | None = None
    headers_sent: bool = False
    exc_infos: list[tuple] = field(default_factory=list)

    def header(self, name: str) -> str | None:
        """The value of a header that came at most once."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None


def request(method: str = "GET", path: str = "/", query: str = "", *, body: bytes | None = None, **more) -> Environ:
    """An environ as a server makes it; `more` are further keys."""
    environ: Environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "SCRIPT_NAME": ""}
    if body is not None:
        environ |= {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
    environ |= more
    setup_testing_defaults(environ)
    return environ


def exchange(app: App, environ: Environ, *, chunks: int | None = None) -> Exchange:
    """Serve one request as PEP 3333 says; with `chunks`, the client goes away after so many."""
    seen = Exchange()

    def write(data: bytes) -> None:
        assert seen.status, "data came before start_response"
        seen.headers_sent = seen.headers_sent or bool(data)
        seen.body += data

    def start_response(status, headers, exc_info=None):
        assert exc_info or not seen.status, "start_response came twice without exc_info"
        if exc_info:
            seen.exc_infos.append(exc_info)
            if seen.headers_sent:
                raise exc_info[1]
        seen.status, seen.headers = status, headers
        return write

    try:
        result = app(environ, start_response)
        try:
            for number, chunk in enumerate(result if chunks != 0 else ()):
                write(chunk)
                if number + 1 == chunks:
                    break
        finally:
            close(result)
    except Exception as error:  # as a server does: the test looks at it
        seen.error = error
    return seen
