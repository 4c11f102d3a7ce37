"""A bot that greets, waits for its action server and greets again; and that server, which waits for the test."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from tempfile import mkdtemp

from botapi.data.project import read_text
from botapi.training.train import train
from tests.projects import CONFIG, write

PROJECT = """
intents: [greet]
responses:
  utter_first: [{text: "First."}]
  utter_last: [{text: "Last."}]
actions: [action_wait]
nlu:
  - intent: greet
    examples: |
      - hello
rules:
  - rule: greet, wait, greet
    steps:
      - intent: greet
      - action: utter_first
      - action: action_wait
      - action: utter_last
"""


@cache
def _archive() -> Path:
    return train(read_text(CONFIG + PROJECT), mkdtemp(prefix="waiting-")).path


ENDPOINTS = """
action_endpoint:
  url: ${ACTION_URL}
tracker_store:
  type: in_memory
"""


def waiting_bot(folder: Path, endpoints: str = "") -> Path:
    """A folder with the trained bot and an endpoints.yml; the server's address is the environment's ACTION_URL."""
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "bot.tar.gz").symlink_to(_archive())
    write(folder, {"endpoints.yml": ENDPOINTS + endpoints})
    return folder


class ActionServer:
    """Every call waits for `may_answer`; `asked` gets the headers and the body of each as it comes."""

    def __init__(self) -> None:
        self.url = ""
        self.may_answer = threading.Event()
        self.asked: SimpleQueue = SimpleQueue()

    def next(self, timeout_s=20.0):
        """(headers, body) of the next call."""
        return self.asked.get(timeout=timeout_s)


@contextmanager
def action_server():
    """A running ActionServer on a free port of this machine."""
    found = ActionServer()

    class Handler(BaseHTTPRequestHandler):
        """Answers with no events."""

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found.asked.put((dict(self.headers), body))
            found.may_answer.wait(60)
            answer = b'{"events": [], "responses": []}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args):
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_port}/webhook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found
    finally:
        found.may_answer.set()
        server.shutdown()
        thread.join()
        server.server_close()
