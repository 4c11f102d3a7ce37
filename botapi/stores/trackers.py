"""What a tracker store is, and the one in memory: event dicts in and out, each numbered within its conversation."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from botapi.errors import InputError, StoreConflict, StoreError

Events = Sequence[dict[str, Any]]


class TrackerStore(Protocol):
    """An append-only log of events per conversation; thread-safe.

    The events of a conversation are numbered upwards from 1, without gaps. `replace` goes on counting, so that whoever
    kept what he read before (and asks `read` for more) hears of it: numbers are never given out twice while a
    conversation exists. Events are JSON objects with text under "event".
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
        """Forget the conversation; whether there was one."""

    def sender_ids(self) -> Iterator[str]:
        """All conversation ids, sorted."""

    def with_reminders(self) -> list[str]:
        """Ids of the conversations that hold a `reminder` event, fired or not, sorted."""

    def close(self) -> None:
        """Free what the store holds; it can't be used afterwards."""


class InMemoryStore:
    """Conversations of this process only, kept as JSON text so that nobody changes a stored event by accident."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._logs: dict[str, _Log] = {}

    def last(self, sender_id: str) -> int:
        with self._lock:
            log = self._logs.get(sender_id)
            return log.last if log else 0

    def read(self, sender_id: str, after: int = 0) -> list[dict[str, Any]]:
        with self._lock:
            log = self._logs.get(sender_id, _Log(0, []))
            if after and not log.gone < after <= log.last:
                raise gone(sender_id, after)
            texts = log.texts[max(after - log.gone, 0) :]
        return [json.loads(text) for text in texts]

    def append(self, sender_id: str, events: Events, after: int) -> int:
        check_sender_id(sender_id)
        texts = [encode(event) for event in events]
        if not texts:
            return after
        with self._lock:
            log = self._logs.get(sender_id, _Log(0, []))
            if log.last != after:
                raise conflict(sender_id, after, log.last)
            log.texts.extend(texts)
            self._logs[sender_id] = log
            return log.last

    def replace(self, sender_id: str, events: Events) -> int:
        check_sender_id(sender_id)
        texts = [encode(event) for event in events]
        if not texts:
            self.delete(sender_id)
            return 0
        with self._lock:
            old = self._logs.get(sender_id)
            log = self._logs[sender_id] = _Log(old.last if old else 0, texts)
            return log.last

    def delete(self, sender_id: str) -> bool:
        with self._lock:
            return self._logs.pop(sender_id, None) is not None

    def sender_ids(self) -> Iterator[str]:
        with self._lock:
            return iter(sorted(self._logs))

    def with_reminders(self) -> list[str]:
        with self._lock:
            logs = {sender_id: list(log.texts) for sender_id, log in self._logs.items()}
        return sorted(
            sender_id
            for sender_id, texts in logs.items()
            if any(json.loads(text)["event"] == "reminder" for text in texts if '"reminder"' in text)
        )

    def close(self) -> None:
        with self._lock:
            self._logs.clear()


class _Log:
    """The events of one conversation: `texts[0]` has the number `gone + 1`."""

    def __init__(self, gone: int, texts: list[str]) -> None:
        self.gone = gone
        self.texts = texts

    @property
    def last(self) -> int:
        return self.gone + len(self.texts)


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
        return json.dumps(event)
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
