"""Messages that must reach another server: (recipient, message) in; posted in order, tried again on failure."""

from __future__ import annotations

import logging
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from queue import Full, Queue
from typing import Any

from botapi.errors import BotError

logger = logging.getLogger(__name__)

# Sends one message; False where trying again could help, OutboundError likewise.
Send = Callable[[dict[str, Any]], bool]
_Waiting = tuple[dict[str, Any], Callable[[], None]]

# A receiver may be away for over a minute, such as while it restarts.
PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
PLACES = 10_000
WORKERS = 4


class Postbox:
    """Queues messages and sends them in threads of its own, so that nobody waits for a slow or broken receiver.

    Messages of one recipient keep their order: they share a worker. Each is sent in the context of its request, so that
    logs and the receiver get its id and trace. `pauses_s` are the seconds before each further attempt. What fails to
    the end, or finds the queue full, is logged and dropped.
    """

    def __init__(self, send: Send, *, workers: int = WORKERS, pauses_s: Sequence[float] = PAUSES_S) -> None:
        self._send = send
        self._pauses_s = tuple(pauses_s)
        self._queues: list[Queue[_Waiting | None]] = [Queue(PLACES // workers) for _ in range(workers)]
        self._threads: list[threading.Thread] = []
        self._guard = threading.Lock()
        # Messages that are queued or being sent, with their recipients.
        self._open: dict[int, tuple[str, dict[str, Any]]] = {}
        self._closing = threading.Event()
        self._given_up = threading.Event()

    def put(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Queue a message; returns at once."""
        if self._closing.is_set():
            logger.error("A message to %r is dropped: the server stops.", recipient_id)
            return
        self._start()
        queue = self._queues[zlib.crc32(recipient_id.encode("utf-8", "replace")) % len(self._queues)]
        with self._guard:
            self._open[id(message)] = recipient_id, message
        try:
            queue.put_nowait((message, partial(copy_context().run, self._deliver, message)))
        except Full:
            logger.error("A message to %r is dropped: %d others wait to be posted.", recipient_id, queue.qsize())
            self._done(message)

    def forget(self, recipient_id: str) -> None:
        """Empty the messages to a recipient: they are not sent, nor tried again."""
        with self._guard:
            found = [message for recipient, message in self._open.values() if recipient == recipient_id]
        for message in found:
            message.clear()

    def close(self, timeout_s: float = 10.0) -> None:
        """Send what is queued, as patiently as before, then end the threads; after `timeout_s` what is left is lost."""
        self._closing.set()
        deadline = time.monotonic() + timeout_s
        for queue in self._queues:
            with suppress(Full):  # then nobody waits for a message
                queue.put_nowait(None)
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._given_up.set()
        if self._open:
            logger.error("%d messages could not be posted before the server stopped.", len(self._open))

    def _done(self, message: dict[str, Any]) -> None:
        with self._guard:
            self._open.pop(id(message), None)

    def _start(self) -> None:
        # NOTE: threads start with the first message, since a server may fork after the application was made.
        with self._guard:
            if not self._threads:
                for queue in self._queues:
                    self._threads.append(
                        threading.Thread(target=self._work, args=(queue,), name="postbox", daemon=True)
                    )
                for thread in self._threads:
                    thread.start()

    def _work(self, queue: Queue[_Waiting | None]) -> None:
        while not (self._closing.is_set() and queue.empty()) and not self._given_up.is_set():
            waiting = queue.get()
            if waiting is not None:
                message, deliver = waiting
                deliver()
                self._done(message)

    def _deliver(self, message: dict[str, Any]) -> None:
        for pause_s in (*self._pauses_s, None):
            try:
                if not message or self._send(message):  # an empty one is to be forgotten
                    return
                why = "the receiver refused it for now"
            except BotError as error:
                why = error.message
            except Exception:  # the worker must outlive whatever one message does to it
                logger.exception("A message to %r could not be posted", message.get("recipient_id"))
                return
            if pause_s is None or self._given_up.wait(pause_s):
                logger.error("A message to %r is dropped: %s.", message.get("recipient_id"), why.rstrip("."))
                return
