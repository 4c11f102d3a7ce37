"""Answers that are posted to a URL of the caller's: headers and body in; tried again while nobody takes them."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from botapi.errors import BotError
from botapi.outbound import Endpoint, Outbound

logger = logging.getLogger(__name__)

TIMEOUT_S = 60.0
# Before each further attempt; a receiver may be away for a minute.
PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
POSTED_HEADERS = ("content-type", "content-disposition", "filename")
# What a receiver says who may take the same later.
RETRIED = (408, 425, 429)


class Callbacks:
    """Posts answers, each until it was taken or refused, or every attempt has failed, which is logged.

    `check(url)` gives the endpoint of a URL, or raises a BotError; it is asked before each attempt, since a name may
    come to mean another address. An answer that was taken by a receiver who could not say so is posted again, under
    the same `Idempotency-Key`.
    """

    def __init__(
        self,
        outbound: Outbound,
        check: Callable[[str], Endpoint],
        *,
        threads: int,
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        self._outbound = outbound
        self._check = check
        self._pauses_s = tuple(pauses_s)
        self._closing = threading.Event()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="callback")

    def submit(self, task: Callable[[], None]) -> None:
        """Run what makes an answer and posts it in a thread of its own. RuntimeError once closed."""
        self._pool.submit(task)

    def post(self, url: str, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        """Post the body with those of the headers that describe it; the status is in the error object, as in Rasa."""
        kept = {name: value for name, value in headers if name.lower() in POSTED_HEADERS}
        kept["Idempotency-Key"] = f'"{uuid.uuid4().hex}"'
        for pause_s in (*self._pauses_s, None):
            why, is_final = self._attempt(url, kept, body)
            if why is None:
                return
            if is_final or pause_s is None or self._closing.wait(pause_s):
                break
            logger.info("A result waits for %s: %s", Endpoint(url).shown, why)
        logger.error("A result for %s is dropped: %s", Endpoint(url).shown, why)

    def close(self, *, wait: bool) -> None:
        """Try nothing again from now on; `wait` for what is being posted."""
        self._closing.set()
        self._pool.shutdown(wait=wait)

    def _attempt(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[str | None, bool]:
        """(why it failed, or None; whether it would fail again)."""
        try:
            answer = self._outbound.request(
                "POST", self._check(url), data=body, headers=headers, timeout_s=TIMEOUT_S, retries=0
            )
        except BotError as error:
            return error.message, False
        if 200 <= answer.status < 300:
            return None, True
        return f"it answered with status {answer.status}.", answer.status < 500 and answer.status not in RETRIED
