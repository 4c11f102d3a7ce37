"""What events change in a conversation: events in, slots, latest message, active loop and moments out.

Values are replaced, never changed in place, so that moments and copies can share them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from botapi.names import ACTION_LISTEN
from botapi.state.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    AllSlotsReset,
    EntitiesAdded,
    Event,
    FollowupAction,
    LoopInterrupted,
    Paused,
    Resumed,
    SlotSet,
    UserFeaturization,
    UserUttered,
)


class SlotType(Protocol):
    """What a tracker needs to know of a slot."""

    name: str
    initial_value: Any

    def stored(self, value: Any) -> Any:
        """What is kept when a value is set."""


@dataclass(frozen=True)
class LoopState:
    """The active loop; `trigger_message` is the parse data of the message that started it."""

    name: str
    is_interrupted: bool = False
    rejected: bool = False
    trigger_message: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "is_interrupted": self.is_interrupted,
            "rejected": self.rejected,
            "trigger_message": self.trigger_message,
        }


NOTHING_SAID = UserUttered(timestamp=1.0)


@dataclass
class Moment:
    """The conversation just before an action, as policies see it. Its values are replaced, never changed in place.

    `position` is the number of applied events before it, `action` the action that followed (None: still open),
    `cache` is for what a policy derives from the moment, keyed as the policy likes.
    """

    message: UserUttered
    previous_action: ActionExecuted | None
    slots: Mapping[str, Any]
    active_loop: LoopState | None
    paused: bool
    followup_action: str | None
    touched_slots: frozenset[str] = frozenset()
    position: int = 0
    action: ActionExecuted | None = None
    cache: dict[Any, Any] = field(default_factory=dict)


class State:
    """What events change; `touched_slots` are those that were set since the last reset."""

    __slots__ = (
        "active_loop", "followup_action", "initial_slots",
        "latest_action", "message", "paused", "slots", "touched_slots", "types",
    )  # fmt: skip

    def __init__(self, types: Mapping[str, SlotType], initial_slots: Mapping[str, Any]) -> None:
        self.types = types
        self.initial_slots = initial_slots
        self.slots = initial_slots
        self.touched_slots: frozenset[str] = frozenset()
        self.paused = False
        self.latest_action: ActionExecuted | None = None
        self.message = NOTHING_SAID
        self.followup_action: str | None = ACTION_LISTEN
        self.active_loop: LoopState | None = None

    def fresh(self) -> State:
        """The state of a new conversation."""
        return State(self.types, self.initial_slots)

    def copy(self) -> State:
        other = State.__new__(State)
        for name in State.__slots__:
            setattr(other, name, getattr(self, name))
        return other

    def moment(self, position: int, action: ActionExecuted | None = None) -> Moment:
        return Moment(
            self.message, self.latest_action, self.slots, self.active_loop, self.paused, self.followup_action,
            self.touched_slots, position, action,
        )  # fmt: skip

    def restore(self, moment: Moment) -> None:
        self.message = moment.message
        self.latest_action = moment.previous_action
        self.slots = moment.slots
        self.touched_slots = moment.touched_slots
        self.active_loop = moment.active_loop
        self.paused = moment.paused
        self.followup_action = moment.followup_action

    def apply(self, event: Event) -> None:
        """Apply an event that takes nothing back."""
        change = _CHANGES.get(type(event))
        if change is not None:
            change(self, event)

    def _after_listen(self) -> bool:
        return self.latest_action is not None and self.latest_action.name == ACTION_LISTEN

    def _user(self, event: UserUttered) -> None:
        self.message = event
        self.followup_action = None

    def _slot(self, event: SlotSet) -> None:
        # Values of slots that the domain doesn't know stay in the events only.
        if event.name in self.slots:
            self.slots = {**self.slots, event.name: self.types[event.name].stored(event.value)}
            if event.name not in self.touched_slots:
                self.touched_slots |= {event.name}

    def _action(self, event: ActionExecuted) -> None:
        self.latest_action = event
        self.followup_action = None
        loop = self.active_loop
        if loop is not None:
            rejected = loop.rejected and event.name != loop.name
            if loop.is_interrupted or rejected != loop.rejected:
                self.active_loop = LoopState(loop.name, False, rejected, loop.trigger_message)

    def _loop(self, event: ActiveLoop) -> None:
        self.active_loop = None if event.name is None else LoopState(event.name, False, False, self.message.parse_data)

    def _interrupted(self, event: LoopInterrupted) -> None:
        if (loop := self.active_loop) is not None:
            self.active_loop = LoopState(loop.name, event.is_interrupted, loop.rejected, loop.trigger_message)

    def _rejected(self, event: ActionExecutionRejected) -> None:
        if (loop := self.active_loop) is not None and event.name == loop.name:
            self.active_loop = LoopState(loop.name, loop.is_interrupted, True, loop.trigger_message)

    def _entities(self, event: EntitiesAdded) -> None:
        new = [entity for entity in event.entities if entity not in self.message.entities]
        if self._after_listen() and new:
            parse_data = {**self.message.parse_data, "entities": [*self.message.entities, *new]}
            self.message = self.message.changed(parse_data=parse_data)

    def _featurization(self, event: UserFeaturization) -> None:
        use_text = event.use_text_for_featurization
        if self._after_listen() and self.message.use_text_for_featurization is not use_text:
            self.message = self.message.changed(use_text_for_featurization=use_text)

    def _reset_slots(self, event: AllSlotsReset) -> None:
        self.slots = self.initial_slots
        self.touched_slots = frozenset()

    def _pause(self, event: Paused) -> None:
        self.paused = True

    def _resume(self, event: Resumed) -> None:
        self.paused = False

    def _followup(self, event: FollowupAction) -> None:
        self.followup_action = event.name


_CHANGES: dict[type[Event], Any] = {
    UserUttered: State._user,
    SlotSet: State._slot,
    ActionExecuted: State._action,
    ActiveLoop: State._loop,
    LoopInterrupted: State._interrupted,
    ActionExecutionRejected: State._rejected,
    EntitiesAdded: State._entities,
    UserFeaturization: State._featurization,
    AllSlotsReset: State._reset_slots,
    Paused: State._pause,
    Resumed: State._resume,
    FollowupAction: State._followup,
}


def action_name(action: ActionExecuted | None) -> str | None:
    """What an action is called: its name, or the text that it said."""
    return None if action is None else action.name or action.action_text


def action_dict(action: ActionExecuted | None) -> dict[str, str]:
    """{"action_name": …}, {"action_text": …} or {}."""
    if action is None:
        return {}
    if action.name:
        return {"action_name": action.name}
    return {"action_text": action.action_text or ""}
