"""Turns that run behind an answer: a conversation's id and a function in; run to its end, whoever still listens."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from functools import partial

from botapi.errors import Busy

logger = logging.getLogger(__name__)

PLACES = 1000
PLACES_OF_ONE = 10
# So many run at once; a turn mostly waits for an action server.
RUNNING = 64
# A client that polls comes back for the last words of a turn within this time.
LAST_WORDS_S = 1.0


class Turns:
    """Runs turns in threads of its own: those of one conversation one after the other, in the order they came.

    At most `running` turns run at once, and `places` run or wait, at most `places_of_one` of them in one conversation.
    """

    def __init__(self, *, places: int = PLACES, places_of_one: int = PLACES_OF_ONE, running: int = RUNNING) -> None:
        self._places = places
        self._places_of_one = places_of_one
        self._running = threading.Semaphore(running)
        self._changed = threading.Condition()
        # Conversation -> its turns, of which the first runs.
        self._turns: dict[str, deque[Callable[[], None]]] = {}
        self._closed = False
        self._ended = -LAST_WORDS_S

    def start(self, conversation_id: str, turn: Callable[[], None]) -> None:
        """Run `turn` as soon as the conversation's earlier ones have ended; returns at once.

        Raises Busy where all places are taken. `turn` answers for its errors: what it raises is logged.
        """
        turn = partial(copy_context().run, turn)
        with self._changed:
            if self._closed:
                raise Busy("The server stops; try again in a second.")
            turns = self._turns.get(conversation_id, deque())
            if len(turns) >= self._places_of_one or self._count() >= self._places:
                raise Busy("All places for turns are taken; try again in a second.")
            if not turns:
                threading.Thread(target=self._work, args=(conversation_id, turns), name="turn", daemon=True).start()
                self._turns[conversation_id] = turns
            turns.append(turn)

    def is_busy(self) -> bool:
        """Whether a turn runs, or has ended so lately that its last words may still be on their way."""
        with self._changed:
            return bool(self._turns) or time.monotonic() < self._ended + LAST_WORDS_S

    def close(self, timeout_s: float = 10.0) -> None:
        """Take no more turns and wait for those that run or wait."""
        with self._changed:
            self._closed = True
            if not self._changed.wait_for(lambda: not self._turns, timeout_s):
                logger.error("%d turns had not ended when the server stopped.", self._count())

    def _count(self) -> int:
        return sum(map(len, self._turns.values()))

    def _work(self, conversation_id: str, turns: deque[Callable[[], None]]) -> None:
        while True:
            with self._changed:
                turn = turns[0]
            try:
                with self._running:
                    turn()
            except Exception:  # nobody is left to tell, and the next turn must run
                logger.exception("A turn of conversation %r failed", conversation_id)
            with self._changed:
                turns.popleft()
                self._ended = time.monotonic()
                if not turns:
                    del self._turns[conversation_id]
                    self._changed.notify_all()
                    return
