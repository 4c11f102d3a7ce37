"""Serves a WSGI application over TLS, with cheroot: an application, an address and a context in, clean shutdown out.

Waitress speaks no TLS; behind nginx, which does, `botapi.cli.server` is the one to use.
"""

from __future__ import annotations

import logging
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

from botapi.cli.server import BODY_ROOM_BYTES, IDENT
from botapi.errors import ConfigError

logger = logging.getLogger(__name__)

DRAIN_LOOP_S = 0.05
HANDSHAKE_S = 10.0


class PatientSocket(ssl.SSLSocket):
    """Shakes hands when it is first read from; where that fails within HANDSHAKE_S, there is nothing to read.

    NOTE: cheroot would do so where it accepts connections, so that one silent client kept out everybody else.
    """

    _hands_are_shaken: bool | None = None

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        if self._hands_are_shaken is None:
            self._hands_are_shaken = self._shake_hands()
        return super().recv_into(buffer, nbytes, flags) if self._hands_are_shaken else 0

    def _shake_hands(self) -> bool:
        idle_s = self.gettimeout()
        try:
            self.settimeout(HANDSHAKE_S)
            self.do_handshake()
            self.settimeout(idle_s)
        except OSError as error:  # of which ssl.SSLError is one
            logger.debug("No TLS connection: %s", error)
            return False
        return True


class Adapter:
    """What cheroot asks for TLS."""

    def __init__(self, context: ssl.SSLContext, makefile: Any) -> None:
        context.sslsocket_class = PatientSocket
        self._context = context
        self.makefile = makefile

    def bind(self, sock: socket.socket) -> socket.socket:
        """The listening socket as it is; those that it accepts are wrapped."""
        return sock

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        """The socket before its handshake, and what environ has of it."""
        wrapped = self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        return wrapped, {"wsgi.url_scheme": "https", "HTTPS": "on"}


class TLSServer:
    """A bound listener with the interface of `botapi.cli.server.Server`."""

    def __init__(
        self,
        application: Any,
        *,
        context: ssl.SSLContext,
        host: str,
        port: int,
        threads: int,
        idle_s: float,
        max_body_bytes: int,
    ) -> None:
        server_class, makefile = _cheroot()
        self.cheroot = server_class(
            (host, port), application, numthreads=threads, max=threads, timeout=idle_s, server_name=IDENT
        )
        self.cheroot.max_request_body_size = max_body_bytes + BODY_ROOM_BYTES
        self.cheroot.error_log = _log
        self.cheroot.ssl_adapter = Adapter(context, makefile)
        self._asked_to_stop = threading.Event()
        # NOTE: threads are daemons where the one that starts them is; one that is cut off must not hold up the exit.
        error = _in_daemon(self.cheroot.prepare)
        if error is not None:
            reason = getattr(error, "strerror", None) or error
            raise ConfigError(
                f"Can't listen on {host} port {port}: {reason}. Choose another --port or --interface."
            ) from error

    @property
    def waiting(self) -> int:
        """How many connections have a request that waits for a free thread."""
        return int(self.cheroot.requests.qsize)

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """(host, port) listened on."""
        host, port = self.cheroot.bind_addr[:2]
        return [(str(host), int(port))]

    def serve(
        self,
        *,
        drain_s: float,
        on_stop: Callable[[], None] = lambda: None,
        is_busy: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Serve until stopped, then drain for at most `drain_s`; `on_stop` runs before draining.

        As long as `is_busy` says so, clients may come back for answers.
        Returns whether every request that had arrived was answered.
        """
        previous = {number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        threading.Thread(target=self.cheroot.serve, name="tls-listener", daemon=True).start()
        try:
            self._asked_to_stop.wait()
            on_stop()
            return self._drain(drain_s, is_busy)
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """Ask `serve` to end; may be called from any thread and from a signal handler."""
        self._asked_to_stop.set()

    def _on_signal(self, number: int, frame: Any) -> None:
        if self._asked_to_stop.is_set():  # asked twice: don't wait for what runs
            raise KeyboardInterrupt
        self.stop()

    def _drain(self, limit_s: float, is_busy: Callable[[], bool]) -> bool:
        began = time.monotonic()
        # What clients sent before the signal may still wait in the kernel: the listener takes it meanwhile.
        time.sleep(min(DRAIN_LOOP_S, limit_s))
        while is_busy() and time.monotonic() - began < limit_s:
            time.sleep(DRAIN_LOOP_S)
        # NOTE: cheroot's own limit would end in waiting for those threads for ever.
        self.cheroot.shutdown_timeout = None
        stopping = threading.Thread(target=self.cheroot.stop, name="tls-stop", daemon=True)
        stopping.start()
        stopping.join(max(0.0, began + limit_s - time.monotonic()))
        if stopping.is_alive():
            logger.warning("Requests were still running after %g s and are cut off.", limit_s)
        return not stopping.is_alive()


def _in_daemon(task: Callable[[], None]) -> Exception | None:
    """Run a task in a daemon thread to its end; what it raised."""
    raised: list[Exception] = []

    def run() -> None:
        try:
            task()
        except Exception as error:  # given back
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join()
    return raised[0] if raised else None


def _cheroot() -> tuple[Any, Any]:
    """A server class, and what makes files of its sockets; ConfigError where cheroot is not installed."""
    try:
        from cheroot.makefile import MakeFile
        from cheroot.wsgi import Server
    except ImportError as error:
        raise ConfigError(
            "--ssl-certificate needs the package cheroot, which is not installed: pip install botapi[tls], "
            "or let nginx serve TLS (see conf/nginx.conf)."
        ) from error

    class PatientServer(Server):
        """New connections wait for their first bytes as all others do: without a thread."""

        def process_conn(self, conn: Any) -> None:
            if hasattr(conn, "has_begun"):
                super().process_conn(conn)
            else:
                conn.has_begun = True
                self.put_conn(conn)

    return PatientServer, MakeFile


def _log(message: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
    logger.log(level, "%s", message, exc_info=traceback)
