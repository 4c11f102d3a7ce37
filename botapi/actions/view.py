"""What actions in this process are given: a tracker as JSON object in, a view of it out; what they say, collected.

Both have the shape of rasa-sdk's `Tracker` and `CollectingDispatcher`, for those who have it not installed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botapi.names import ACTION_LISTEN


class Dispatcher:
    """Collects what an action says in `messages`, each in the form in which an action server answers it."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def utter_message(
        self,
        text: str | None = None,
        image: str | None = None,
        json_message: Mapping[str, Any] | None = None,
        template: str | None = None,
        response: str | None = None,
        attachment: Any = None,
        buttons: list[dict[str, Any]] | None = None,
        elements: list[dict[str, Any]] | None = None,
        **variables: Any,
    ) -> None:
        """Say a text, a response of the domain (`response`, filled from `variables` too), or anything richer."""
        name = response or template
        self.messages.append(
            {
                "text": text,
                "buttons": buttons or [],
                "elements": elements or [],
                "custom": json_message or {},
                "template": name,
                "response": name,
                "image": image,
                "attachment": attachment,
                **variables,
            }
        )


class TrackerView:
    """A conversation to look at; `state` is a tracker as JSON object, with all events."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        self._state = state
        self.sender_id: str = state["sender_id"]
        self.slots: dict[str, Any] = state["slots"]
        self.latest_message: dict[str, Any] = state["latest_message"] or {}
        self.events: list[dict[str, Any]] = state["events"] or []
        self.followup_action: str | None = state["followup_action"]
        self.active_loop: dict[str, Any] = state["active_loop"]
        self.latest_action_name: str | None = state["latest_action_name"]

    @property
    def active_loop_name(self) -> str | None:
        return self.active_loop.get("name")

    def current_state(self) -> dict[str, Any]:
        """All of it as one mapping."""
        return dict(self._state)

    def current_slot_values(self) -> dict[str, Any]:
        return self.slots

    def get_slot(self, key: str) -> Any:
        """The value of a slot; None where there is no such slot."""
        return self.slots.get(key)

    def get_latest_entity_values(
        self, entity_type: str, entity_role: str | None = None, entity_group: str | None = None
    ) -> Iterator[Any]:
        """Values of the entities of the last message that have exactly this type, role and group."""
        wanted = (entity_type, entity_role, entity_group)
        for entity in self.latest_message.get("entities") or ():
            if (entity.get("entity"), entity.get("role"), entity.get("group")) == wanted:
                yield entity.get("value")

    def get_latest_input_channel(self) -> str | None:
        return next((event.get("input_channel") for event in reversed(self.events) if event["event"] == "user"), None)

    def get_intent_of_latest_message(self, skip_fallback_intent: bool = True) -> str | None:
        """The best intent of the last message; the second best where that is nlu_fallback, unless told otherwise."""
        ranking = self.latest_message.get("intent_ranking") or [self.latest_message.get("intent") or {}]
        names = [intent.get("name") for intent in ranking]
        if skip_fallback_intent and names[0] == "nlu_fallback":
            names = names[1:]
        return names[0] if names else None

    def is_paused(self) -> bool:
        return bool(self._state["paused"])

    def events_after_latest_restart(self) -> list[dict[str, Any]]:
        begins = [index + 1 for index, event in enumerate(self.events) if event["event"] == "restart"]
        return self.events[begins[-1] :] if begins else list(self.events)

    def get_last_event_for(
        self, event_type: str, exclude: tuple[str, ...] | list[str] = (), skip: int = 0
    ) -> dict[str, Any] | None:
        """The last event of a type; actions named in `exclude` don't count, nor the last `skip` ones."""
        found = [
            event
            for event in reversed(self.applied_events())
            if event["event"] == event_type and not (event_type == "action" and event["name"] in exclude)
        ]
        return found[skip] if len(found) > skip else None

    def last_executed_action_has(self, name: str, skip: int = 0) -> bool:
        """Whether the last action, listening aside, was this one."""
        last = self.get_last_event_for("action", (ACTION_LISTEN,), skip)
        return last is not None and last["name"] == name

    def applied_events(self) -> list[dict[str, Any]]:
        """The events without those that a restart, rewind or undo took back."""
        applied: list[dict[str, Any]] = []
        for event in self.events:
            kind = event["event"]
            if kind == "restart":
                applied = []
            elif kind in ("undo", "rewind"):
                for wanted in ("user", "action") if kind == "rewind" else ("action",):
                    _cut_to_last(applied, wanted)
            else:
                applied.append(event)
        return applied


def _cut_to_last(events: list[dict[str, Any]], kind: str) -> None:
    """Remove events from the end, up to and with the last of a kind; all where there is none."""
    while events and events.pop()["event"] != kind:
        pass
