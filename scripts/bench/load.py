"""The load generator: an address and a number of connections in, turns a second and milliseconds a turn out.

Each connection is a process of its own, is kept alive and sends its next request when the answer to the last has come.
"""

from __future__ import annotations

import json
import multiprocessing
import socket
import statistics
import time
from dataclasses import dataclass
from itertools import count

TURNS_A_CONVERSATION = 8


@dataclass(frozen=True)
class Load:
    """What one run found."""

    per_second: float
    p50_ms: float
    p99_ms: float


class Connection:
    """One kept-alive HTTP/1.1 connection; PERF: http.client would cost more than some servers' whole answer."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def request(self, method: str, path: str, body: bytes, status: int = 200, *, apart: bool = False) -> bytes:
        """The answer's body; raises ValueError unless it has this status, and a Content-Length where it has a body.

        `apart`: head and body are sent one after the other, as http.client and others do.
        """
        head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        for piece in (head.encode(), body) if apart else (head.encode() + body,):
            self.socket.sendall(piece)
        while b"\r\n\r\n" not in self.rest:
            self._more()
        headers, self.rest = self.rest.split(b"\r\n\r\n", 1)
        lines = headers.lower().split(b"\r\n")
        lengths = [int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")]
        if f" {status} ".encode() not in lines[0] + b" " or not (lengths or status == 204):
            raise ValueError(f"expected a {status} with a Content-Length, got {headers!r}")
        lengths = lengths or [0]
        while len(self.rest) < lengths[0]:
            self._more()
        answer, self.rest = self.rest[: lengths[0]], self.rest[lengths[0] :]
        return answer

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise ValueError("the server closed the connection")
        self.rest += data


def turn(connection: Connection, sender: str, message: str) -> list[dict[str, object]]:
    """One chat turn; the bot's messages."""
    body = json.dumps({"sender": sender, "message": message}).encode()
    answer: list[dict[str, object]] = json.loads(connection.request("POST", "/webhooks/rest/webhook", body))
    return answer


def chat(
    port: int, messages: list[str], seconds: float, name: str, results: multiprocessing.Queue[list[float]]
) -> None:
    """Chat for a while, in conversations of eight turns; puts the seconds of each turn into `results`."""
    connection = Connection(port)
    took: list[float] = []
    end = time.perf_counter() + seconds
    for number in count():
        started = time.perf_counter()
        if started >= end:
            break
        turn(connection, f"{name}-{number // TURNS_A_CONVERSATION}", messages[number % len(messages)])
        took.append(time.perf_counter() - started)
    results.put(took)


def measure_parses(port: int, texts: list[str], seconds: float, *, apart: bool) -> Load:
    """Ask `/model/parse` on one connection for so many seconds; `apart` as in Connection.request."""
    connection = Connection(port)
    bodies = [json.dumps({"text": text}).encode() for text in texts]
    took: list[float] = []
    end = time.perf_counter() + seconds
    for number in count():
        started = time.perf_counter()
        if started >= end:
            break
        connection.request("POST", "/model/parse", bodies[number % len(bodies)], apart=apart)
        took.append(time.perf_counter() - started)
    return summary(took, seconds)


def measure(port: int, connections: int, messages: list[str], seconds: float) -> Load:
    """Chat on so many connections at once for so many seconds."""
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    run = f"bench-{time.time_ns()}"
    clients = [
        context.Process(target=chat, args=(port, messages, seconds, f"{run}-{number}", results))
        for number in range(connections)
    ]
    for client in clients:
        client.start()
    took = [one for _ in clients for one in results.get(timeout=seconds + 120)]
    for client in clients:
        client.join()
    return summary(took, seconds)


def summary(took: list[float], seconds: float) -> Load:
    """What came of requests that took so many seconds each."""
    took = sorted(took)
    return Load(
        per_second=len(took) / seconds,
        p50_ms=1000 * statistics.median(took),
        p99_ms=1000 * took[int(0.99 * (len(took) - 1))],
    )
