"""A conversation without a model: what the user says and which action runs is told; the events that result come out."""

from __future__ import annotations

from typing import Any

from botapi.actions.action import ActionRejected
from botapi.actions.builtin import Actions
from botapi.names import ACTION_EXTRACT_SLOTS, ACTION_LISTEN
from botapi.state.domain import Domain
from botapi.state.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    BotUttered,
    Event,
    LoopInterrupted,
    Rewound,
    SlotSet,
    UserUttered,
    from_dict,
)
from botapi.state.tracker import Tracker

SHORT = {
    SlotSet: lambda event: (event.name, event.value),
    BotUttered: lambda event: event.text,
    ActiveLoop: lambda event: ("loop", event.name),
    ActionExecuted: lambda event: ("action", event.name),
    UserUttered: lambda event: ("user", event.text),
    LoopInterrupted: lambda event: ("interrupted", event.is_interrupted),
    Rewound: lambda event: "rewind",
}


def short(events: list[Event]) -> list[Any]:
    """Events in few words: texts of the bot, (slot, value), ("loop", name), ("action", name), else the type's name."""
    return [SHORT.get(type(event), lambda event: event.type_name)(event) for event in events]


class Talk:
    """One conversation with the actions of a domain, recorded as the agent does it."""

    def __init__(self, domain: dict[str, Any], channel: str = "collector", **options: Any) -> None:
        self.domain = Domain.from_dict(domain)
        self.actions = Actions(self.domain, **options)
        self.tracker = Tracker("anna", self.domain.slots)
        self.channel = channel
        self.listen()

    def listen(self) -> None:
        self.tracker.apply(ActionExecuted(ACTION_LISTEN))

    def turn(self, tracker: Tracker | None = None):
        return self.actions.turn(tracker or self.tracker, self.channel)

    def hears(self, intent: str | None, text: str | None = None, **entities: Any) -> None:
        """The user says something; entities are given as `name=value` or `name=[value, value]`."""
        found = [
            {"entity": name, "value": value}
            for name, values in entities.items()
            for value in (values if isinstance(values, list) else [values])
        ]
        self.reads({"intent": {"name": intent, "confidence": 0.9}, "entities": found}, text or f"/{intent}")

    def reads(self, parse_data: dict[str, Any], text: str = "hi") -> None:
        self.tracker.apply(UserUttered(text, parse_data))

    def knows(self, *events: dict[str, Any]) -> None:
        """Events that happened, as JSON objects."""
        for event in events:
            self.tracker.apply(from_dict(event))

    def runs(self, name: str) -> list[Event]:
        """The events of an action, which are not recorded."""
        return self.actions.find(name).run(self.turn())

    def does(self, name: str) -> list[Any]:
        """Run and record an action; its events in few words. A rejection is recorded and shown as "rejected"."""
        try:
            events = self.runs(name)
        except ActionRejected:
            self.tracker.apply(ActionExecutionRejected(name))
            return ["rejected"]
        if not any(isinstance(event, ActionExecutionRejected) for event in events):
            self.tracker.apply(ActionExecuted(name))
        self.tracker.apply_all(events)
        return short(events)

    def extracts(self) -> list[Any]:
        """Run action_extract_slots, as after each message, and record its events."""
        events = self.runs(ACTION_EXTRACT_SLOTS)
        self.tracker.apply_all(events)
        return short(events)

    def turns(self, name: str, intent: str | None, text: str | None = None, **entities: Any) -> list[Any]:
        """The user says something, slots are filled, the action runs, the bot listens again."""
        self.hears(intent, text, **entities)
        self.extracts()
        done = self.does(name)
        self.listen()
        return done
