"""One conversation: events in through `apply`; slots, latest message, active loop, moments and JSON out.

What happened is here; state/applied.py decides which events of it count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from enum import Enum
from typing import Any

from botapi.names import ACTION_SESSION_START
from botapi.state.applied import Applied, Mark
from botapi.state.events import ActionExecuted, Event, Restarted, UserUttered
from botapi.state.livestate import LoopState, Moment, SlotType, action_dict, action_name


class Verbosity(Enum):
    """Which events `current_state` shows."""

    NONE = 1
    APPLIED = 2
    AFTER_RESTART = 3
    ALL = 4


class Tracker:
    """One conversation.

    `slots` are the domain's slot types; values are in `tracker.slots`, a mapping of name to value that must not be
    changed in place. With `model_id` and `assistant_id`, events that are applied get both into their metadata.
    `is_rule` marks a tracker that was made from a rule, in training.
    """

    def __init__(
        self,
        sender_id: str,
        slots: Iterable[SlotType] = (),
        *,
        model_id: str | None = None,
        assistant_id: str | None = None,
        is_rule: bool = False,
    ) -> None:
        self.sender_id = sender_id
        self.slot_types: dict[str, SlotType] = {slot.name: slot for slot in slots}
        self.model_id = model_id
        self.assistant_id = assistant_id
        self.is_rule = is_rule
        self.events: list[Event] = []
        self.session_begin = 0  # the index of the event that began the latest session
        self.opened_at = 0  # where the session began that was the latest when the conversation was loaded
        self.user_channel: str | None = None  # where the user was last seen, in whatever session
        self._last_channel: str | None = None  # of the last message; None also if that names none
        self._heard_at = 0  # how many events there were with the last message
        self._after_restart = 0
        self._applied = Applied(self.slot_types)

    # ---------------------------------------------------------------- reading

    @property
    def slots(self) -> Mapping[str, Any]:
        """Values of all slots, by name."""
        return self._applied.live.slots

    @property
    def latest_message(self) -> UserUttered:
        """The last user message; `is_empty()` when there was none."""
        return self._applied.live.message

    @property
    def latest_action(self) -> dict[str, str]:
        """{"action_name": …}, {"action_text": …} or {}."""
        return action_dict(self._applied.live.latest_action)

    @property
    def latest_action_name(self) -> str | None:
        return action_name(self._applied.live.latest_action)

    @property
    def active_loop(self) -> LoopState | None:
        return self._applied.live.active_loop

    @property
    def active_loop_name(self) -> str | None:
        loop = self._applied.live.active_loop
        return loop.name if loop else None

    @property
    def paused(self) -> bool:
        return self._applied.live.paused

    @property
    def followup_action(self) -> str | None:
        return self._applied.live.followup_action

    @property
    def latest_event_time(self) -> float | None:
        return self.events[-1].timestamp if self.events else None

    @property
    def now(self) -> Moment:
        """The present as policies see it: the state after all applied events."""
        return self._applied.now

    @property
    def moments(self) -> list[Moment]:
        """The moments before all actions that count, oldest first."""
        return self._applied.moments

    @property
    def latest_input_channel(self) -> str | None:
        """The channel of the last message; None if that was before the session in which this was opened, as in Rasa."""
        return self._last_channel if self._heard_at > self.opened_at else None

    def applied_events(self) -> list[Event]:
        """Events that count: none that were taken back, nor the repeated runs of a loop. Do not change it."""
        return self._applied.events

    def events_of(self, verbosity: Verbosity, *, session: bool = False) -> list[Event] | None:
        """Events for an answer; with `session` only those since `opened_at`."""
        if verbosity is Verbosity.NONE:
            return None
        if verbosity is Verbosity.APPLIED:
            return list(self._applied.events)
        begin = self.opened_at if session else 0
        if verbosity is Verbosity.AFTER_RESTART:
            begin = max(begin, self._after_restart)
        return self.events[begin:]

    def current_state(
        self, verbosity: Verbosity = Verbosity.NONE, *, session: bool = False, settled: bool = False
    ) -> dict[str, Any]:
        """The tracker as Rasa's JSON object.

        `session` shows what one knows who sees only events since `opened_at`; `settled` the replayed state instead of
        the live one.
        """
        state = self._applied.replayed if settled else self._applied.live
        shown = self.events_of(verbosity, session=session)
        return {
            "sender_id": self.sender_id,
            "slots": dict(state.slots),
            "latest_message": state.message.parse_data,
            "latest_event_time": self.latest_event_time,
            "followup_action": state.followup_action,
            "paused": state.paused,
            "events": None if shown is None else [event.as_dict() for event in shown],
            "latest_input_channel": self.latest_input_channel if session else self._last_channel,
            "active_loop": state.active_loop.as_dict() if state.active_loop else {},
            "latest_action": action_dict(state.latest_action),
            "latest_action_name": action_name(state.latest_action),
        }

    def by_session(self) -> list[list[Event]]:
        """The events, divided at each session start."""
        parts: list[list[Event]] = []
        for event in self.events:
            if not parts or (isinstance(event, ActionExecuted) and event.name == ACTION_SESSION_START):
                parts.append([])
            parts[-1].append(event)
        return parts

    def until(self, time_s: float) -> Tracker:
        """A tracker as it was at a time: with the events up to the first that is later (NaN: none)."""
        past = Tracker(self.sender_id, self.slot_types.values(), is_rule=self.is_rule)
        for event in self.events:
            if not event.timestamp <= time_s:
                break
            past.apply(event)
        return past

    def fork(self) -> Tracker:
        """An independent copy with the same state, to try events on."""
        other = Tracker.__new__(Tracker)
        other.__dict__.update(self.__dict__)
        other.events = self.events.copy()
        other._applied = self._applied.copy()
        return other

    def as_told(self) -> Tracker:
        """The tracker for an action to look at, which must not change it: it never forgot the last user message."""
        told = self._applied.told
        if told is None:
            return self
        other = copy(self)
        other._applied = self._applied.seen_as(told)
        return other

    # --------------------------------------------------------------- changing

    def apply(self, event: Event) -> Event:
        """Add an event and change the state; gives the event as it was stored, with the model's ids in its metadata."""
        event = self._stamped(event)
        self.events.append(event)
        if isinstance(event, UserUttered):
            self._hear(event)
        elif isinstance(event, ActionExecuted) and event.name == ACTION_SESSION_START:
            self.session_begin = len(self.events) - 1
        elif isinstance(event, Restarted):
            self._after_restart = len(self.events)
        self._applied.add(event, self.events)
        return event

    def apply_all(self, events: Iterable[Event]) -> None:
        for event in events:
            self.apply(event)

    def mark(self) -> tuple[int, Mark]:
        """Where the conversation stands, to come back to with `roll_back`."""
        return len(self.events), self._applied.mark()

    def roll_back(self, mark: tuple[int, Mark]) -> None:
        """Forget the events since the mark, none of which may be an action or take anything back.

        Whether the last message counts by its text stays known.
        """
        count, applied = mark
        del self.events[count:]
        self._applied.roll_back(applied)

    def open(self) -> None:
        """Answer from now on as one who knows the latest session only, as Rasa's trackers do once they are loaded."""
        self.opened_at = self.session_begin

    def settle(self) -> None:
        """Forget what only events told that were taken back, as loading a conversation from its store does."""
        self._applied.settle()

    def _hear(self, message: UserUttered) -> None:
        self._last_channel = message.input_channel
        self.user_channel = message.input_channel or self.user_channel
        self._heard_at = len(self.events)

    def _stamped(self, event: Event) -> Event:
        ids = {}
        if self.model_id and "model_id" not in event.metadata:
            ids["model_id"] = self.model_id
        if self.assistant_id and "assistant_id" not in event.metadata:
            ids["assistant_id"] = self.assistant_id
        return event.changed(metadata={**event.metadata, **ids}) if ids else event
