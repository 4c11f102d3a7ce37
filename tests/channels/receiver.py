"""A server for tests that takes what is posted to it: statuses to answer with in; the bodies that came out."""

from __future__ import annotations

import json
from contextlib import contextmanager
from queue import SimpleQueue

from tests.serving import Handler, serving


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

    class Post(Handler):
        """Takes a POST and notes it."""

        def do_POST(self):
            body = self.body()
            self.answer(found.statuses.pop(0) if found.statuses else 200)
            is_json = self.headers["Content-Type"].startswith("application/json")
            found.posted.put((self.path, dict(self.headers), json.loads(body) if is_json else body))

    with serving(Post, port) as server:
        found.url = server.url
        yield found
