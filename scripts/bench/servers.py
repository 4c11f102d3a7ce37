"""Starts what is measured: a command and a folder in, a running server with its start-up time and memory out."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from load import Connection, turn

QUIET = {"RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3", "SQLALCHEMY_SILENCE_UBER_WARNING": "1"}


@dataclass(frozen=True)
class Running:
    """A server that has answered its first message."""

    port: int
    pid: int
    first_answer_s: float

    def resident_mib(self) -> float:
        """Resident memory of the process and its children."""
        listing = subprocess.run(["ps", "-e", "-o", "pid=,ppid=,rss="], capture_output=True, text=True, check=True)
        rows = [tuple(map(int, line.split())) for line in listing.stdout.splitlines()]
        family = {self.pid}
        for pid, parent, _ in sorted(rows):
            if parent in family:
                family.add(pid)
        return sum(kib for pid, _, kib in rows if pid in family) / 1024


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run(command: list[str], folder: Path) -> float:
    """Run a command to its end; seconds it took. Raises CalledProcessError, its output printed."""
    started = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=os.environ | QUIET, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        print(done.stdout)
    done.check_returncode()
    return time.perf_counter() - started


@contextlib.contextmanager
def serving(command: list[str], folder: Path, *, limit_s: float = 600) -> Iterator[Running]:
    """Run `command` (`{port}` is filled in) until the block ends; enters once a chat turn was answered."""
    port = free_port()
    words = [word.replace("{port}", str(port)) for word in command]
    started = time.perf_counter()
    with open(folder / "server.log", "wb") as log:
        process = subprocess.Popen(words, cwd=folder, env=os.environ | QUIET, stdout=log, stderr=log)
    try:
        wait_for_answer(process, port, started + limit_s)
        yield Running(port, process.pid, time.perf_counter() - started)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_answer(process: subprocess.Popen[bytes], port: int, deadline: float) -> None:
    while True:
        try:
            if turn(Connection(port), "first", "hello"):
                return
        except (OSError, ValueError):
            pass
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with exit code {process.returncode}; see its server.log")
        if time.perf_counter() > deadline:
            raise RuntimeError(f"{process.args!r} gave no answer in time; see its server.log")
        time.sleep(0.005)
