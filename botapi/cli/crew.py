"""Threads that share a server's one loop: requests that have arrived go in, their answers run here.

Whoever polls also answers. PERF: handing each request to another thread would wake that thread, on another core, and
let both fight for the interpreter lock; with eight connections that cost more than the turns themselves.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

logger = logging.getLogger(__name__)

# An answer that takes longer no longer holds up the others: another thread polls instead. Longer than a usual turn.
PATIENCE_S = 0.005
# After so long without requests, nobody watches the loop until the next one.
CALM_S = 0.5


class Task(Protocol):
    """What waitress has to be done: a connection with a request."""

    def service(self) -> None: ...


class Crew:
    """`threads` + 1 threads, one of which leads: it polls, and answers what came; waitress's task dispatcher.

    When an answer takes longer than PATIENCE_S, a thread that stands by leads on. When none stands by, the leader only
    polls: `threads` answers run at once, and what comes in waits for the first that ends.
    `poll` looks after the sockets once, calling `add_task` for requests; it returns at once when `wake` was called.
    """

    def __init__(self, poll: Callable[[], None], wake: Callable[[], None], threads: int) -> None:
        self._poll = poll
        self._wake = wake
        self._tasks: deque[Task] = deque()
        self._stopped = False
        self._standing_by = 0
        self._leader: int | None = None
        self._answering_since: float | None = None  # the leader; None while it polls
        self._last_answer = time.monotonic()
        self._guard = threading.Lock()  # of the fields above
        self._deputy = threading.Lock()  # held by the one thread that watches the leader
        self._stir = threading.Event()  # set when the leader has something to do
        self._threads = [
            threading.Thread(target=self._work, name=f"answers-{number}", daemon=True) for number in range(threads + 1)
        ]

    @property
    def waiting(self) -> int:
        """How many tasks wait for a free thread."""
        return len(self._tasks)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_s: float) -> None:
        """End the threads; those that still answer after `timeout_s` are left behind."""
        self._stopped = True
        self._stir.set()
        self._wake()
        deadline = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0, deadline - time.monotonic()))

    def add_task(self, task: Task) -> None:
        self._tasks.append(task)

    def leads(self) -> bool:
        """Whether the calling thread polls: then it sees what there is to do without being woken."""
        return self._leader == threading.get_ident()

    def _work(self) -> None:
        while not self._stopped:
            task = self._left_over()
            if task is not None:
                answer(task)
            else:
                self._stand_by()
                self._lead()

    def _left_over(self) -> Task | None:
        """A task that the leader had to leave because nobody stood by; without one, the caller does."""
        with self._guard:
            if self._leader is not None and not self._standing_by and self._tasks:
                return self._tasks.popleft()
            self._standing_by += 1
            return None

    def _stand_by(self) -> None:
        """Wait until there is no leader, or it is at one answer for too long; then lead."""
        with self._deputy:
            while not self._stopped:
                with self._guard:
                    left_s = self._left_s()
                    if left_s <= 0:
                        self._leader, self._answering_since = threading.get_ident(), None
                        self._standing_by -= 1
                        return
                self._watch(left_s)

    def _left_s(self) -> float:
        if self._leader is None:
            return 0.0
        if self._answering_since is None:
            return PATIENCE_S
        return self._answering_since + PATIENCE_S - time.monotonic()

    def _watch(self, seconds: float) -> None:
        if time.monotonic() - self._last_answer > CALM_S:
            self._stir.clear()
            if self._answering_since is None:
                self._stir.wait()
                return
        time.sleep(seconds)

    def _lead(self) -> None:
        """Poll and answer until stopped, or relieved during an answer."""
        while not self._stopped:
            task = self._next()
            if task is None:
                self._poll()
                continue
            if not self._stir.is_set():
                self._stir.set()
            answer(task)
            with self._guard:
                if not self.leads():
                    return
                self._answering_since = None

    def _next(self) -> Task | None:
        with self._guard:
            if not self._tasks or not self._standing_by:
                return None
            self._answering_since = self._last_answer = time.monotonic()
            return self._tasks.popleft()


def answer(task: Task) -> None:
    try:
        task.service()
    except BaseException:  # as waitress does: a thread that ends would be missing for ever
        logger.exception("An answer failed outside the application.")
