"""Endpoints of the channels that come with the server: nothing in, their descriptions out."""

from __future__ import annotations

from botapi.web.openapi.operation import Json, Operation, Resource, answer, json_answer, json_body, ref, text_body
from botapi.web.openapi.schemas import (
    ANY,
    INCLUDE_EVENTS,
    NUMBER,
    TEXT,
    flag,
    listed,
    mapped,
    nullable,
    record,
    told,
)

_HEALTH = Operation(
    "Is the channel there?",
    answers={
        200: json_answer(
            "It is.", {"type": "object", "properties": {"status": {"const": "ok"}}, "required": ["status"]}
        )
    },
)
_MESSAGE = json_body(
    record(
        {
            "message": told(TEXT, "What the user says."),
            "sender": told(
                {"anyOf": [TEXT, {"type": ["number", "null"]}]}, "The conversation's id.", default="default"
            ),
            "input_channel": told(nullable(TEXT), "The channel's name in the conversation."),
            "metadata": told(nullable(mapped(ANY)), "Kept with the message."),
            "message_id": told(
                {"anyOf": [{**TEXT, "minLength": 1, "maxLength": 255}, {"type": ["integer", "null"]}]},
                "The message's id in its conversation: when it comes again it is no second turn.",
            ),
        },
        "message",
    ),
    {"sender": "ann", "message": "hello"},
)
_EVENTS: Json = {
    "type": "string",
    "description": "Server-sent events, each with an id and a message as data; with `stream` one message a line.",
}
_TALK = Operation(
    "Talk to the bot",
    description="A turn runs to its end and is stored even if the client has gone. "
    "With `Accept: text/event-stream`, or `stream`, each message is sent as soon as the bot said it.",
    query={
        "stream": flag("Whether messages are sent as soon as the bot says them, one a line."),
        "include": told(
            {"type": "string", "pattern": "^((parse|tracker|policy)(,(parse|tracker|policy))*)?$"},
            "What the answer tells beside messages, which makes it an object and asks for the API's credentials: what "
            "the message was understood as, the conversation, which policies chose the actions.",
            examples=["parse,tracker,policy"],
        ),
        "include_events": INCLUDE_EVENTS,
    },
    body=_MESSAGE,
    answers={
        200: {
            "description": "What the bot says.",
            "content": {
                "application/json": {"schema": {"anyOf": [listed(ref("Message")), ref("Told")]}},
                "text/event-stream": {"schema": _EVENTS},
            },
        },
        401: "`include`, or a guarded webhook, and no valid credentials.",
        403: "`include`, or a guarded webhook, and another user's `sender`.",
        503: "Too many turns are being streamed; come back after `Retry-After`.",
    },
)
_PACKETS: Json = {"type": "string", "description": "Packets of Engine.IO 4, with U+001E between them."}
_SESSION = told(nullable(TEXT), "The session's id, from the packet that opened it.")
_STOPS = "The server stops, or holds as many sessions as it may; come back after `Retry-After`."

CHANNELS = Resource(
    "Channels",
    "Ways for users to reach the bot. They are there as `credentials.yml` says.",
    {
        "GET /webhooks/rest/": _HEALTH,
        "POST /webhooks/rest/webhook": _TALK,
        "GET /webhooks/cmdline/": _HEALTH,
        "POST /webhooks/cmdline/webhook": _TALK,
        "GET /webhooks/callback/": _HEALTH,
        "POST /webhooks/callback/webhook": Operation(
            "Talk to the bot, which posts its answers",
            description="To the `url` of credentials.yml; each in order, and again if that fails.",
            body=_MESSAGE,
            answers={200: answer("The turn has run.", "text/plain", {"const": "success"})},
        ),
        "GET /webhooks/socketio/": _HEALTH,
        "GET /socket.io/": Operation(
            "Open a session of Socket.IO, or poll it",
            description="Waits until there are packets, for half a minute at most.",
            query={"sid": _SESSION},
            answers={
                200: answer("Packets for the client.", "text/plain", _PACKETS),
                400: "Another protocol than Engine.IO 4 over polling, or a second poll of one session at a time.",
                404: "The session is not known, or has ended.",
                503: _STOPS,
            },
        ),
        "POST /socket.io/": Operation(
            "Send packets in a session of Socket.IO",
            query={"sid": _SESSION},
            body=text_body("text/plain", _PACKETS, '42["user_uttered",{"message":"hello"}]'),
            answers={
                200: answer("The packets were taken.", "text/plain", {"const": "OK"}),
                404: "The session is not known, or has ended.",
            },
        ),
    },
    {
        "Told": {
            "type": "object",
            "description": "What the bot says, and what `include` names.",
            "properties": {
                "messages": listed(ref("Message")),
                "parse": ref("Understood"),
                "tracker": ref("Tracker"),
                "policy": told(
                    listed(
                        {
                            "type": "object",
                            "properties": {
                                "action": nullable(TEXT),
                                "policy": nullable(TEXT),
                                "confidence": nullable(NUMBER),
                            },
                            "required": ["action", "policy", "confidence"],
                            "additionalProperties": False,
                        }
                    ),
                    "The actions since the message, in order.",
                ),
            },
            "required": ["messages"],
            "additionalProperties": False,
        },
    },
)
