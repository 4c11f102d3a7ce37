"""Serves a WSGI application with waitress until told to stop: an application and an address in, clean shutdown out.

On SIGTERM or SIGINT it stops accepting, lets the requests that have arrived finish within a limit, then returns.
"""

from __future__ import annotations

import logging
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import waitress.server
from waitress import wasyncore
from waitress.channel import HTTPChannel

from botapi.errors import ConfigError

logger = logging.getLogger(__name__)

IDENT = "botapi"
LOOP_S = 1.0
DRAIN_LOOP_S = 0.05
STOP_S = 0.5
# What waitress refuses by itself must lie above every limit of ours, so that our error object is what a client sees.
BODY_ROOM_BYTES = 1024 * 1024


class Server:
    """A bound listener: `addresses` are known at once, `serve()` runs until a signal or `stop()`."""

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
    ) -> None:
        proxy: dict[str, Any] = {}
        if trusted_proxy:
            headers = {"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port"}
            proxy = {"trusted_proxy": trusted_proxy, "trusted_proxy_headers": headers}
        self.sockets: dict[int, Any] = {}
        self.waitress = waitress.server.create_server(
            application,
            map=self.sockets,
            sockets=bound(host, port),
            threads=threads,
            channel_timeout=max(1, int(idle_s)),
            max_request_body_size=max_body_bytes + BODY_ROOM_BYTES,
            ident=IDENT,
            clear_untrusted_proxy_headers=True,
            **proxy,
        )
        self.stopping = False

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """(host, port) of each socket listened on."""
        return [(listener.effective_host, int(listener.effective_port)) for listener in self._listeners()]

    def serve(self, *, drain_s: float, on_stop: Callable[[], None] = lambda: None) -> bool:
        """Serve until stopped, then drain for at most `drain_s`; `on_stop` runs before draining.

        Returns whether every request that had arrived was answered.
        """
        previous = {number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            while not self.stopping:
                self._loop(LOOP_S)
            on_stop()
            return self._drain(drain_s)
        finally:
            self.waitress.task_dispatcher.shutdown(timeout=STOP_S)
            wasyncore.close_all(self.sockets)
            for number, handler in previous.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """Ask `serve` to end; may be called from any thread and from a signal handler."""
        self.stopping = True
        for listener in self._listeners():
            listener.pull_trigger()
            return

    def _on_signal(self, number: int, frame: Any) -> None:
        if self.stopping:  # asked twice: don't wait for what runs
            raise KeyboardInterrupt
        self.stop()

    def _loop(self, timeout_s: float) -> None:
        wasyncore.loop(timeout=timeout_s, use_poll=True, map=self.sockets, count=1)

    def _drain(self, limit_s: float) -> bool:
        # What clients sent before the signal may still wait in the kernel: take it before the door closes.
        for _ in range(3):
            self._loop(0)
        for listener in self._listeners():
            listener.accepting = False
            wasyncore.dispatcher.close(listener)  # its own close() would also close the trigger that workers need
        deadline = time.monotonic() + limit_s
        while busy := self._close_idle():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                logger.warning("%d requests were still running after %g s and are cut off.", busy, limit_s)
                return False
            self._loop(min(DRAIN_LOOP_S, left_s))
        return True

    def _close_idle(self) -> int:
        """Close connections that neither run, receive nor send anything; returns how many others there are."""
        busy = 0
        for channel in list(self._channels()):
            if channel.requests or channel.request is not None or channel.total_outbufs_len:
                busy += 1
            else:
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
