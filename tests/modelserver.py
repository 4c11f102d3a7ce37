"""A model server for tests: what it shall answer in; what it was asked out."""

from __future__ import annotations

from contextlib import contextmanager
from queue import SimpleQueue

from tests.serving import Handler, serving


class ModelServer:
    """Answers each GET with `status`, `headers` and `body`; `asked` gets the headers of each request.

    A `status` of 200 becomes 304 where If-None-Match is the ETag, as the protocol has it.
    """

    def __init__(self) -> None:
        self.status, self.headers, self.body = 404, {}, b""
        self.asked: SimpleQueue = SimpleQueue()
        self.url = ""

    def serve(self, path, etag='"one"', **headers) -> None:
        """From now on there is this archive."""
        self.status, self.body = 200, path.read_bytes()
        self.headers = {"ETag": etag, "filename": path.name, **headers}

    def answer(self, status, body=b"", **headers) -> None:
        self.status, self.body, self.headers = status, body, headers

    def next(self, timeout_s=20.0):
        """The headers of the next request, in lower case."""
        return self.asked.get(timeout=timeout_s)


@contextmanager
def model_server():
    """A running ModelServer on a free port of this machine."""
    found = ModelServer()

    class Get(Handler):
        def do_GET(self):
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, body, sent = found.status, found.body, found.headers
            if status == 200 and sent.get("ETag") and headers.get("if-none-match") == sent["ETag"]:
                status = 304
            self.answer(status, b"" if status in (204, 304) else body, **sent)
            found.asked.put({**headers, ":path": self.path})

    with serving(Get) as server:
        found.url = f"{server.url}/models/live"
        yield found
