"""Conversations to try events on: a tracker in, one with the same state that shares its history out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from botapi.state.applied import TAKING_BACK
from botapi.state.events import Event, UserUttered
from botapi.state.tracker import Tracker


class Fork(Tracker):
    """A tracker as it would be after some more events, for actions to look at.

    PERF: the history is shared with `base`, not copied, so that a fork costs the same however long it is; `base` must
    not change meanwhile. What policies look at (`now`, `moments`, `applied_events`) stays as it is in `base`, unless an
    event takes others back: then the fork becomes a full copy.
    """

    def __init__(self, base: Tracker) -> None:
        self.__dict__.update(base.__dict__)
        self._base: Tracker | None = base
        self._applied = base._applied.seen_as(base._applied.live.copy())
        self._tried: list[Event] = []
        self.events = _Extended(base.events, self._tried)  # type: ignore[assignment]

    def apply(self, event: Event) -> Event:
        if self._base is not None and type(event) in TAKING_BACK:
            self.__dict__.update(self.fork().__dict__)
            self._base = None
        if self._base is None:
            return super().apply(event)
        event = self._stamped(event)
        self._tried.append(event)
        if isinstance(event, UserUttered):
            self._hear(event)
        self._applied.live.apply(event)
        return event

    def fork(self) -> Tracker:
        if self._base is None:
            return super().fork()
        full = self._base.fork()
        full.apply_all(self._tried)
        return full


class _Extended(Sequence[Event]):
    """A list that stays as it is, followed by one that grows; slices are lists."""

    def __init__(self, first: Sequence[Event], then: list[Event]) -> None:
        self._first, self._then = first, then

    def __len__(self) -> int:
        return len(self._first) + len(self._then)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [*self._first, *self._then][index]
        at = index + len(self) if index < 0 else index
        length = len(self._first)
        return self._first[at] if 0 <= at < length else self._then[at - length]

    def __iter__(self) -> Iterator[Event]:
        return chain(self._first, self._then)

    def __reversed__(self) -> Iterator[Event]:
        return chain(reversed(self._then), reversed(self._first))
