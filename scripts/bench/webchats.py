"""Measures chat beside idle web chats: how many clients in; the p99 of chat turns without and with them out.

Run it as `python scripts/bench/webchats.py [--clients 64] [--seconds 10] [--runs 3]`; it needs python-socketio[client].
The clients are python-socketio's, connected by long polling, in a process of their own. Each has had a short dialogue.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from pathlib import Path

import socketio
from load import Load, measure
from servers import Running, run, serving

BOTAPI = [sys.executable, "-m", "botapi"]
MESSAGES = ["hello", "how much is a flat tyre", "where are you", "bye"]
CONNECTIONS = 4
FORK = multiprocessing.get_context("fork")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=64, help="idle web chats (64)")
    parser.add_argument("--seconds", type=float, default=10, help="length of each load (10)")
    parser.add_argument("--runs", type=int, default=3, help="loads without and with them, in turn (3)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="botapi-bench-"))
    try:
        run([*BOTAPI, "init", "--no-prompt", "--init-dir", str(folder)], folder)
        run([*BOTAPI, "train"], folder)
        (folder / "credentials.yml").write_text("rest:\nsocketio:\n", "utf-8")
        with serving([*BOTAPI, "run", "--port", "{port}"], folder) as server:
            measure(server.port, CONNECTIONS, MESSAGES, 1)
            compare(server, options.clients, options.seconds, options.runs)
    finally:
        shutil.rmtree(folder)


def compare(server: Running, clients: int, seconds: float, runs: int) -> None:
    loads: list[tuple[Load, Load]] = []
    for _ in range(runs):
        without = measure(server.port, CONNECTIONS, MESSAGES, seconds)
        with idle(server.port, clients):
            loads.append((without, measure(server.port, CONNECTIONS, MESSAGES, seconds)))
    for name in ("p99_ms", "p50_ms", "per_second"):
        before, after = (statistics.median(getattr(pair[at], name) for pair in loads) for at in (0, 1))
        print(f"chat {name}: {before:.2f} alone, {after:.2f} beside {clients} web chats, ratio {after / before:.2f}")


@contextlib.contextmanager
def idle(port: int, clients: int) -> Iterator[None]:
    """So many connected web chats, which say nothing any more."""
    ready, done = FORK.Event(), FORK.Event()
    process = FORK.Process(target=connect, args=(port, clients, ready, done))
    process.start()
    try:
        if not ready.wait(120):
            raise RuntimeError(f"{clients} clients did not connect within 120 s")
        yield
    finally:
        done.set()
        process.join(30)
        process.kill()


def connect(port: int, clients: int, ready: Event, done: Event) -> None:
    chats = [socketio.SimpleClient(reconnection=False) for _ in range(clients)]
    for chat in chats:
        chat.connect(f"http://127.0.0.1:{port}", transports=["polling"])
        chat.emit("user_uttered", {"message": "hello"})
        name, message = chat.receive(timeout=30)
        assert name == "bot_uttered" and message["text"], (name, message)
    ready.set()
    done.wait()
    assert all(chat.connected for chat in chats), "a client lost its connection"
    for chat in chats:
        chat.disconnect()


if __name__ == "__main__":
    main()
