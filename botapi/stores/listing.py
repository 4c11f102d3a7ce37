"""Conversations at a glance: events in; a summary of each conversation, and whether a filter wants it, out.

Stores keep one summary beside each conversation, so that a list of thousands reads none of their events.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Events = Sequence[Mapping[str, Any]]

# Slot values whose JSON is longer are known to be set, but not compared.
MAX_VALUE_CHARS = 200
# The first sets one slot, the others clear all.
_SLOTTED = frozenset({"slot", "restart", "session_started", "reset_slots"})
_encode = json.JSONEncoder().encode


@dataclass
class Summary:
    """What a list shows of a conversation.

    `last` is the number of its newest event, `events` how many there are, `messages` how many of them are the user's;
    `time_s` is when the newest happened (seconds since 1970), `channel` where the user last wrote from.
    `slots` has a line for each slot that an event has set: its name and value in JSON, divided by a tab.
    """

    sender_id: str
    last: int = 0
    events: int = 0
    messages: int = 0
    time_s: float | None = None
    channel: str | None = None
    slots: str = "\n"

    def note(self, events: Events) -> None:
        """Count these events in, which follow those that were counted before."""
        for event in events:
            kind = event.get("event")
            if kind == "user":
                self.messages += 1
                self.channel = text(event.get("input_channel")) or self.channel
            elif kind in _SLOTTED:
                self.slots = _changed(self.slots, event)
        self.events += len(events)
        self.time_s = seconds(events[-1].get("timestamp"))


@dataclass(frozen=True)
class Wanted:
    """A filter: conversations with all that is not None here.

    `channel` is where the user last wrote from. `since_s` and `until_s` bound the time of the newest event, both
    included. `slot` is the name of a slot that is set; with `value` to this text, or to what this JSON says.
    """

    channel: str | None = None
    since_s: float | None = None
    until_s: float | None = None
    slot: str | None = None
    value: str | None = None

    def takes(self, summary: Summary) -> bool:
        """Whether the filter wants a conversation."""
        time_s = summary.time_s
        return (
            (self.channel is None or summary.channel == self.channel)
            and (self.since_s is None or (time_s is not None and time_s >= self.since_s))
            and (self.until_s is None or (time_s is not None and time_s <= self.until_s))
            and (self.slot is None or any(needle in summary.slots for needle in self.needles))
        )

    @cached_property
    def needles(self) -> list[str]:
        """The parts of `Summary.slots` of which a conversation must hold one."""
        name = f"\n{json.dumps(self.slot)}\t"
        if self.value is None:
            return [name]
        values = {json.dumps(self.value)}
        try:
            values.add(json.dumps(json.loads(self.value)))
        except (ValueError, RecursionError):
            pass  # no JSON, so it is only a text
        return [f"{name}{value}\n" for value in sorted(values)]


EVERYTHING = Wanted()


def text(value: Any) -> str | None:
    """Text that any database can hold: half a surrogate pair becomes a question mark."""
    if not isinstance(value, str):
        return None
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def seconds(value: Any) -> float | None:
    """A time, where the value is a number that can be one."""
    if type(value) is float:
        return value
    if not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:  # a whole number beyond any clock
        return None


def _changed(lines: str, event: Mapping[str, Any]) -> str:
    """`Summary.slots` after an event."""
    if event.get("event") != "slot":
        return "\n"
    name, value = _encode(event.get("name")), event.get("value")
    # NOTE: JSON in ASCII holds neither tabs nor line breaks.
    begin = lines.find(f"\n{name}\t")
    if begin >= 0:
        lines = lines[:begin] + lines[lines.index("\n", begin + 1) :]
    if value is None:
        return lines
    shown = _encode(value)
    return f"{lines}{name}\t{shown if len(shown) <= MAX_VALUE_CHARS else ''}\n"
