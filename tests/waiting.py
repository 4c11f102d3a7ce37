"""A bot that greets, waits for its action server and greets again; and that server, which waits for the test."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from tempfile import mkdtemp

from botapi.data.project import read_text
from botapi.training.train import train
from tests.projects import CONFIG, write
from tests.serving import Handler, serving

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

    class Action(Handler):
        """Answers with no events."""

        def do_POST(self):
            found.asked.put((dict(self.headers), json.loads(self.body())))
            found.may_answer.wait(60)
            self.answer(200, b'{"events": [], "responses": []}', Content_Type="application/json")

    with serving(Action) as server:
        found.url = f"{server.url}/webhook"
        try:
            yield found
        finally:
            found.may_answer.set()
