"""Serves a WSGI application with waitress until told to stop: an application and an address in, clean shutdown out.

On SIGTERM or SIGINT it stops accepting, lets the requests that have arrived finish within a limit, then returns.
"""

from __future__ import annotations

import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator
from typing import Any

import waitress.server
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.task import ThreadedTaskDispatcher, WSGITask

from botapi.cli.crew import Crew
from botapi.errors import ConfigError

logger = logging.getLogger(__name__)

IDENT = "botapi"
AFTERWARDS = "middleware.afterwards"  # where the layers look for it
LOOP_S = 1.0
DRAIN_LOOP_S = 0.05
STOP_S = 0.5
# Threads for requests that wait; they are started when they are needed.
WAITING_THREADS = 500
# Below 1,024, the usual limit of open files: those that wait keep theirs open.
CONNECTIONS = 900
# What waitress refuses by itself must lie above every limit of ours, so that our error object is what a client sees.
BODY_ROOM_BYTES = 1024 * 1024


class Response(WSGITask):
    """Sends the head of an answer together with the first bytes of its body. PERF: one send, one wake-up less.

    Calls what layers want called when the answer has gone out.
    """

    wrote_header: bool

    def __init__(self, channel: HTTPChannel, request: HTTPRequestParser) -> None:
        super().__init__(channel, request)
        self._afterwards: list[Callable[[], object]] = []

    def service(self) -> None:
        try:
            super().service()
        finally:
            for call in self._afterwards:
                call()

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ[AFTERWARDS] = self._afterwards.append
        return environ

    def write(self, data: bytes) -> None:
        if data and self.complete and not self.wrote_header:
            self.channel.head = self.build_response_header()
            self.wrote_header = True
        super().write(data)
        if self.channel.head:  # nothing of the body is sent, as for HEAD
            self.channel.write_soon(b"")


class Connection(HTTPChannel):
    task_class = Response
    head = b""

    def handle_read(self) -> None:
        super().handle_read()
        if self.connected and self.request is not None and self.request.headers_finished:
            self._read_on()

    def _read_on(self) -> None:
        """Take what came while the head was parsed. PERF: clients that send the body apart have done so by now."""
        try:
            data = self.socket.recv(self.adj.recv_bytes)
        except OSError:  # nothing has come, or the next poll sees what is wrong
            return
        if data:
            self.last_activity = time.time()
            self.received(data)

    def write_soon(self, data: bytes) -> int:
        if self.head:
            data, self.head = self.head + data, b""
        sent = self._send_now(data) if isinstance(data, bytes) else 0
        return sent + int(super().write_soon(data[sent:] if sent else data))

    def _send_now(self, data: bytes) -> int:
        """Send what the socket takes at once, 0 bytes where others wait. PERF: waitress puts it into a buffer first."""
        with self.outbuf_lock:
            if not self.connected or self.total_outbufs_len:
                return 0
            try:
                sent = int(self.send(data, do_close=False))
            except OSError:  # waitress tries again, and closes the connection
                return 0
            self.last_activity = time.time()
            return sent


class Threads(Crew):
    """A crew, and threads beside it for requests that only wait for news: those must not take the places of work."""

    def __init__(
        self, poll: Callable[[], None], wake: Callable[[], None], threads: int, waiting_paths: Collection[str]
    ):
        super().__init__(poll, wake, threads)
        self._waiting_paths = frozenset(waiting_paths)
        self._beside = ThreadedTaskDispatcher()

    def add_task(self, task: HTTPChannel) -> None:
        path = getattr(task.requests[0], "path", "")
        if path.rstrip("/") not in self._waiting_paths:
            super().add_task(task)
            return
        with self._beside.lock:
            idle = len(self._beside.threads) - self._beside.active_count
            wanted = len(self._beside.threads) + (len(self._beside.queue) >= idle)
        self._beside.set_thread_count(min(wanted, WAITING_THREADS))
        self._beside.add_task(task)

    def stop(self, timeout_s: float) -> None:
        super().stop(timeout_s)
        self._beside.shutdown(timeout=timeout_s)


