"""Schemas that several endpoints share, and the parts that schemas are made of: nothing in, JSON Schema out."""

from __future__ import annotations

import re
from typing import Any

from botapi import __version__
from botapi.web.openapi.operation import Json, ref

# What can be stored: no text of a request may hold NUL.
NO_NUL = "^[^\\u0000]*$"
TEXT: Json = {"type": "string", "pattern": NO_NUL}
NUMBER: Json = {"type": "number"}
INTEGER: Json = {"type": "integer"}
BOOLEAN: Json = {"type": "boolean"}
ANY = ref("AnyValue")


def nullable(schema: Json) -> Json:
    """The schema, or null."""
    return {**schema, "type": [schema["type"], "null"]} if "type" in schema else {"anyOf": [schema, {"type": "null"}]}


def listed(schema: Json, **limits: int) -> Json:
    """A list of such values; `limits` are `minItems` and `maxItems`."""
    return {"type": "array", "items": schema, **limits}


def mapped(schema: Json) -> Json:
    """An object with such values under any keys."""
    return {"type": "object", "additionalProperties": schema, "propertyNames": {"pattern": NO_NUL}}


def record(properties: dict[str, Json], *required: str) -> Json:
    """An object with these properties; further ones may be there, and are ignored."""
    found: Json = {**mapped(ANY), "properties": properties}
    return {**found, "required": list(required)} if required else found


def told(schema: Json, description: str, **more: Any) -> Json:
    """The schema with a description, and other keywords such as `default` and `examples`."""
    return {**schema, "description": description, **more}


def any_case(*words: str) -> Json:
    """One of the words in upper, lower or mixed case, or nothing at all, which means the default."""
    letters = ("".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else re.escape(c) for c in word) for word in words)
    return {"type": "string", "pattern": f"^({'|'.join(letters)})?$"}


def flag(description: str, *, default: bool = False) -> Json:
    """A parameter that is on with `true` in any case; every other value means off, as in Rasa 3.6."""
    schema = told(TEXT, f"{description} `true` (in any case) is on, anything else off.")
    return {**schema, "default": str(default).lower(), "examples": ["true", "false"]}


# Parameters of several endpoints.
INCLUDE_EVENTS = told(
    any_case("NONE", "APPLIED", "AFTER_RESTART", "ALL"),
    "Which events are shown: `NONE`, `APPLIED` (those that still count), `AFTER_RESTART` or `ALL`; in any case.",
    default="AFTER_RESTART",
    examples=["ALL"],
)
UNTIL = told(
    TEXT,
    "A time in seconds since 1970: later events are left out. What is no number is ignored.",
    examples=["1700000000.5"],
)
OUTPUT_CHANNEL = told(
    TEXT,
    "The channel that responses are sent to, or `latest` for the one the user last wrote from. Without it, and where "
    "the name is not known, they are in `messages` of the answer.",
    examples=["latest"],
)
IDEMPOTENCY_KEY = told(
    {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "Such as a UUID: whoever sends the request again under the same key gets the same answer, and nothing runs twice.",
    examples=["8e03978e-40d5-43e8-bc93-6894a57f9324"],
)

SCHEMAS: dict[str, Json] = {
    "AnyValue": {
        "description": "Any JSON value: nested at most 100 deep, numbers of at most 300 digits, no NUL in texts.",
        "anyOf": [
            {"type": ["null", "boolean", "number"]},
            TEXT,
            {"type": "array", "items": ANY},
            mapped(ANY),
        ],
    },
    "Error": {
        "type": "object",
        "description": "What every refusal and failure looks like.",
        "properties": {
            "version": told({"type": "string"}, "The server's version.", examples=[__version__]),
            "status": {"const": "failure"},
            "message": told({"type": "string", "minLength": 1}, "What was found, what was expected and what to do."),
            "reason": told({"type": "string", "minLength": 1}, "A short word for programs.", examples=["BadRequest"]),
            "details": {
                "type": "object",
                "description": "Which parameter is wrong and where it stood, and the like.",
                "properties": {
                    "parameter": {"type": "string"},
                    "in": {"enum": ["query", "body", "header", "path"]},
                },
                "additionalProperties": ANY,
            },
            "help": told({"type": ["string", "null"]}, "Where to read more."),
            "code": told({"type": "integer", "minimum": 400, "maximum": 599}, "The HTTP status."),
        },
        "required": ["version", "status", "message", "reason", "details", "help", "code"],
        "additionalProperties": False,
    },
    "Message": {
        "type": "object",
        "description": "Something the bot says: one of text (with buttons), image, attachment and custom.",
        "properties": {
            "recipient_id": TEXT,
            "text": TEXT,
            "buttons": told(ANY, "Mostly a list of `{title, payload}`."),
            "image": told(ANY, "Mostly a URL."),
            "attachment": ANY,
            "custom": told(ANY, "What the response says, as it is."),
        },
        "required": ["recipient_id"],
        "additionalProperties": False,
    },
}
