"""What wsgiref's validator leaves unchecked: an application comes in, a test client that fails on slips goes out."""

from __future__ import annotations

from wsgiref.util import is_hop_by_hop
from wsgiref.validate import validator

from webtest import TestApp

from middleware.wsgi import App, Closing


def strict(app: App) -> App:
    """Raise AssertionError for what neither wsgiref.validate nor webtest.lint looks at."""

    def checked(environ, start_response):
        starts, sent = [], []

        def start(status, headers, exc_info=None):
            assert exc_info or not starts, f"start_response came twice without exc_info: {starts[-1][0]}, {status}"
            hops = [name for name, _ in headers if is_hop_by_hop(name)]
            assert not hops, f"hop-by-hop headers are the server's: {hops}"
            starts.append((status, {name.lower(): value for name, value in headers}))
            write = start_response(status, headers, *filter(None, [exc_info]))
            return lambda data: (sent.append(data), write(data))

        def chunks(result):
            for chunk in result:
                sent.append(chunk)
                yield chunk
            status, headers = starts[-1]
            length = sum(map(len, sent))
            bodiless = environ["REQUEST_METHOD"] == "HEAD" or status[:3] in ("204", "304")
            assert not (bodiless and length), f"{environ['REQUEST_METHOD']} {status} has a body of {length} bytes"
            stated = int(headers.get("content-length", length))
            assert bodiless or stated == length, f"Content-Length is {stated}, the body has {length} bytes"

        result = app(environ, start)
        return Closing(chunks(result), getattr(result, "close", lambda: None))

    return checked


def client(app: App) -> TestApp:
    """A webtest client for `app` between wsgiref's validator and the strict checker."""
    return TestApp(validator(strict(app)))
