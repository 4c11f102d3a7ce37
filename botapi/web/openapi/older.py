"""Paths that rasa_core 0.12 and 0.14 had and Rasa 3 has not: nothing in, their descriptions out."""

from __future__ import annotations

from botapi.web.openapi.operation import Json, Operation, Resource, json_answer, json_body, ref
from botapi.web.openapi.schemas import ANY, INCLUDE_EVENTS, TEXT, listed, mapped, nullable, record, told

_RESPOND = "/conversations/{conversation_id}/respond"
_SAID: Json = json_answer("What the bot says.", listed(ref("Message")))

OLDER = Resource(
    "Older paths",
    "As rasa_core 0.12 and 0.14 had them.",
    {
        f"GET {_RESPOND}": Operation(
            "Talk to the bot",
            description="As `POST /webhooks/rest/webhook`. One of the parameters must be there.",
            deprecated=True,
            query={
                "query": told(TEXT, "What the user says.", examples=["hello"]),
                "q": told(TEXT, "The same.", examples=["hello"]),
            },
            answers={200: _SAID},
        ),
        f"POST {_RESPOND}": Operation(
            "Talk to the bot",
            description="As `POST /webhooks/rest/webhook`.",
            deprecated=True,
            body=json_body(
                {
                    **mapped(ANY),
                    "anyOf": [
                        {"type": "object", "properties": {"query": TEXT}, "required": ["query"]},
                        {
                            "type": "object",
                            "properties": {"q": TEXT},
                            "required": ["q"],
                            "not": {"type": "object", "properties": {"query": ANY}, "required": ["query"]},
                        },
                    ],
                },
                {"query": "hello"},
            ),
            answers={200: _SAID},
        ),
        "POST /parse": Operation(
            "Understand a text",
            description="As `POST /model/parse`.",
            deprecated=True,
            body=json_body(record({"q": TEXT}, "q"), {"q": "hello"}),
            answers={200: json_answer("Intent and entities.", ref("Parsed"))},
        ),
        "POST /predict": Operation(
            "Predict an action after events",
            description="As `POST /model/predict`, with the scores in the domain's order.",
            deprecated=True,
            query={"include_events": INCLUDE_EVENTS},
            body=json_body(listed(ref("NewEvent")), [{"event": "action", "name": "action_listen"}]),
            answers={
                200: json_answer(
                    "The scores of all actions.",
                    {
                        "type": "object",
                        "properties": {
                            "scores": listed(ref("Score")),
                            "policy": nullable(TEXT),
                            "tracker": ref("Tracker"),
                        },
                        "required": ["scores", "policy", "tracker"],
                        "additionalProperties": False,
                    },
                )
            },
        ),
    },
)
