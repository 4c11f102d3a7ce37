"""Events: what happened in a conversation, as frozen dataclasses; JSON objects in and out, in Rasa 3.6's wire format.

An event changes nothing by itself: the tracker applies it. Times are seconds since 1970, as floats.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, ClassVar, TypeVar

from botapi.errors import InputError
from botapi.names import EXTERNAL_MESSAGE_PREFIX
from botapi.state.eventchecks import EVENT_CHECKS, check_common, parse_time

Json = dict[str, Any]
E = TypeVar("E", bound="Event")


@dataclass(frozen=True)
class Event:
    """What all events share; `timestamp` is now when None or 0 was given, as in Rasa."""

    type_name: ClassVar[str] = "event"

    timestamp: float = field(default=0.0, kw_only=True)
    metadata: Json = field(default_factory=dict, kw_only=True)

    def __post_init__(self) -> None:
        if not self.timestamp:
            object.__setattr__(self, "timestamp", time.time())

    def as_dict(self) -> Json:
        """The JSON object; `metadata` is left out when empty."""
        found: Json = {"event": self.type_name, "timestamp": self.timestamp}
        if self.metadata:
            found["metadata"] = self.metadata
        for key in wire_keys(type(self)):
            found[key] = getattr(self, key)
        return found

    def changed(self: E, **values: Any) -> E:
        """A copy with some fields replaced; cheaper than dataclasses.replace, which runs __init__ again."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy.__dict__.update(values)
        return copy


def _keys_of(cls: type[Event]) -> tuple[str, ...]:
    return tuple(one.name for one in fields(cls) if one.name not in ("timestamp", "metadata", "unpredictable"))


# The fields of a class of events that are keys of its JSON object under the same name, in order.
wire_keys: Callable[[type[Event]], tuple[str, ...]] = cache(_keys_of)  # type: ignore[assignment]


@dataclass(frozen=True)
class UserUttered(Event):
    """The user said something; `parse_data` is what understanding made of it (text, intent, entities, ranking)."""

    type_name = "user"

    text: str | None = None
    parse_data: Json = field(default_factory=dict)
    input_channel: str | None = None
    message_id: str | None = None
    # Whether the next action was predicted from the text; None until that is known.
    use_text_for_featurization: bool | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        given = self.parse_data
        # Rasa's order of keys, and its defaults for what understanding left out.
        parse_data: Json = {
            "intent": given.get("intent") or {},
            "entities": list(given.get("entities") or ()),
            "text": self.text,
            "message_id": self.message_id,
            "metadata": self.metadata,
        }
        parse_data.update(given)
        parse_data["intent"] = parse_data["intent"] or {}
        parse_data["entities"] = parse_data["entities"] or []
        object.__setattr__(self, "parse_data", parse_data)
        if self.use_text_for_featurization is None:
            if self.text and not self.intent_name:
                object.__setattr__(self, "use_text_for_featurization", True)
            elif self.intent_name and not self.text:
                object.__setattr__(self, "use_text_for_featurization", False)

    @property
    def intent(self) -> Json:
        """{"name", "confidence"}, or {} when nothing was understood."""
        return self.parse_data["intent"]

    @property
    def intent_name(self) -> str | None:
        return self.parse_data["intent"].get("name")

    @property
    def full_retrieval_intent_name(self) -> str | None:
        """Such as `faq/ask_price`, where the response selector found one."""
        return self.parse_data["intent"].get("full_retrieval_intent_name")

    @property
    def entities(self) -> list[Json]:
        """Objects with entity, value, start, end and, where known, role, group, extractor."""
        return self.parse_data["entities"]

    def is_empty(self) -> bool:
        return not self.text and not self.intent_name and not self.entities

    def as_dict(self) -> Json:
        return {
            "event": "user",
            "timestamp": self.timestamp,
            "metadata": self.metadata,
            "text": self.text,
            "parse_data": self.parse_data,
            "input_channel": self.input_channel,
            "message_id": self.message_id,
        }

    @staticmethod
    def external(intent: str, entities: list[Json] | None = None, input_channel: str | None = None) -> UserUttered:
        """A message that no user typed: an intent triggered from outside."""
        return UserUttered(
            text=f"{EXTERNAL_MESSAGE_PREFIX}{intent}",
            parse_data={"intent": {"name": intent}, "entities": entities or []},
            input_channel=input_channel,
            metadata={"is_external": True},
        )


@dataclass(frozen=True)
class BotUttered(Event):
    """The bot said something; `data` holds elements, quick_replies, buttons, attachment, image and custom."""

    type_name = "bot"

    text: str | None = None
    data: Json = field(default_factory=dict)

    def as_dict(self) -> Json:
        return {
            "event": "bot",
            "timestamp": self.timestamp,
            "metadata": self.metadata,
            "text": self.text,
            "data": self.data,
        }


@dataclass(frozen=True)
class AgentUttered(Event):
    """A human agent said something."""

    type_name = "agent"

    text: str | None = None
    data: Any = None


@dataclass(frozen=True)
class SlotSet(Event):
    """A slot got a value."""

    type_name = "slot"

    name: str
    value: Any = None


@dataclass(frozen=True)
class ActionExecuted(Event):
    """An action ran; `action_text` is the text of an end-to-end action, `confidence` that of the `policy`."""

    type_name = "action"

    name: str | None = None
    policy: str | None = None
    confidence: float | None = None
    action_text: str | None = None
    hide_rule_turn: bool = False
    # Only in training: an action that follows from the data's form and is never learned.
    unpredictable: bool = False


