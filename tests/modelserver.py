"""A model server for tests: what it shall answer in; what it was asked out."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue


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

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, body, sent = found.status, found.body, found.headers
            if status == 200 and sent.get("ETag") and headers.get("if-none-match") == sent["ETag"]:
                status = 304
            self.send_response(status)
            for name, value in sent.items():
                self.send_header(name, value)
            if status not in (204, 304):
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if status not in (204, 304):
                self.wfile.write(body)
            found.asked.put({**headers, ":path": self.path})

        def log_message(self, *args):
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_port}/models/live"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
