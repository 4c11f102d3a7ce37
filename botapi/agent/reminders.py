"""Reminders: events that schedule or cancel them in; at the right time, a conversation id and the reminder out.

Nothing is kept beside the conversations: after a restart, reminders are read from the stored events.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from botapi.errors import BotError, Timeout
from botapi.state.eventchecks import parse_time
from botapi.state.events import Event, ReminderCancelled, ReminderScheduled

log = logging.getLogger(__name__)

Fire = Callable[[str, ReminderScheduled], None]
Key = tuple[str, str | None]  # conversation id and the reminder's name: one of the same name replaces it
RETRY_S = 60.0  # after a conversation was too busy to be reminded


def due_s(reminder: ReminderScheduled) -> float:
    """When it is due, in seconds since 1970; a time without a zone is local time, as in Rasa."""
    return parse_time(reminder.date_time).timestamp()


class Reminders:
    """Waits for what is due; `fire(conversation id, reminder)` runs in a thread of its own, one at a time.

    Where it raises Timeout, since the conversation is busy, it is called again `retry_s` later.
    """

    def __init__(self, fire: Fire, *, retry_s: float = RETRY_S) -> None:
        self._fire = fire
        self._retry_s = retry_s
        self._changed = threading.Condition()
        self._pending: dict[Key, ReminderScheduled] = {}
        self._queue: list[tuple[float, int, Key, ReminderScheduled]] = []
        self._count = itertools.count()
        self._thread: threading.Thread | None = None
        self._closed = False

    def note(self, sender_id: str, events: Iterable[Event]) -> None:
        """Schedule and cancel what these events of a conversation ask for."""
        for event in events:
            if isinstance(event, ReminderScheduled):
                self._schedule(sender_id, event)
            elif isinstance(event, ReminderCancelled):
                self._cancel(sender_id, event)

    def forget(self, sender_id: str) -> None:
        """Keep nothing of a conversation."""
        with self._changed:
            self._pending = {key: reminder for key, reminder in self._pending.items() if key[0] != sender_id}
            self._queue = [item for item in self._queue if item[2][0] != sender_id]
            heapq.heapify(self._queue)

    def pending(self) -> list[tuple[str, ReminderScheduled]]:
        """What waits, in no particular order."""
        with self._changed:
            return [(key[0], reminder) for key, reminder in self._pending.items()]

    @property
    def is_closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        """Stop waiting; the reminder that runs is finished first."""
        with self._changed:
            self._closed = True
            thread = self._thread
            self._changed.notify()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _schedule(self, sender_id: str, reminder: ReminderScheduled) -> None:
        key = (sender_id, reminder.name)
        with self._changed:
            if self._closed:
                return
            self._pending[key] = reminder
            self._put(due_s(reminder), key, reminder)
            if self._thread is None:
                self._thread = threading.Thread(target=self._wait, name="reminders", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _put(self, due: float, key: Key, reminder: ReminderScheduled) -> None:
        heapq.heappush(self._queue, (due, next(self._count), key, reminder))

    def _try_again(self, sender_id: str, reminder: ReminderScheduled) -> None:
        key = (sender_id, reminder.name)
        with self._changed:
            if self._pending.setdefault(key, reminder) is reminder:  # not replaced meanwhile
                self._put(time.time() + self._retry_s, key, reminder)

    def _cancel(self, sender_id: str, cancelled: ReminderCancelled) -> None:
        with self._changed:
            for key, reminder in list(self._pending.items()):
                if key[0] == sender_id and is_meant(reminder, cancelled):
                    del self._pending[key]

    def _wait(self) -> None:
        while (item := self._next()) is not None:
            sender_id, reminder = item
            try:
                self._fire(sender_id, reminder)
            except Timeout as error:
                log.warning("Reminder '%s' of conversation %r has to wait: %s", reminder.name, sender_id, error)
                self._try_again(sender_id, reminder)
            except BotError as error:
                log.error("Reminder '%s' of conversation %r failed: %s", reminder.name, sender_id, error)
            except Exception:  # whatever a part of the bot raises, the other reminders must still fire
                log.exception("Reminder '%s' of conversation %r failed", reminder.name, sender_id)

    def _next(self) -> tuple[str, ReminderScheduled] | None:
        """Wait for the next reminder that still stands; None when closed."""
        with self._changed:
            while not self._closed:
                wait_s: float | None = None
                if self._queue:
                    due, _, key, reminder = self._queue[0]
                    wait_s = due - time.time()
                    if self._pending.get(key) is not reminder:  # cancelled or replaced
                        heapq.heappop(self._queue)
                        continue
                    if wait_s <= 0:
                        heapq.heappop(self._queue)
                        del self._pending[key]
                        return key[0], reminder
                # Not longer than an hour, so that a clock that was set is noticed.
                self._changed.wait(min(wait_s, 3600.0) if wait_s is not None else None)
            return None


def is_meant(reminder: ReminderScheduled, cancelled: ReminderCancelled) -> bool:
    """Whether a cancellation means this reminder: by any of name, intent and entities, or all reminders when bare."""
    wanted: list[tuple[Any, Any]] = [
        (cancelled.name, reminder.name),
        (cancelled.intent, reminder.intent),
        (cancelled.entities, reminder.entities),
    ]
    return all(not want or want == found for want, found in wanted)


def unfired(events: list[Event]) -> list[ReminderScheduled]:
    """The reminders of a conversation that were neither cancelled, replaced, nor fired."""
    standing: dict[str | None, ReminderScheduled] = {}
    for event in events:
        if isinstance(event, ReminderScheduled):
            standing[event.name] = event
        elif isinstance(event, ReminderCancelled):
            standing = {name: one for name, one in standing.items() if not is_meant(one, event)}
        else:
            standing.pop(event.metadata.get("reminder", ""), None)
    return list(standing.values())
