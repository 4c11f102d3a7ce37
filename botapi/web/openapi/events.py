"""Schemas of what happens in a conversation, as `state/eventchecks.py` checks it: nothing in, JSON Schema out."""

from __future__ import annotations

from botapi.web.openapi.operation import Json, ref
from botapi.web.openapi.schemas import ANY, BOOLEAN, INTEGER, NUMBER, TEXT, listed, mapped, nullable, record, told

# Moments that Python 3.10 reads: the days that each month has, hours and minutes, seconds and their parts at will.
_DATE = (
    r"[12][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    r"|02-(0[1-9]|1[0-9]|2[0-8]))"
)
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{3}([0-9]{3})?)?)?"
MOMENT: Json = {
    "type": "string",
    "pattern": f"^{_DATE}(T{_TIME}(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?)?$",
    "description": "ISO 8601, such as 2030-01-31T12:00:00 or 2030-01-31T12:00:00Z; the server's time without a zone.",
    "examples": ["2030-01-31T12:00:00"],
}
METADATA = nullable(mapped(ANY))
ENTITIES = listed(ref("Entity"))
# Entities of a reminder or a triggered intent.
SHORT_ENTITIES: Json = {"anyOf": [ENTITIES, told(mapped(ANY), "Short for a list: `{name: value}`."), {"type": "null"}]}


def event(name: str, description: str, properties: Json | None = None, *required: str) -> Json:
    """The schema of one kind of event."""
    common = {"event": {"const": name}, "timestamp": nullable(NUMBER), "metadata": METADATA}
    return told(record({**common, **(properties or {})}, "event", *required), description)


_POLICY = {"policy": nullable(TEXT), "confidence": nullable(NUMBER)}
_BARE = {
    "session_started": "A new session starts.",
    "restart": "The conversation starts over; its history is kept but counts no more.",
    "rewind": "Everything since, and with, the last user message is taken back.",
    "undo": "The last action is taken back.",
    "reset_slots": "All slots get their initial values.",
    "pause": "The bot ignores messages, so that a human can take over.",
    "resume": "The bot takes over again.",
    "export": "Recorded only.",
}
# One schema for each kind of event, by the value of `event`.
EVENTS: dict[str, Json] = {
    "user": event(
        "user",
        "The user said something; `parse_data` is what it was understood as.",
        {
            "text": nullable(TEXT),
            "parse_data": ref("Understood"),
            "input_channel": nullable(TEXT),
            "message_id": nullable(TEXT),
        },
        "parse_data",
    ),
    "bot": event(
        "bot",
        "The bot said something.",
        {"text": nullable(TEXT), "data": told(METADATA, "Buttons, image, attachment, custom and the like.")},
    ),
    "agent": event("agent", "A human agent said something.", {"text": ANY, "data": ANY}),
    "slot": event("slot", "A slot got a value.", {"name": TEXT, "value": ANY}, "name", "value"),
    "action": {
        **event(
            "action",
            "An action ran; `action_text` is what an end-to-end action says.",
            {"name": nullable(TEXT), "action_text": nullable(TEXT), **_POLICY, "hide_rule_turn": BOOLEAN},
        ),
        "anyOf": [
            {"type": "object", "properties": {"name": TEXT}, "required": ["name"]},
            {"type": "object", "properties": {"action_text": TEXT}, "required": ["action_text"]},
        ],
    },
    "active_loop": event("active_loop", "A form starts, or with the name null ends.", {"name": nullable(TEXT)}),
    "loop_interrupted": event(
        "loop_interrupted",
        "The form must not validate the last message.",
        {"is_interrupted": told(ANY, "As true or false.")},
    ),
    "action_execution_rejected": event(
        "action_execution_rejected", "An action refused to run.", {"name": nullable(TEXT), **_POLICY}
    ),
    "entities": event("entities", "A policy found entities in the last message.", {"entities": ENTITIES}, "entities"),
    "user_featurization": event(
        "user_featurization",
        "Whether the next action was predicted from the message's text or from its intent.",
        {"use_text_for_featurization": nullable(BOOLEAN)},
    ),
    "followup": event("followup", "The next action is fixed.", {"name": nullable(TEXT)}),
    "reminder": event(
        "reminder",
        "An intent is to be triggered at a time; a name is made up where none is given.",
        {
            "intent": nullable(TEXT),
            "date_time": MOMENT,
            "entities": {"anyOf": [listed(ANY), mapped(ANY), {"type": "null"}]},
            "name": nullable(TEXT),
            "kill_on_user_msg": told(ANY, "As true or false: whether a message makes it obsolete."),
        },
        "date_time",
    ),
    "cancel_reminder": event(
        "cancel_reminder",
        "Reminders with this name, intent and entities are cancelled; null means any.",
        {
            "intent": nullable(TEXT),
            "entities": {"anyOf": [listed(ANY), mapped(ANY), {"type": "null"}]},
            "name": nullable(TEXT),
        },
    ),
    **{name: event(name, description) for name, description in _BARE.items()},
}
# Older names, which are taken but written back under the newer ones.
LEGACY: dict[str, Json] = {
    "form": event("form", "The older name of `active_loop`.", {"name": nullable(TEXT)}),
    "form_validation": event(
        "form_validation", "The older form of `loop_interrupted`.", {"validate": told(ANY, "As true or false.")}
    ),
}


