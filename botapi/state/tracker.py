"""The state of one conversation: events in through `apply`, slots, latest message, active loop and moments out.

Two states are kept, both incrementally, so that a turn costs the same however long the conversation is:

- the *live* state, to which every event was applied as it came;
- the *replayed* state, the one that results from the applied events alone: those that no restart, session start,
  rewind, undo or repeated run of a loop took back. Policies learn from and look at this one.

They are one object until a repeated loop run makes them differ. `settle` makes them one again; actions still look at
the live state as it was told, event by event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from enum import Enum
from typing import Any

from botapi.names import ACTION_SESSION_START
from botapi.state.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    BotUttered,
    Event,
    Restarted,
    Rewound,
    SessionStarted,
    Undone,
    UserFeaturization,
    UserUttered,
)
from botapi.state.livestate import LoopState, Moment, SlotType, State, action_dict, action_name


class Verbosity(Enum):
    """Which events `current_state` shows."""

    NONE = 1
    APPLIED = 2
    AFTER_RESTART = 3
    ALL = 4


@dataclass(frozen=True)
class Mark:
    """What `Tracker.roll_back` needs."""

    events: int
    applied: int
    live: State
    shared: bool
    replayed: State
    told: State | None


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
        self.moments: list[Moment] = []
        self.session_begin = 0  # the index of the event that began the latest session
        self.opened_at = 0  # where the session began that was the latest when the conversation was loaded
        self.sessions = 0  # parts that session starts divide the events into
        self.latest_input_channel: str | None = None
        self.user_channel: str | None = None  # where the user was last seen, in whatever session
        self._heard_at = 0
        self._applied: list[Event] = []
        self._after_restart = 0
        self._loop_names: set[str] = set()
        self._live = State(self.slot_types, {name: slot.initial_value for name, slot in self.slot_types.items()})
        self._replayed = self._live
        self._told: State | None = None  # the live state as if it had never been settled, where that differs

    # ---------------------------------------------------------------- reading

    @property
    def slots(self) -> Mapping[str, Any]:
        """Values of all slots, by name."""
        return self._live.slots

    @property
    def latest_message(self) -> UserUttered:
        """The last user message; `is_empty()` when there was none."""
        return self._live.message

    @property
    def latest_bot_uttered(self) -> BotUttered:
        return self._live.bot_uttered

    @property
    def latest_action(self) -> dict[str, str]:
        """{"action_name": …}, {"action_text": …} or {}."""
        return action_dict(self._live.latest_action)

    @property
    def latest_action_name(self) -> str | None:
        return action_name(self._live.latest_action)

    @property
    def active_loop(self) -> LoopState | None:
        return self._live.active_loop

    @property
    def active_loop_name(self) -> str | None:
        loop = self._live.active_loop
        return loop.name if loop else None

    @property
    def paused(self) -> bool:
        return self._live.paused

    @property
    def followup_action(self) -> str | None:
        return self._live.followup_action

    @property
    def latest_event_time(self) -> float | None:
        return self.events[-1].timestamp if self.events else None

    @property
    def now(self) -> Moment:
        """The present as policies see it: the state after all applied events."""
        return self._replayed.moment(len(self._applied))

    def applied_events(self) -> list[Event]:
        """Events that count: none that were taken back, nor the repeated runs of a loop. Do not change it."""
        return self._applied

    def events_of(self, verbosity: Verbosity, *, session: bool = False) -> list[Event] | None:
        """Events for an answer; with `session` only those since `opened_at`."""
        if verbosity is Verbosity.NONE:
            return None
        if verbosity is Verbosity.APPLIED:
            return list(self._applied)
        begin = self.opened_at if session else 0
        if verbosity is Verbosity.AFTER_RESTART:
            begin = max(begin, self._after_restart)
        return self.events[begin:]

    def current_state(
        self, verbosity: Verbosity = Verbosity.NONE, *, session: bool = False, settled: bool = False
    ) -> dict[str, Any]:
        """The tracker as Rasa's JSON object.

        `session` shows only events since `opened_at`, `settled` the replayed state instead of the live one.
        """
        state = self._replayed if settled else self._live
        shown = self.events_of(verbosity, session=session)
        return {
            "sender_id": self.sender_id,
            "slots": dict(state.slots),
            "latest_message": state.message.parse_data,
            "latest_event_time": self.latest_event_time,
            "followup_action": state.followup_action,
            "paused": state.paused,
            "events": None if shown is None else [event.as_dict() for event in shown],
            "latest_input_channel": self.latest_input_channel,
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
        past = self._empty()
        past.model_id = past.assistant_id = None
        for event in self.events:
            if not event.timestamp <= time_s:
                break
            past.apply(event)
        return past

    def fork(self) -> Tracker:
        """An independent copy with the same state, to try events on."""
        other = self._empty()
        other.events = self.events.copy()
        other.moments = self.moments.copy()
        other._applied = self._applied.copy()
        other.session_begin, other.opened_at, other.sessions = self.session_begin, self.opened_at, self.sessions
        other.latest_input_channel, other.user_channel = self.latest_input_channel, self.user_channel
        other._heard_at = self._heard_at
        other._after_restart = self._after_restart
        other._loop_names = self._loop_names.copy()
        other._live = self._live.copy()
        other._replayed = other._live if self._replayed is self._live else self._replayed.copy()
        other._told = self._told and self._told.copy()
        return other

    def as_told(self) -> Tracker:
        """The tracker for an action to look at, which must not change it: it never forgot the last user message."""
        if self._told is None:
            return self
        other = copy(self)
        other._live = self._told
        return other

    def _empty(self) -> Tracker:
        return Tracker(
            self.sender_id,
            self.slot_types.values(),
            model_id=self.model_id,
            assistant_id=self.assistant_id,
            is_rule=self.is_rule,
        )

    # --------------------------------------------------------------- changing

    def apply(self, event: Event) -> Event:
        """Add an event and change the state; gives the event as it was stored, with the model's ids in its metadata."""
        event = self._stamped(event)
        self.events.append(event)
        kind = type(event)
        if kind is UserUttered:
            self.latest_input_channel = event.input_channel  # type: ignore[attr-defined]
            self.user_channel = self.latest_input_channel or self.user_channel
            self._heard_at = len(self.events)
        elif kind is ActionExecuted and event.name == ACTION_SESSION_START:  # type: ignore[attr-defined]
            self._begin_session()
        if not self.sessions:
            self.sessions = 1
        if kind is ActiveLoop and event.name:  # type: ignore[attr-defined]
            self._note_loop(event.name)  # type: ignore[attr-defined]
        if self._told is not None and kind not in _TAKING_BACK:
            self._told.apply(event)
        self._change(event)
        if kind in _TAKING_BACK:
            self._told = None
        return event

    def _change(self, event: Event) -> None:
        """Change the state as an event says that is already among the events."""
        take_back = _TAKING_BACK.get(type(event))
        if take_back is not None:
            take_back(self)
        elif isinstance(event, ActionExecuted):
            self._apply_action(event)
        else:
            self._applied.append(event)
            self._live.apply(event)
            if self._replayed is not self._live:
                self._replayed.apply(event)

    def apply_all(self, events: Iterable[Event]) -> None:
        for event in events:
            self.apply(event)

    def mark(self) -> Mark:
        """Where the conversation stands, to come back to with `roll_back`."""
        shared = self._replayed is self._live
        told = self._told and self._told.copy()
        return Mark(len(self.events), len(self._applied), self._live.copy(), shared, self._replayed.copy(), told)

    def roll_back(self, mark: Mark) -> None:
        """Forget the events since the mark, none of which may be an action or take anything back.

        Whether the last message counts by its text stays known, as in Rasa: a form that rejects settles it.
        """
        by_text = [state.message.use_text_for_featurization for state in (self._live, self._replayed)]
        del self.events[mark.events :]
        del self._applied[mark.applied :]
        self._live = mark.live
        self._replayed = mark.live if mark.shared else mark.replayed
        self._told = mark.told
        for state, known in zip((self._live, self._replayed), by_text, strict=True):
            state.message = state.message.changed(use_text_for_featurization=known)

    def open(self) -> None:
        """Answer from now on as one who knows the latest session only, as Rasa's trackers do once they are loaded."""
        self.opened_at = self.session_begin
        if self._heard_at <= self.opened_at:
            self.latest_input_channel = None

    def settle(self) -> None:
        """Make the replayed state the live one, as loading a conversation from its store does."""
        if self._told is None and self._live is not self._replayed:
            self._told = self._live
        self._live = self._replayed

    def _stamped(self, event: Event) -> Event:
        ids = {}
        if self.model_id and "model_id" not in event.metadata:
            ids["model_id"] = self.model_id
        if self.assistant_id and "assistant_id" not in event.metadata:
            ids["assistant_id"] = self.assistant_id
        return event.changed(metadata={**event.metadata, **ids}) if ids else event

    def _begin_session(self) -> None:
        self.session_begin = len(self.events) - 1
        self.sessions += 1

    def _apply_action(self, event: ActionExecuted) -> None:
        if event.name in self._loop_names and not self._is_first_run(event.name):
            self._live = self._live.copy() if self._replayed is self._live else self._live
            self._take_back_since_run(event.name)
            self._live.apply(event)
            return
        self.moments.append(self._replayed.moment(len(self._applied), event))
        self._applied.append(event)
        self._live.apply(event)
        if self._replayed is not self._live:
            self._replayed.apply(event)

    def _note_loop(self, name: str) -> None:
        """Remember a loop's name; runs before its first `active_loop` event now count as repeated ones."""
        if name in self._loop_names:
            return
        self._loop_names.add(name)
        runs = sum(1 for event in self.events if type(event) is ActionExecuted and event.name == name)
        if runs > 1:
            self._replay()

    def _replay(self) -> None:
        """Apply all events of this session but the last once more; the live state stays as it is."""
        live = self._live.copy()
        past = self.events[:-1]
        begin = len(past)
        while begin and type(past[begin - 1]) not in (Restarted, SessionStarted):
            begin -= 1
        self._replayed = live.fresh()
        self._live = self._replayed
        self.moments, self._applied = [], []
        for event in past[begin:]:
            self._change(event)
        self._live = live

    # ---------------------------------------------------------- taking back

    def _restart(self) -> None:
        self._forget()
        self._after_restart = len(self.events)
        self._live = self._replayed.copy()
        self._live.followup_action = ACTION_SESSION_START

    def _start_session(self) -> None:
        self._forget()
        self._live = self._replayed

    def _forget(self) -> None:
        self._applied = []
        self.moments = []
        self._replayed = self._live.fresh()

    def _rewind(self) -> None:
        """Take back the last user message and the action (a listen) before it."""
        self._take_back_to(self._last_index(UserUttered))
        self._take_back_to(self._last_index(ActionExecuted))
        self._live = self._replayed

    def _undo(self) -> None:
        self._take_back_to(self._last_index(ActionExecuted))
        self._live = self._replayed

    def _last_index(self, kind: type[Event]) -> int:
        for index in range(len(self._applied) - 1, -1, -1):
            if type(self._applied[index]) is kind:
                return index
        return 0

    def _take_back_to(self, index: int) -> None:
        """Cut the applied events before `index` and set the replayed state to what it was then."""
        moments = self.moments
        base: Moment | None
        while moments and moments[-1].position >= index:
            base = moments.pop()
            if base.position == index:
                break
        else:
            base = moments[-1] if moments else None
        state = self._live.fresh()
        begin = 0
        if base is not None:
            state.restore(base)
            begin = base.position
        for event in self._applied[begin:index]:
            state.apply(event)
        del self._applied[index:]
        self._replayed = state

    def _take_back_since_run(self, loop: str) -> None:
        """Cut actions and user messages since the loop's last run; what else happened (slots, say) stays."""
        moments = self.moments
        while moments[-1].action is None or moments[-1].action.name != loop:
            moments.pop()
        begin = moments[-1].position
        kept = [event for event in self._applied[begin + 1 :] if type(event) not in _OF_A_RUN]
        state = self._live.fresh()
        state.restore(moments[-1])
        state.apply(self._applied[begin])
        for event in kept:
            state.apply(event)
        self._applied[begin + 1 :] = kept
        self._replayed = state

    def _is_first_run(self, loop: str) -> bool:
        """Whether a run of the loop is its first, or follows an interruption; else it repeats the last one."""
        next_action: str | None = None
        for event in reversed(self._applied):
            kind = type(event)
            if kind is ActiveLoop and event.name is None:  # type: ignore[attr-defined]
                return True
            if kind is ActionExecutionRejected and event.name == loop:  # type: ignore[attr-defined]
                return True
            # Training data has no rejections: there, another action after the user's message tells it.
            if kind is UserUttered and next_action is not None and next_action != loop:
                return True
            if kind is ActionExecuted:
                if event.name == loop:  # type: ignore[attr-defined]
                    return False
                next_action = event.name  # type: ignore[attr-defined]
        return True


_OF_A_RUN = (ActionExecuted, UserUttered, UserFeaturization)
_TAKING_BACK = {
    Restarted: Tracker._restart,
    SessionStarted: Tracker._start_session,
    Rewound: Tracker._rewind,
    Undone: Tracker._undo,
}