class Server:
    """A bound listener: `addresses` are known at once, `serve()` runs until a signal or `stop()`.

    `waiting_paths`, without slash at the end, get up to WAITING_THREADS threads beside the `threads`.
    """

    def __init__(
        self,
        application: Any,
        *,
        host: str,
        port: int,
        threads: int,
        idle_s: float,
        max_body_bytes: int,
        trusted_proxy: str | None = None,
        waiting_paths: Collection[str] = (),
    ) -> None:
        proxy: dict[str, Any] = {}
        if trusted_proxy:
            headers = {"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port"}
            proxy = {"trusted_proxy": trusted_proxy, "trusted_proxy_headers": headers}
        self.sockets: dict[int, Any] = {}
        self._threads = Threads(self._poll, self._wake, threads, waiting_paths)
        waitress.server.create_server(
            application,
            map=self.sockets,
            sockets=bound(host, port),
            _dispatcher=self._threads,
            connection_limit=CONNECTIONS,
            channel_timeout=max(1, int(idle_s)),
            max_request_body_size=max_body_bytes + BODY_ROOM_BYTES,
            ident=IDENT,
            clear_untrusted_proxy_headers=True,
            **proxy,
        )
        for listener in self._listeners():
            listener.channel_class = Connection
            listener.pull_trigger = self._wake
            self._trigger = listener.trigger
        self.stopping = False
        self._asked_to_stop = threading.Lock()
        self._asked_to_stop.acquire()
        self._is_busy: Callable[[], bool] | None = None  # while draining
        self._running = 0
        self._drained = threading.Event()

    @property
    def waiting(self) -> int:
        """How many requests have arrived and wait for a free thread."""
        return self._threads.waiting

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """(host, port) of each socket listened on."""
        return [(listener.effective_host, int(listener.effective_port)) for listener in self._listeners()]

    def serve(
        self,
        *,
        drain_s: float,
        on_stop: Callable[[], None] = lambda: None,
        is_busy: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Serve until stopped, then drain for at most `drain_s`; `on_stop` runs before draining.

        As long as `is_busy` says so, clients may come back for answers, on the connections that they have.
        Returns whether every request that had arrived was answered.
        """
        previous = {number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._threads.start()
            self._asked_to_stop.acquire()
            on_stop()
            return self._drain(drain_s, is_busy)
        finally:
            self._threads.stop(STOP_S)
            wasyncore.close_all(self.sockets)
            for number, handler in previous.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """Ask `serve` to end; may be called from any thread and from a signal handler."""
        if not self.stopping:
            self.stopping = True
            self._asked_to_stop.release()

    def _on_signal(self, number: int, frame: Any) -> None:
        if self.stopping:  # asked twice: don't wait for what runs
            raise KeyboardInterrupt
        self.stop()

    def _wake(self) -> None:
        if not self._threads.leads():
            self._trigger.pull_trigger()

    def _poll(self) -> None:
        """Look after all sockets once; only the thread that leads does."""
        if self._is_busy is None:
            self._loop(LOOP_S)
            return
        self._shut_door()
        keep = self._is_busy()
        self._running = self._close_idle(keep)
        if self._running or keep:
            self._loop(DRAIN_LOOP_S)
        else:
            self._drained.set()
            self._loop(LOOP_S)

    def _loop(self, timeout_s: float) -> None:
        wasyncore.loop(timeout=timeout_s, use_poll=True, map=self.sockets, count=1)

    def _drain(self, limit_s: float, is_busy: Callable[[], bool]) -> bool:
        self._is_busy = is_busy
        self._wake()
        if self._drained.wait(limit_s):
            return True
        what = f"{self._running} requests" if self._running else "Turns"
        logger.warning("%s were still running after %g s and are cut off.", what, limit_s)
        return False

    def _shut_door(self) -> None:
        if not any(self._listeners()):
            return
        # What clients sent before the signal may still wait in the kernel: take it before the door closes.
        for _ in range(3):
            self._loop(0)
        for listener in self._listeners():
            listener.accepting = False
            wasyncore.dispatcher.close(listener)  # its own close() would also close the trigger that wakes the leader

    def _close_idle(self, keep: bool) -> int:
        """Close connections that neither run, receive nor send, unless `keep`; returns how many others there are."""
        busy = 0
        for channel in list(self._channels()):
            if channel.requests or channel.request is not None or channel.total_outbufs_len:
                busy += 1
            elif not keep:
                channel.handle_close()
        return busy

    def _listeners(self) -> Iterator[Any]:
        return (one for one in list(self.sockets.values()) if isinstance(one, waitress.server.BaseWSGIServer))

    def _channels(self) -> Iterator[HTTPChannel]:
        return (one for one in list(self.sockets.values()) if isinstance(one, HTTPChannel))


def bound(host: str, port: int) -> list[socket.socket]:
    """A socket for each address that `host` means, bound to `port`; raises ConfigError."""
    found: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            found.append(socket.socket(family, kind, protocol))
            found[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                found[-1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            # NOTE: with port 0 every address gets the port that the first one was given.
            found[-1].bind((address[0], port or found[0].getsockname()[1], *address[2:]))
    except OSError as error:
        for one in found:
            one.close()
        reason = error.strerror or str(error)
        raise ConfigError(
            f"Can't listen on {host} port {port}: {reason}. Choose another --port or --interface."
        ) from error
    return found
