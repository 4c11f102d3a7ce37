"""A server for tests that takes what is posted to it: statuses to answer with in; the bodies that came out."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue


class Receiver:
    """Answers each POST with the next of `statuses`, then with 200; `posted` gets (path, headers, JSON or bytes)."""

    def __init__(self, statuses=()) -> None:
        self.statuses = list(statuses)
        self.posted: SimpleQueue = SimpleQueue()
        self.url = ""

    def next(self, timeout_s=10.0):
        """The next request that came."""
        return self.posted.get(timeout=timeout_s)


@contextmanager
def receiver(*statuses, port=0):
    """A running Receiver on this machine, on a free port unless one is named."""
    found = Receiver(statuses)

    class Handler(BaseHTTPRequestHandler):
        """Takes a POST and notes it."""

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = found.statuses.pop(0) if found.statuses else 200
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            is_json = self.headers["Content-Type"].startswith("application/json")
            found.posted.put((self.path, dict(self.headers), json.loads(body) if is_json else body))

        def log_message(self, *args):
            return None

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
