"""Endpoints that tell about the server and its model: nothing in, their descriptions out."""

from __future__ import annotations

from botapi import __version__
from botapi.web.openapi.operation import Json, Operation, Resource, answer, json_answer, ref
from botapi.web.openapi.schemas import ANY, INTEGER, TEXT, listed, mapped, told

_HEALTH: Json = {"type": "object", "properties": {"status": {"const": "ok"}}, "required": ["status"]}
_UNAVAILABLE: Json = {
    "type": "object",
    "properties": {"status": {"const": "unavailable"}, "reason": {"enum": ["shutting down", "no model loaded"]}},
    "required": ["status", "reason"],
}

SERVER = Resource(
    "Server",
    "The server and its model.",
    {
        "GET /": Operation(
            "Say hello",
            answers={
                200: answer("`Hello from botapi:` and the version.", "text/plain", {"type": "string", "minLength": 1})
            },
        ),
        "GET /version": Operation("Show the version", answers={200: json_answer("The version.", ref("Version"))}),
        "GET /healthz": Operation("Is the process alive?", answers={200: json_answer("It answers.", _HEALTH)}),
        "GET /readyz": Operation(
            "Can messages be answered?",
            answers={
                200: json_answer("They can.", _HEALTH),
                503: json_answer("There is no model, or the server shuts down.", _UNAVAILABLE),
            },
        ),
        "GET /status": Operation("Show the loaded model", answers={200: json_answer("The model.", ref("Status"))}),
        "GET /domain": Operation(
            "Show the domain",
            description="JSON, or YAML, as `Accept` says.",
            answers={
                200: {
                    "description": "The domain of the loaded model.",
                    "content": {
                        "application/json": {"schema": ref("Domain")},
                        "application/x-yaml": {"schema": {"type": "string", "minLength": 1}},
                    },
                },
                406: "Neither JSON nor YAML will do.",
            },
        ),
        "GET /openapi.json": Operation(
            "Describe the API",
            answers={
                200: json_answer(
                    "This description.",
                    {
                        "type": "object",
                        "properties": {
                            "openapi": {"const": "3.1.0"},
                            "info": mapped(ANY),
                            "paths": mapped(ANY),
                            "components": mapped(ANY),
                        },
                        "required": ["openapi", "info", "paths", "components"],
                    },
                )
            },
        ),
        "GET /docs": Operation(
            "Describe the API to people",
            answers={200: answer("This description as a page.", "text/html", {"type": "string", "minLength": 1})},
        ),
        "GET /metrics": Operation(
            "Show what the server counts",
            description="In Prometheus' text format 0.0.4.",
            answers={200: answer("All metrics.", "text/plain", {"type": "string", "minLength": 1})},
        ),
        "POST /auth": Operation(
            "Tokens are not given out",
            description="JWTs are checked here; get yours where your users log in.",
            answers={401: "Always."},
        ),
    },
    {
        "Version": {
            "type": "object",
            "properties": {
                "version": told(TEXT, "The server's.", examples=[__version__]),
                "minimum_compatible_version": told(TEXT, "The oldest version whose models are loaded."),
            },
            "required": ["version", "minimum_compatible_version"],
            "additionalProperties": False,
        },
        "Status": {
            "type": "object",
            "properties": {
                "model_file": told(TEXT, "The archive's name."),
                "model_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
                "num_active_training_jobs": told({**INTEGER, "minimum": 0}, "Trainings that run or wait."),
            },
            "required": ["model_file", "model_id", "num_active_training_jobs"],
            "additionalProperties": False,
        },
        "Domain": {
            "type": "object",
            "description": "What the bot knows, in the form of a domain file.",
            "properties": {
                "version": TEXT,
                "session_config": {
                    "type": "object",
                    "properties": {
                        "session_expiration_time": {"type": "number"},
                        "carry_over_slots_to_new_session": {"type": "boolean"},
                    },
                },
                "intents": listed(ANY),
                "entities": listed(ANY),
                "slots": mapped(ANY),
                "responses": mapped(ANY),
                "actions": listed(ANY),
                "forms": mapped(ANY),
                "e2e_actions": listed(ANY),
                "config": mapped(ANY),
            },
            "required": ["version", "session_config"],
            "additionalProperties": ANY,
        },
    },
)
