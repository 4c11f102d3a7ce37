"""Running servers as processes: a command and a folder in, an address that answers out; always gone afterwards."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
BOTAPI = (sys.executable, "-m", "botapi")


class Served:
    """A server process that listens at `url`."""

    def __init__(self, process: subprocess.Popen[str], url: str, announcement: str) -> None:
        self.process, self.url, self.announcement = process, url, announcement

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """(status, JSON or text) of a request; a `body` that is no bytes is sent as JSON."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, decoded(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, decoded(error.read())

    def say(self, text: str, sender: str = "tester") -> list[str]:
        """One turn on the REST channel; the texts of the bot's messages."""
        status, messages = self.request("POST", "/webhooks/rest/webhook", {"sender": sender, "message": text})
        assert status == 200, messages
        return [message["text"] for message in messages]


def decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")  # an archive is none


@contextmanager
def served(
    *words: str, folder: Path, command: tuple[str, ...] = (*BOTAPI, "run"), **environment: str
) -> Iterator[Served]:
    """`botapi run` with more words, on a free port unless they name one."""
    port = () if "-p" in words else ("-p", "0")
    process = subprocess.Popen(
        [*command, *words, *port],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            line = process.stdout.readline()
            found = re.search(r"http://\S+", line)
            assert found, f"no address in {line!r}; stderr: {process.stderr.read()}"
            yield Served(process, found[0], line.strip())
        finally:
            process.kill()


def finished(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A botapi command that ran to its end."""
    return subprocess.run(
        [*BOTAPI, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
