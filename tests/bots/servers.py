"""Servers that a bot needs beside it: a bot's folder in, the environment that names their addresses out."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

START_S = 120


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def running(command: list[str], folder: Path, url: str, log: Path, **environment: str) -> Iterator[str]:
    """A server process and all that it starts; gives `url` once that answers, whatever it answers."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "SANIC_HOST": "127.0.0.1", **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + START_S
        while not answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command} did not start:\n{log.read_text()}")
            time.sleep(0.05)
        yield url
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except urllib.error.HTTPError as error:
        error.close()
    except OSError:
        return False
    return True


@contextmanager
def companions(bot: Path, logs: Path, python: str = sys.executable) -> Iterator[dict[str, str]]:
    """What a bot's endpoints.yml may name: ACTION_URL where it has actions/actions.py, SERVER_URL for its server.py.

    `python` runs both: the actions with rasa_sdk, server.py with a port as its argument.
    """
    environment: dict[str, str] = {}
    with ExitStack() as started:
        if (bot / "actions" / "actions.py").exists():
            port = free_port()
            command = [python, "-m", "rasa_sdk", "--actions", "actions", "-p", str(port)]
            url = f"http://127.0.0.1:{port}"
            started.enter_context(running(command, bot / "actions", f"{url}/health", logs / "actions.log"))
            environment["ACTION_URL"] = f"{url}/webhook"
        if (bot / "server.py").exists():
            port = free_port()
            url = f"http://127.0.0.1:{port}"
            started.enter_context(running([python, "server.py", str(port)], bot, url, logs / "server.log"))
            environment["SERVER_URL"] = url
        yield environment
