"""What a tracker store is, and the one in memory: event dicts in and out, each numbered within its conversation."""

from __future__ import annotations

import json
import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Protocol

from botapi.errors import InputError, StoreConflict, StoreError
from botapi.stores.listing import EVERYTHING, Summary, Wanted

Events = Sequence[dict[str, Any]]

# PERF: without looking for circles, which end in a RecursionError as well.
_encode = json.JSONEncoder(check_circular=False).encode


class TrackerStore(Protocol):
    """An append-only log of events per conversation; thread-safe.

    The events of a conversation are numbered upwards from 1, without gaps. `replace` goes on counting, so that whoever
    kept what he read before (and asks `read` for more) hears of it. For the same reason the first event has a higher
    number than 1 once a conversation has been deleted: no number is given out twice in a conversation.
    Events are JSON objects with text under "event".
    """

    def last(self, sender_id: str) -> int:
        """The number of the newest event; 0 for an unknown conversation."""

    def read(self, sender_id: str, after: int = 0) -> list[dict[str, Any]]:
        """Events with a number above `after`, oldest first; StoreConflict if event `after` is no longer there."""

    def append(self, sender_id: str, events: Events, after: int) -> int:
        """Add all events or none; durable on return.

        Returns the new last number. Raises StoreConflict when `after` is not the last number.
        """

    def replace(self, sender_id: str, events: Events) -> int:
        """Put `events` in place of all there are, in one step; returns the new last number (0 for no events)."""

    def delete(self, sender_id: str) -> bool:
        """Forget the conversation, so that nothing of it can be read from disk either; whether there was one."""

    def page(self, after: str | None, limit: int, wanted: Wanted = EVERYTHING) -> list[Summary]:
        """The first `limit` conversations with an id above `after` (None: all) that are wanted, sorted by id.

        Its cost must not depend on how many events there are.
        """

    def with_reminders(self) -> list[str]:
        """Ids of the conversations that hold a `reminder` event, fired or not, sorted."""

    def close(self) -> None:
        """Free what the store holds; it can't be used afterwards."""


class InMemoryStore:
    """Conversations of this process only, kept as JSON text so that nobody changes a stored event by accident."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._logs: dict[str, _Log] = {}
        self._sender_ids: list[str] = []  # sorted
        self._floor = 0  # the highest number that a deleted conversation had

    def last(self, sender_id: str) -> int:
        with self._lock:
            log = self._logs.get(sender_id)
            return log.summary.last if log else 0

    def read(self, sender_id: str, after: int = 0) -> list[dict[str, Any]]:
        with self._lock:
            log = self._logs.get(sender_id) or _Log(sender_id)
            if after and not log.gone < after <= log.summary.last:
                raise gone(sender_id, after)
            texts = log.texts[max(after - log.gone, 0) :]
        return [json.loads(text) for text in texts]

    def append(self, sender_id: str, events: Events, after: int) -> int:
        check_sender_id(sender_id)
        texts = [encode(event) for event in events]
        if not texts:
            return after
        with self._lock:
            log = self._logs.get(sender_id)
            last = log.summary.last if log else 0
            if last != after:
                raise conflict(sender_id, after, last)
            return (log or self._new(sender_id, self._floor)).add(events, texts)

    def replace(self, sender_id: str, events: Events) -> int:
        check_sender_id(sender_id)
        texts = [encode(event) for event in events]
        if not texts:
            self.delete(sender_id)
            return 0
        with self._lock:
            old = self._logs.get(sender_id)
            return self._new(sender_id, old.summary.last if old else self._floor).add(events, texts)

    def delete(self, sender_id: str) -> bool:
        with self._lock:
            log = self._logs.pop(sender_id, None)
            if log is None:
                return False
            self._floor = max(self._floor, log.summary.last)
            del self._sender_ids[bisect_left(self._sender_ids, sender_id)]
            return True

    def page(self, after: str | None, limit: int, wanted: Wanted = EVERYTHING) -> list[Summary]:
        with self._lock:
            begin = 0 if after is None else bisect_right(self._sender_ids, after)
            ids = (self._sender_ids[index] for index in range(begin, len(self._sender_ids)))
            found = (self._logs[sender_id].summary for sender_id in ids)
            return [replace(summary) for summary in islice(filter(wanted.takes, found), limit)]

    def with_reminders(self) -> list[str]:
        with self._lock:
            logs = {sender_id: list(log.texts) for sender_id, log in self._logs.items()}
        return sorted(
            sender_id
            for sender_id, texts in logs.items()
            if any(json.loads(text)["event"] == "reminder" for text in texts if '"reminder"' in text)
        )

    def _new(self, sender_id: str, gone: int) -> _Log:
        if sender_id not in self._logs:
            insort(self._sender_ids, sender_id)
        log = self._logs[sender_id] = _Log(sender_id, gone)
        return log

    def close(self) -> None:
        with self._lock:
            self._logs.clear()
            self._sender_ids.clear()


class _Log:
    """The events of one conversation: `texts[0]` has the number `gone + 1`."""

    def __init__(self, sender_id: str, gone: int = 0) -> None:
        self.gone = gone
        self.texts: list[str] = []
        self.summary = Summary(sender_id, gone)

    def add(self, events: Events, texts: list[str]) -> int:
        """Add events, as they are and as JSON; gives the number of the last."""
        self.texts += texts
        self.summary.note(events)
        self.summary.last = self.gone + len(self.texts)
        return self.summary.last


def check_sender_id(sender_id: str) -> None:
    """Raise InputError for an id that is no Unicode text (half of a surrogate pair)."""
    try:
        sender_id.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"The conversation id {sender_id!r} holds half of a surrogate pair; send an id that is valid Unicode."
        ) from error


def encode(event: dict[str, Any]) -> str:
    """One event as JSON text in ASCII, so that lone surrogates survive; InputError for what JSON can't say."""
    try:
        return _encode(event)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"The event {event.get('event')!r} can't be stored as JSON: {error}.") from error


def conflict(sender_id: str, after: int, last: int) -> StoreConflict:
    return StoreConflict(
        f"Conversation {sender_id!r} stands at event {last}, not {after}: somebody else wrote to it. Read it again."
    )


def gone(sender_id: str, after: int) -> StoreConflict:
    return StoreConflict(
        f"Event {after} of conversation {sender_id!r} is gone: it was replaced or deleted. Read it from the start."
    )


def damaged(sender_id: str, number: int, place: str, why: object) -> StoreError:
    return StoreError(
        f"Event {number} of conversation {sender_id!r} in {place} is damaged ({why}); an event is a JSON object. "
        f"Restore the row from a backup, or delete the conversation."
    )
