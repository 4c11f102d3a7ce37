"""Endpoints below `/conversations`: nothing in, their descriptions out."""

from __future__ import annotations

from botapi.web.openapi.events import SHORT_ENTITIES
from botapi.web.openapi.operation import (
    Json,
    Operation,
    Resource,
    answer,
    empty_answer,
    json_answer,
    json_body,
    ref,
)
from botapi.web.openapi.schemas import (
    ANY,
    INCLUDE_EVENTS,
    INTEGER,
    NUMBER,
    OUTPUT_CHANNEL,
    TEXT,
    UNTIL,
    flag,
    listed,
    mapped,
    nullable,
    record,
    told,
)

_ONE = "/conversations/{conversation_id}"
_SLOT: Json = {"event": "slot", "name": "cuisine", "value": "mexican"}
_NAME = {**TEXT, "minLength": 1}

CONVERSATIONS = Resource(
    "Conversations",
    "What was said and done, and what comes next.",
    {
        "GET /conversations": Operation(
            "List conversations",
            description="Sorted by id. Without `limit` all of them. Filters add up.",
            query={
                "limit": told(
                    {**INTEGER, "minimum": 1, "maximum": 1000},
                    "How many are listed; where there are more, the header `Link` leads to them.",
                ),
                "cursor": told(TEXT, "The id after which the list goes on.", examples=["ann"]),
                "channel": told(TEXT, "Those whose user last wrote from this channel.", examples=["rest"]),
                "since": told(NUMBER, "Those whose newest event is not older; in seconds since 1970."),
                "until": told(NUMBER, "Those whose newest event is not younger; in seconds since 1970."),
                "slot": told(
                    TEXT,
                    "Those in which a slot was set: its `name`, or `name=value` with a text or JSON.",
                    examples=["cuisine=mexican"],
                ),
                "expand": flag("Whether the list holds an object for each, in place of its id."),
            },
            answers={
                200: {
                    **json_answer("The conversations.", {"anyOf": [listed(TEXT), listed(ref("Summary"))]}),
                    "headers": {
                        "Link": {
                            "description": 'Where there are more: `<…>; rel="next"` (RFC 8288), without credentials.',
                            "schema": {"type": "string"},
                        }
                    },
                }
            },
        ),
        f"DELETE {_ONE}": Operation(
            "Delete a conversation",
            description="Everything that is known of it: events, reminders, messages that wait to be posted, and "
            "answers that were kept for retries.",
            answers={204: empty_answer("It is gone."), 404: "The conversation is not known."},
        ),
        f"GET {_ONE}/export": Operation(
            "Export a conversation",
            description="All its events as they are stored. `PUT …/tracker/events` takes the object back.",
            answers={200: json_answer("The conversation.", ref("Export")), 404: "The conversation is not known."},
        ),
        f"GET {_ONE}/tracker": Operation(
            "Show a conversation",
            description="With all sessions. A conversation that is not known yet is shown as it would begin.",
            query={"include_events": INCLUDE_EVENTS, "until": UNTIL},
            answers={200: json_answer("The conversation.", ref("Tracker"))},
        ),
        f"POST {_ONE}/tracker/events": Operation(
            "Append events",
            query={
                "include_events": INCLUDE_EVENTS,
                "output_channel": OUTPUT_CHANNEL,
                "execute_side_effects": flag("Whether what the bot says in the events is sent, and reminders are set."),
            },
            body=json_body({"anyOf": [ref("NewEvent"), listed(ref("NewEvent"), minItems=1)]}, _SLOT),
            answers={200: json_answer("The conversation after them.", ref("Tracker"))},
        ),
        f"PUT {_ONE}/tracker/events": Operation(
            "Replace all events",
            description="The conversation has these events and no others; `[]` clears it. Takes an export, too.",
            query={"include_events": INCLUDE_EVENTS},
            body=json_body({"anyOf": [listed(ref("NewEvent")), ref("Imported")]}, [_SLOT]),
            answers={200: json_answer("The conversation with them.", ref("Tracker"))},
        ),
        f"GET {_ONE}/story": Operation(
            "Show a conversation as a test story",
            query={"until": UNTIL, "all_sessions": flag("Whether all sessions are told, each as a story.")},
            answers={200: answer("YAML.", "text/plain", {"type": "string"})},
        ),
        f"POST {_ONE}/execute": Operation(
            "Run an action",
            description="As if a policy had predicted it.",
            deprecated=True,
            query={"include_events": INCLUDE_EVENTS, "output_channel": OUTPUT_CHANNEL},
            body=json_body(
                record({"name": _NAME, "policy": nullable(TEXT), "confidence": nullable(NUMBER)}, "name"),
                {"name": "utter_greet"},
            ),
            answers={
                200: json_answer("The conversation after it, and what was said.", ref("Turn")),
                404: "The conversation or the action is not known.",
            },
        ),
        f"POST {_ONE}/trigger_intent": Operation(
            "Trigger an intent",
            description="As if the user had expressed it.",
            query={"include_events": INCLUDE_EVENTS, "output_channel": OUTPUT_CHANNEL},
            body=json_body(record({"name": _NAME, "entities": SHORT_ENTITIES}, "name"), {"name": "greet"}),
            answers={
                200: json_answer("The conversation after the bot's answer, and that.", ref("Turn")),
                404: "The domain has no such intent.",
            },
        ),
        f"POST {_ONE}/predict": Operation(
            "Predict the next action",
            description="Nothing is run.",
            answers={200: json_answer("The scores of all actions, best first.", ref("Prediction"))},
        ),
        f"POST {_ONE}/messages": Operation(
            "Record a message of the user",
            description="With its entities and slots. It is not answered.",
            query={"include_events": INCLUDE_EVENTS},
            body=json_body(
                {
                    **record(
                        {
                            "sender": {"const": "user"},
                            "text": nullable(TEXT),
                            "parse_data": {
                                "description": "What the text is understood as; `{}` and null leave it to the model.",
                                "anyOf": [ref("Parsed"), {**mapped(ANY), "maxProperties": 0}, {"type": "null"}],
                            },
                        },
                        "sender",
                    ),
                    "anyOf": [
                        {"type": "object", "properties": {"text": TEXT}, "required": ["text"]},
                        {"type": "object", "properties": {"parse_data": ref("Parsed")}, "required": ["parse_data"]},
                    ],
                },
                {"sender": "user", "text": "hello"},
            ),
            answers={200: json_answer("The conversation with it.", ref("Tracker"))},
        ),
    },
    {
        "Turn": {
            "type": "object",
            "properties": {
                "tracker": ref("Tracker"),
                "messages": told(
                    listed(ref("Message")), "What the bot said; missing where `output_channel` leads elsewhere."
                ),
            },
            "required": ["tracker"],
            "additionalProperties": False,
        },
        "Score": {
            "type": "object",
            "properties": {"action": TEXT, "score": NUMBER},
            "required": ["action", "score"],
            "additionalProperties": False,
        },
        "Summary": {
            "type": "object",
            "properties": {
                "sender_id": TEXT,
                "latest_event_time": nullable(NUMBER),
                "latest_input_channel": told(nullable(TEXT), "Where the user last wrote from."),
                "num_events": told(INTEGER, "How many events are stored."),
                "num_user_messages": told(INTEGER, "How many of them are messages of the user."),
            },
            "required": ["sender_id", "latest_event_time", "latest_input_channel", "num_events", "num_user_messages"],
            "additionalProperties": False,
        },
        "Export": {
            "type": "object",
            "properties": {
                "format": {"const": "botapi.conversation/1"},
                "sender_id": TEXT,
                "events": listed(mapped(ANY)),
            },
            "required": ["format", "sender_id", "events"],
            "additionalProperties": False,
        },
        "Imported": {
            **record({"events": listed(ref("NewEvent"))}, "events"),
            "not": {"type": "object", "properties": {"event": ANY}, "required": ["event"]},
        },
        "Prediction": {
            "type": "object",
            "properties": {
                "scores": listed(ref("Score")),
                "policy": nullable(TEXT),
                "confidence": nullable(NUMBER),
                "tracker": ref("Tracker"),
            },
            "required": ["scores", "policy", "confidence", "tracker"],
            "additionalProperties": False,
        },
        "Parsed": {
            "description": "What a text was understood as: intent and entities at least.",
            "allOf": [
                ref("Understood"),
                {
                    "type": "object",
                    "properties": {"intent": ref("Intent"), "entities": listed(ref("Entity"))},
                    "required": ["intent", "entities"],
                },
            ],
        },
    },
)