def _name(kind: str) -> str:
    return "".join(word.capitalize() for word in kind.split("_")) + "Event"


SCHEMAS: dict[str, Json] = {
    **{_name(kind): schema for kind, schema in {**EVENTS, **LEGACY}.items()},
    "NewEvent": {
        "description": "An event as it is taken: `timestamp` is now where it is missing, null or 0.",
        "oneOf": [ref(_name(kind)) for kind in (*EVENTS, *LEGACY)],
    },
    "Event": {
        "description": "Something that happened in a conversation.",
        "oneOf": [ref(_name(kind)) for kind in EVENTS],
        "type": "object",
        "properties": {"timestamp": told(NUMBER, "Seconds since 1970.")},
        "required": ["timestamp"],
    },
    "Intent": record(
        {
            "name": told(nullable(TEXT), "null where nothing was understood."),
            "confidence": told(NUMBER, "From 0 to 1, as the model says."),
        }
    ),
    "Entity": record(
        {
            "entity": told(TEXT, "Its name."),
            "value": ANY,
            "start": told(INTEGER, "Its first character in the text."),
            "end": told(INTEGER, "The character behind its last."),
            "confidence": nullable(NUMBER),
            "extractor": nullable(TEXT),
            "role": nullable(TEXT),
            "group": nullable(TEXT),
        },
        "entity",
        "value",
    ),
    "Understood": record(
        {
            "text": nullable(TEXT),
            "intent": ref("Intent"),
            "intent_ranking": told(listed(ref("Intent")), "Best first."),
            "entities": ENTITIES,
            "response_selector": told(mapped(ANY), "By retrieval intent: the response and its ranking."),
            "metadata": METADATA,
        }
    ),
    "Tracker": {
        "type": "object",
        "description": "The state of a conversation.",
        "properties": {
            "sender_id": told(TEXT, "The conversation's id."),
            "slots": told(mapped(ANY), "The value of each slot."),
            "latest_message": told(ref("Understood"), "The last user message."),
            "latest_event_time": nullable(NUMBER),
            "followup_action": told(nullable(TEXT), "The next action, where it is fixed."),
            "paused": told(BOOLEAN, "Whether the bot ignores messages."),
            "events": told(nullable(listed(ref("Event"))), "null with `include_events=NONE`."),
            "latest_input_channel": nullable(TEXT),
            "active_loop": {
                "type": "object",
                "description": "The active form; `{}` where there is none.",
                "properties": {
                    "name": TEXT,
                    "is_interrupted": BOOLEAN,
                    "rejected": BOOLEAN,
                    "trigger_message": nullable(ref("Understood")),
                },
                "additionalProperties": False,
            },
            "latest_action": {
                "type": "object",
                "description": "The last action's name, or the text that it said; `{}` where there is none.",
                "properties": {"action_name": TEXT, "action_text": TEXT},
                "additionalProperties": False,
            },
            "latest_action_name": nullable(TEXT),
        },
        "required": [
            "sender_id", "slots", "latest_message", "latest_event_time", "followup_action", "paused", "events",
            "latest_input_channel", "active_loop", "latest_action", "latest_action_name",
        ],
        "additionalProperties": False,
    },
}  # fmt: skip
