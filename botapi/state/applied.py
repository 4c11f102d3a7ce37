"""Which events of a conversation count, and what follows from them: events in; states and moments out.

Two states are kept, both incrementally, so that a turn costs the same however long the conversation is:

- the *live* state, to which every event was applied as it came;
- the *replayed* state, the one that results from the events alone that count: those that no restart, session start,
  rewind, undo or repeated run of a loop took back. Policies learn from and look at this one.

They are one object until a repeated loop run makes them differ. `settle` makes them one again; actions still look at
the live state as it was told, event by event.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass

from botapi.names import ACTION_SESSION_START
from botapi.state.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    Event,
    Restarted,
    Rewound,
    SessionStarted,
    Undone,
    UserFeaturization,
    UserUttered,
)
from botapi.state.livestate import Moment, SlotType, State


@dataclass(frozen=True)
class Mark:
    """What `Applied.roll_back` needs."""

    events: int
    live: State
    shared: bool
    replayed: State
    told: State | None


class Applied:
    """The events that count, in `events`; the `moments` before each action among them; and the states after them.

    `told` is the live state as if it had never been settled, where that differs.
    """

    def __init__(self, slot_types: Mapping[str, SlotType]) -> None:
        self.events: list[Event] = []
        self.moments: list[Moment] = []
        self.live = State(slot_types, {name: slot.initial_value for name, slot in slot_types.items()})
        self.replayed = self.live
        self.told: State | None = None
        self._loop_names: set[str] = set()

    @property
    def now(self) -> Moment:
        """The present as policies see it."""
        return self.replayed.moment(len(self.events))

    def copy(self) -> Applied:
        """An independent copy."""
        other = copy(self)
        other.events, other.moments = self.events.copy(), self.moments.copy()
        other._loop_names = self._loop_names.copy()
        other.live = self.live.copy()
        other.replayed = other.live if self.replayed is self.live else self.replayed.copy()
        other.told = self.told and self.told.copy()
        return other

    def seen_as(self, live: State) -> Applied:
        """The same with another live state, to look at only: PERF: everything else is shared."""
        other = copy(self)
        other.live = live
        return other

    def add(self, event: Event, history: Sequence[Event]) -> None:
        """Apply an event; `history` is all that ever happened, with the event as its last."""
        if isinstance(event, ActiveLoop) and event.name:
            self._note_loop(event.name, history)
        if type(event) in TAKING_BACK:
            self.told = None
        elif self.told is not None:
            self.told.apply(event)
        self._change(event)

    def mark(self) -> Mark:
        """Where things stand, to come back to with `roll_back`."""
        shared = self.replayed is self.live
        told = self.told and self.told.copy()
        return Mark(len(self.events), self.live.copy(), shared, self.replayed.copy(), told)

    def roll_back(self, mark: Mark) -> None:
        """Forget the events since the mark, none of which may be an action or take anything back.

        Whether the last message counts by its text stays known, as in Rasa: a form that rejects settles it.
        """
        by_text = [state.message.use_text_for_featurization for state in (self.live, self.replayed)]
        del self.events[mark.events :]
        self.live = mark.live
        self.replayed = mark.live if mark.shared else mark.replayed
        self.told = mark.told
        for state, known in zip((self.live, self.replayed), by_text, strict=True):
            state.message = state.message.changed(use_text_for_featurization=known)

    def settle(self) -> None:
        """Make the replayed state the live one, as loading a conversation from its store does."""
        if self.told is None and self.live is not self.replayed:
            self.told = self.live
        self.live = self.replayed

    def _change(self, event: Event) -> None:
        take_back = TAKING_BACK.get(type(event))
        if take_back is not None:
            take_back(self)
        elif isinstance(event, ActionExecuted):
            self._run(event)
        else:
            self._count(event)

    def _count(self, event: Event) -> None:
        self.events.append(event)
        self.live.apply(event)
        if self.replayed is not self.live:
            self.replayed.apply(event)

    def _run(self, event: ActionExecuted) -> None:
        if event.name in self._loop_names and not self._is_first_run(event.name):
            self.live = self.live.copy() if self.replayed is self.live else self.live
            self._take_back_since_run(event.name)
            self.live.apply(event)
            return
        self.moments.append(self.replayed.moment(len(self.events), event))
        self._count(event)

    def _note_loop(self, name: str, history: Sequence[Event]) -> None:
        """Remember a loop's name; runs before its first `active_loop` event now count as repeated ones."""
        if name in self._loop_names:
            return
        self._loop_names.add(name)
        runs = sum(1 for event in history if type(event) is ActionExecuted and event.name == name)
        if runs > 1:
            self._replay(history)

    def _replay(self, history: Sequence[Event]) -> None:
        """Apply all events of this session but the last once more; the live state stays as it is."""
        live = self.live.copy()
        end = begin = len(history) - 1
        while begin and type(history[begin - 1]) not in (Restarted, SessionStarted):
            begin -= 1
        self.replayed = self.live = live.fresh()
        self.moments, self.events = [], []
        for event in history[begin:end]:
            self._change(event)
        self.live = live

    # ---------------------------------------------------------- taking back

    def _restart(self) -> None:
        self._forget()
        self.live = self.replayed.copy()
        self.live.followup_action = ACTION_SESSION_START

    def _start_session(self) -> None:
        self._forget()
        self.live = self.replayed

    def _forget(self) -> None:
        self.events = []
        self.moments = []
        self.replayed = self.live.fresh()

    def _rewind(self) -> None:
        """Take back the last user message and the action (a listen) before it."""
        self._take_back_to(self._last_index(UserUttered))
        self._take_back_to(self._last_index(ActionExecuted))
        self.live = self.replayed

    def _undo(self) -> None:
        self._take_back_to(self._last_index(ActionExecuted))
        self.live = self.replayed

    def _last_index(self, kind: type[Event]) -> int:
        for index in range(len(self.events) - 1, -1, -1):
            if type(self.events[index]) is kind:
                return index
        return 0

    def _take_back_to(self, index: int) -> None:
        """Cut the events before `index` and set the replayed state to what it was then."""
        moments = self.moments
        base: Moment | None
        while moments and moments[-1].position >= index:
            base = moments.pop()
            if base.position == index:
                break
        else:
            base = moments[-1] if moments else None
        state = self.live.fresh()
        begin = 0
        if base is not None:
            state.restore(base)
            begin = base.position
        for event in self.events[begin:index]:
            state.apply(event)
        del self.events[index:]
        self.replayed = state

    def _take_back_since_run(self, loop: str) -> None:
        """Cut actions and user messages since the loop's last run; what else happened (slots, say) stays."""
        moments = self.moments
        while moments[-1].action is None or moments[-1].action.name != loop:
            moments.pop()
        begin = moments[-1].position
        kept = [event for event in self.events[begin + 1 :] if type(event) not in _OF_A_RUN]
        state = self.live.fresh()
        state.restore(moments[-1])
        state.apply(self.events[begin])
        for event in kept:
            state.apply(event)
        self.events[begin + 1 :] = kept
        self.replayed = state

    def _is_first_run(self, loop: str) -> bool:
        """Whether a run of the loop is its first, or follows an interruption; else it repeats the last one."""
        next_action: str | None = None
        for event in reversed(self.events):
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
TAKING_BACK = {
    Restarted: Applied._restart,
    SessionStarted: Applied._start_session,
    Rewound: Applied._rewind,
    Undone: Applied._undo,
}
