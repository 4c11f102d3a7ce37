"""Locks per conversation: an id in; a context out, with one caller inside at a time, first come first served."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from botapi.errors import Timeout

LOCK_TIMEOUT_S = 60.0  # as long as a ticket lives in Rasa 3.6


class LockStore(Protocol):
    """Turns of one conversation run one after the other, in the order in which they came."""

    def lock(self, sender_id: str, timeout_s: float | None = None) -> AbstractContextManager[None]:
        """Wait for the conversation, at most `timeout_s` (None: the store's default); raises Timeout.

        Not re-entrant: a thread that is inside must not ask again.
        """

    def close(self) -> None:
        """Free what the store holds."""


class InMemoryLockStore:
    """Locks for the threads of this process."""

    def __init__(self, timeout_s: float = LOCK_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._guard = threading.Lock()
        # Who is inside comes first. A ticket is a locked lock, which the one before releases on leaving.
        self._lines: dict[str, deque[threading.Lock]] = {}

    @contextmanager
    def lock(self, sender_id: str, timeout_s: float | None = None) -> Iterator[None]:
        self._enter(sender_id, self._timeout_s if timeout_s is None else timeout_s)
        try:
            yield
        finally:
            self._leave(sender_id)

    def close(self) -> None:
        """Nothing outlives the callers."""

    def waiting(self) -> int:
        """How many callers are inside or in line, in all conversations."""
        with self._guard:
            return sum(len(line) for line in self._lines.values())

    def _enter(self, sender_id: str, timeout_s: float) -> None:
        ticket = threading.Lock()
        ticket.acquire()
        with self._guard:
            line = self._lines.setdefault(sender_id, deque())
            line.append(ticket)
            if len(line) == 1:
                return
        admitted = False
        try:
            admitted = ticket.acquire(timeout=timeout_s)
        finally:
            if not admitted:  # too late, or interrupted
                self._give_up(sender_id, ticket)
        if not admitted:
            raise Timeout(
                f"Conversation {sender_id!r} was busy for {timeout_s:g} s with earlier messages. Try again later."
            )

    def _give_up(self, sender_id: str, ticket: threading.Lock) -> None:
        """Leave the line, also when the turn came in this very moment."""
        with self._guard:
            if self._lines[sender_id][0] is not ticket:
                self._lines[sender_id].remove(ticket)
                return
        self._leave(sender_id)

    def _leave(self, sender_id: str) -> None:
        with self._guard:
            line = self._lines[sender_id]
            line.popleft()
            if line:
                line[0].release()
            else:
                del self._lines[sender_id]
