"""A server for tests that answers as Duckling: texts and answers in duckling.json in; what it was asked out."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from tests.serving import Handler, serving

# Texts, an answer in Duckling's form to each, and the entities that Rasa 3.6.21 made of it.
RECORDED: list[dict[str, Any]] = json.loads(Path(__file__).with_name("duckling.json").read_text(encoding="utf-8"))


class Duckling:
    """Knows the texts of RECORDED; `status` and `body` replace what it answers. `asked` are the forms it got."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.status = 200
        self.body: bytes | None = None
        self.asked: list[dict[str, str]] = []
        self.released = threading.Event()
        self.released.set()

    def answer(self, path: str, form: dict[str, str]) -> bytes:
        assert path == "/parse", path
        self.asked.append(form)
        self.released.wait()
        known = {one["text"]: one["answer"] for one in RECORDED}
        return json.dumps(known.get(form["text"], [])).encode() if self.body is None else self.body


@contextmanager
def duckling_server() -> Iterator[Duckling]:
    """A running Duckling on a free port of this machine."""

    class Parse(Handler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/x-www-form-urlencoded; charset=UTF-8"
            body = duckling.answer(self.path, dict(parse_qsl(self.body().decode(), strict_parsing=True)))
            self.answer(duckling.status, body)

    with serving(Parse) as server:
        duckling = Duckling(server.url)
        try:
            yield duckling
        finally:
            duckling.released.set()
