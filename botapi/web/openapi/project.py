"""Schemas of training data and test stories, the YAML that trainings and tests take: nothing in, JSON Schema out."""

from __future__ import annotations

from botapi.web.openapi.operation import Json, ref
from botapi.web.openapi.schemas import ANY, BOOLEAN, NUMBER, TEXT, listed, mapped, nullable, told

NAME: Json = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}
_SLOTS = {"anyOf": [listed({"anyOf": [NAME, mapped(ANY)]}, minItems=1), mapped(ANY)]}


def _closed(properties: dict[str, Json], *required: str) -> Json:
    """An object with these properties and no others."""
    found: Json = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**found, "required": list(required)} if required else found


def _step(description: str, properties: dict[str, Json], *required: str) -> Json:
    return told(_closed({**properties, "metadata": ANY}, *required), description)


_ENTITIES = listed({"anyOf": [NAME, told(mapped(ANY), "`{name: value}`, with `role` and `group`.")]})
_SAID = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9 ]*$", "description": "A text, with entities marked."}
_CONDITION = listed(
    {
        "anyOf": [
            _step("A form is active, or with null none.", {"active_loop": nullable(NAME)}, "active_loop"),
            _step("Slots have these values.", {"slot_was_set": _SLOTS}, "slot_was_set"),
        ]
    }
)
_STEP: Json = {
    "description": "One step of a story or rule.",
    "anyOf": [
        _step("The user expresses an intent.", {"intent": NAME, "user": _SAID, "entities": _ENTITIES}, "intent"),
        _step("The user says something.", {"user": _SAID, "entities": _ENTITIES}, "user"),
        _step("The bot runs an action.", {"action": NAME}, "action"),
        _step("The bot says something.", {"bot": _SAID}, "bot"),
        _step("A form starts, or with null ends.", {"active_loop": nullable(NAME)}, "active_loop"),
        _step("Slots were set.", {"slot_was_set": _SLOTS}, "slot_was_set"),
        _step("Stories join here.", {"checkpoint": NAME}, "checkpoint"),
        _step(
            "One of several intents.",
            {"or": listed(_step("An intent.", {"intent": NAME, "entities": _ENTITIES}, "intent"), minItems=1)},
            "or",
        ),
    ],
}
_EXAMPLE_LINES = {
    "type": "string",
    "pattern": "^(- [A-Za-z0-9][A-Za-z0-9 ]*\n)+$",
    "description": "One a line, after `- `.",
}
_NLU_ENTRY: Json = {
    "description": "Examples of an intent, synonyms, a regular expression or a lookup table.",
    "anyOf": [
        _closed({kind: NAME, "examples": _EXAMPLE_LINES, "metadata": ANY}, kind, "examples")
        for kind in ("intent", "synonym", "regex", "lookup")
    ],
}
_PARTS = nullable(
    listed(
        told(
            {"type": "object", "properties": {"name": NAME}, "required": ["name"], "additionalProperties": ANY},
            "A part with its options.",
        )
    )
)
_VERSION = told({"enum": ["2.0", "3.0", "3.1"]}, "The version of the format.")
_STORIES = listed(ref("Story"))

SCHEMAS: dict[str, Json] = {
    "TrainingData": told(
        _closed(
            {
                "version": _VERSION,
                "recipe": {"const": "default.v1"},
                "language": told(NAME, "Such as `en`."),
                "assistant_id": NAME,
                "pipeline": told(_PARTS, "How messages are understood."),
                "policies": told(_PARTS, "How the next action is chosen."),
                "intents": listed({"anyOf": [NAME, mapped(ANY)]}),
                "entities": listed({"anyOf": [NAME, mapped(ANY)]}),
                "slots": mapped(ANY),
                "responses": mapped(listed(mapped(ANY))),
                "actions": listed({"anyOf": [NAME, mapped(ANY)]}),
                "forms": mapped(ANY),
                "e2e_actions": listed(_SAID),
                "session_config": _closed(
                    {"session_expiration_time": {**NUMBER, "minimum": 0}, "carry_over_slots_to_new_session": BOOLEAN}
                ),
                "config": mapped(ANY),
                "nlu": listed(_NLU_ENTRY),
                "stories": _STORIES,
                "rules": listed(ref("Rule")),
            }
        ),
        "Configuration, domain and training data in one document. What it names has to be in it: a model can't be "
        "trained otherwise.",
    ),
    "TestStories": told(
        _closed({"version": _VERSION, "stories": _STORIES}, "stories"), "Stories that the model is held against."
    ),
    "Examples": told(
        _closed({"version": _VERSION, "nlu": listed(_NLU_ENTRY, minItems=1)}, "nlu"),
        "Examples that the model is held against.",
    ),
    "Story": _closed({"story": {**TEXT, "minLength": 1}, "steps": listed(_STEP), "metadata": ANY}, "story", "steps"),
    "Rule": _closed(
        {
            "rule": {**TEXT, "minLength": 1},
            "condition": _CONDITION,
            "conversation_start": BOOLEAN,
            "wait_for_user_input": BOOLEAN,
            "steps": listed(_STEP),
            "metadata": ANY,
        },
        "rule",
        "steps",
    ),
}