@dataclass(frozen=True)
class ActiveLoop(Event):
    """A loop (a form) starts, or with name None ends."""

    type_name = "active_loop"

    name: str | None = None


@dataclass(frozen=True)
class LoopInterrupted(Event):
    """The active loop runs after an interruption, so it must not validate the last message."""

    type_name = "loop_interrupted"

    is_interrupted: bool = False


@dataclass(frozen=True)
class ActionExecutionRejected(Event):
    """An action refused to run, so the policies predict another."""

    type_name = "action_execution_rejected"

    name: str | None = None
    policy: str | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class EntitiesAdded(Event):
    """A policy found entities in the last user message."""

    type_name = "entities"

    entities: list[Json] = field(default_factory=list)


@dataclass(frozen=True)
class UserFeaturization(Event):
    """Whether the action after the last user message was predicted from its text (True) or its intent (False)."""

    type_name = "user_featurization"

    use_text_for_featurization: bool | None = None


@dataclass(frozen=True)
class SessionStarted(Event):
    """A new session of the conversation starts."""

    type_name = "session_started"


@dataclass(frozen=True)
class Restarted(Event):
    """The conversation starts over; its history is kept but counts no more."""

    type_name = "restart"


@dataclass(frozen=True)
class Rewound(Event):
    """Everything since, and with, the last user message is taken back (Rasa: UserUtteranceReverted)."""

    type_name = "rewind"


@dataclass(frozen=True)
class Undone(Event):
    """The last action is taken back (Rasa: ActionReverted)."""

    type_name = "undo"


@dataclass(frozen=True)
class AllSlotsReset(Event):
    """All slots get their initial values."""

    type_name = "reset_slots"


@dataclass(frozen=True)
class Paused(Event):
    """The bot ignores messages, so that a human can take over."""

    type_name = "pause"


@dataclass(frozen=True)
class Resumed(Event):
    """The bot takes over again."""

    type_name = "resume"


@dataclass(frozen=True)
class FollowupAction(Event):
    """The next action is fixed."""

    type_name = "followup"

    name: str | None = None


@dataclass(frozen=True)
class ReminderScheduled(Event):
    """An intent is to be triggered at `date_time` (ISO 8601 text); a name is made up where none is given."""

    type_name = "reminder"

    intent: str | None = None
    date_time: str = ""
    entities: Any = None
    name: str | None = None
    kill_on_user_msg: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.name is None:
            object.__setattr__(self, "name", uuid.uuid4().hex)


@dataclass(frozen=True)
class ReminderCancelled(Event):
    """Reminders of this name, intent and entities (None: any) are cancelled."""

    type_name = "cancel_reminder"

    name: str | None = None
    intent: str | None = None
    entities: Any = None


@dataclass(frozen=True)
class StoryExported(Event):
    """Recorded only. SECURITY: Rasa writes the story to `path`; a path that came over HTTP is never opened here."""

    type_name = "export"


EVENTS: dict[str, type[Event]] = {
    cls.type_name: cls
    for cls in (
        UserUttered, BotUttered, AgentUttered, SlotSet, ActionExecuted, ActiveLoop, LoopInterrupted,
        ActionExecutionRejected, EntitiesAdded, UserFeaturization, SessionStarted, Restarted, Rewound, Undone,
        AllSlotsReset, Paused, Resumed, FollowupAction, ReminderScheduled, ReminderCancelled, StoryExported,
    )
}  # fmt: skip
# Older names, written back under the newer ones.
LEGACY_NAMES = ("form", "form_validation")


def from_dict(data: Any) -> Event:
    """The event of a JSON object.

    Raises InputError that says what is wrong with which key. Unknown keys are ignored.
    """
    name = check_common(data)
    if name == "form":
        cls: type[Event] = ActiveLoop
    elif name == "form_validation":
        data = {**data, "is_interrupted": not data.get("validate", True)}
        cls = LoopInterrupted
    elif name in EVENTS:
        cls = EVENTS[name]
    else:
        known = ", ".join(sorted([*EVENTS, *LEGACY_NAMES]))
        raise InputError(f"Unknown event '{name}'; expected one of: {known}.")
    check = EVENT_CHECKS.get(cls.type_name)
    if check:
        check(data)
    return _build(cls, data)


def _build(cls: type[Event], data: Mapping[str, Any]) -> Event:
    common: Json = {"timestamp": data.get("timestamp") or 0.0, "metadata": data.get("metadata") or {}}
    if cls is UserUttered:
        return UserUttered(
            data.get("text"), data.get("parse_data") or {}, data.get("input_channel"), data.get("message_id"), **common
        )
    if cls is BotUttered:
        return BotUttered(data.get("text"), data.get("data") or {}, **common)
    given = {key: data[key] for key in wire_keys(cls) if key in data}
    if cls is ReminderScheduled:
        given["date_time"] = parse_time(given["date_time"]).isoformat()
    if cls is LoopInterrupted:
        given["is_interrupted"] = bool(given.get("is_interrupted", False))
    return cls(**given, **common)


def from_dicts(data: Any) -> list[Event]:
    """The events of a JSON list; the error names the index of the first wrong one."""
    if not isinstance(data, list):
        raise InputError(f"Expected a list of events, found {type(data).__name__}.")
    events = []
    for index, item in enumerate(data):
        try:
            events.append(from_dict(item))
        except InputError as error:
            raise InputError(f"Event {index}: {error.message}", details=error.details) from error
    return events
