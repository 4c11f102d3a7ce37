"""Serves a WSGI application over TLS, with cheroot: an application, an address and a context in, clean shutdown out.

Waitress speaks no TLS; behind nginx, which does, `botapi.cli.server` is the one to use.
"""

from __future__ import annotations

import logging
import signal
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

from botapi.errors import ConfigError

logger = logging.getLogger(__name__)

# What cheroot refuses by itself must lie above every limit of ours, so that our error object is what a client sees.
BODY_ROOM_BYTES = 1024 * 1024


class TLSServer:
    """A bound listener with the interface of `botapi.cli.server.Server`; `certificate` and `key` made `context`."""

    def __init__(
        self,
        application: Any,
        *,
        context: ssl.SSLContext,
        certificate: str,
        key: str,
        password: str | None,
        host: str,
        port: int,
        threads: int,
        idle_s: float,
        max_body_bytes: int,
    ) -> None:
        server_class, adapter_class = _cheroot()
        self.cheroot = server_class((host, port), application, numthreads=threads, max=threads, timeout=idle_s)
        self.cheroot.max_request_body_size = max_body_bytes + BODY_ROOM_BYTES
        self.cheroot.error_log = _log
        adapter = adapter_class(certificate, key, private_key_password=password)
        adapter.context = context
        self.cheroot.ssl_adapter = adapter
        self._asked_to_stop = threading.Event()
        try:
            self.cheroot.prepare()
        except OSError as error:
            reason = error.strerror or error
            raise ConfigError(
                f"Can't listen on {host} port {port}: {reason}. Choose another --port or --interface."
            ) from error

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """(host, port) listened on."""
        host, port = self.cheroot.bind_addr[:2]
        return [(str(host), int(port))]

    def serve(self, *, drain_s: float, on_stop: Callable[[], None] = lambda: None) -> bool:
        """Serve until stopped, then drain for at most `drain_s`; `on_stop` runs before draining.

        Returns whether every request that had arrived was answered.
        """
        previous = {number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        listening = threading.Thread(target=self.cheroot.serve, name="tls-listener")
        listening.start()
        try:
            self._asked_to_stop.wait()
            on_stop()
            return self._drain(drain_s)
        finally:
            listening.join()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """Ask `serve` to end; may be called from any thread and from a signal handler."""
        self._asked_to_stop.set()

    def _on_signal(self, number: int, frame: Any) -> None:
        if self._asked_to_stop.is_set():  # asked twice: don't wait for what runs
            raise KeyboardInterrupt
        self.stop()

    def _drain(self, limit_s: float) -> bool:
        self.cheroot.shutdown_timeout = limit_s
        began = time.monotonic()
        self.cheroot.stop()
        in_time = time.monotonic() - began < limit_s
        if not in_time:
            logger.warning("Requests were still running after %g s and are cut off.", limit_s)
        return in_time


def _cheroot() -> tuple[Any, Any]:
    """cheroot's server and TLS adapter; ConfigError where it is not installed."""
    try:
        from cheroot.ssl.builtin import BuiltinSSLAdapter
        from cheroot.wsgi import Server
    except ImportError as error:
        raise ConfigError(
            "--ssl-certificate needs the package cheroot, which is not installed: pip install botapi[tls], "
            "or let nginx serve TLS (see conf/nginx.conf)."
        ) from error
    return Server, BuiltinSSLAdapter


def _log(message: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
    logger.log(level, "%s", message, exc_info=traceback)
