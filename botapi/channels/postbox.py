"""Messages that must reach another server: (recipient, message) in; posted in order, tried again on failure."""

from __future__ import annotations

import logging
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from queue import Empty, Full, Queue
from typing import Any

from botapi.errors import BotError

logger = logging.getLogger(__name__)

# Sends one message; False where trying again could help, OutboundError likewise.
Send = Callable[[dict[str, Any]], bool]

PAUSES_S = (0.5, 2.0, 8.0)
PLACES = 10_000
WORKERS = 4


class Postbox:
    """Queues messages and sends them in threads of its own, so that nobody waits for a slow or broken receiver.

    Messages of one recipient keep their order: they share a worker. `pauses_s` are the seconds before each further
    attempt. What fails to the end, or finds the queue full, is logged and dropped.
    """

    def __init__(self, send: Send, *, workers: int = WORKERS, pauses_s: Sequence[float] = PAUSES_S) -> None:
        self._send = send
        self._pauses_s = tuple(pauses_s)
        self._queues: list[Queue[dict[str, Any]]] = [Queue(PLACES // workers) for _ in range(workers)]
        self._threads: list[threading.Thread] = []
        self._guard = threading.Lock()
        self._closing = threading.Event()

    def put(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Queue a message; returns at once."""
        if self._closing.is_set():
            logger.error("A message to %r is dropped: the server stops.", recipient_id)
            return
        self._start()
        queue = self._queues[zlib.crc32(recipient_id.encode("utf-8", "replace")) % len(self._queues)]
        try:
            queue.put_nowait(message)
        except Full:
            logger.error("A message to %r is dropped: %d others wait to be posted.", recipient_id, queue.qsize())

    def close(self, timeout_s: float = 10.0) -> None:
        """Send what is queued, then end the threads; after `timeout_s` what is left is lost."""
        self._closing.set()
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        left = sum(queue.unfinished_tasks for queue in self._queues)  # those being sent, too
        if left:
            logger.error("%d messages could not be posted before the server stopped.", left)

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

    def _work(self, queue: Queue[dict[str, Any]]) -> None:
        while True:
            try:
                message = queue.get(timeout=0.2)
            except Empty:
                if self._closing.is_set():
                    return
                continue
            self._deliver(message)
            queue.task_done()

    def _deliver(self, message: dict[str, Any]) -> None:
        for pause_s in (*self._pauses_s, None):
            try:
                if self._send(message):
                    return
                why = "the receiver refused it for now"
            except BotError as error:
                why = error.message
            except Exception:  # the worker must outlive whatever one message does to it
                logger.exception("A message to %r could not be posted", message.get("recipient_id"))
                return
            if pause_s is None:
                logger.error("A message to %r is dropped: %s.", message.get("recipient_id"), why.rstrip("."))
            else:
                self._closing.wait(pause_s)
