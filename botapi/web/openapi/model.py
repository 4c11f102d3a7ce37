"""Endpoints of `/model` that use or swap the model: nothing in, their descriptions out."""

from __future__ import annotations

from botapi.web.handlers.model import MAX_TEXTS
from botapi.web.openapi.operation import Operation, Resource, empty_answer, json_answer, json_body, ref
from botapi.web.openapi.schemas import ANY, INCLUDE_EVENTS, TEXT, any_case, listed, mapped, record, told

_BYTES = {"type": "string", "contentMediaType": "application/octet-stream"}
_PARSED = [ref("Parsed"), told(mapped(ANY), "Another service's format.")]
_TEXTS = {
    **record(
        {
            "text": told(
                {"anyOf": [TEXT, {"type": "array", "prefixItems": [TEXT], "items": ANY, "minItems": 1}]},
                "The text; of a list its first item.",
            ),
            "texts": told(listed(TEXT, maxItems=MAX_TEXTS), "Several texts."),
        }
    ),
    "anyOf": [{"required": ["text"]}, {"required": ["texts"]}],
}
_SERVER = record(
    {
        "url": told({"type": "string", "format": "uri"}, "Where it answers; checked as `callback_url` is."),
        "wait_time_between_pulls": told(
            {"type": ["number", "null"], "minimum": 1}, "Seconds between two questions; null: only once.", default=100
        ),
        **{key: told(mapped(TEXT), "Sent along.") for key in ("params", "headers", "basic_auth")},
        **{key: told(TEXT, "Sent in the query.") for key in ("token", "token_name")},
    },
    "url",
)
_SOURCE = {
    **record(
        {
            "model_file": told(
                {**TEXT, "minLength": 1},
                "The path of an archive, or of a folder whose newest archive is taken; in the project's folder, or in "
                "that of the model given at the start. With `remote_storage` the archive's name there.",
            ),
            "model_server": told(_SERVER, "Load the model of this server, and ask it for new ones from now on."),
            "remote_storage": told({"const": "aws"}, "Load it from the bucket that this server is set up for."),
        }
    ),
    "anyOf": [{"required": ["model_file"]}, {"required": ["model_server"]}],
}

MODEL = Resource(
    "Model",
    "The model: what it understands and predicts, and which one it is.",
    {
        "POST /model/parse": Operation(
            "Understand a text",
            query={
                "emulation_mode": told(
                    any_case("RASA", "WIT", "LUIS", "DIALOGFLOW"),
                    "The answer in the format of wit.ai, LUIS or Dialogflow.",
                    examples=["LUIS"],
                )
            },
            description="Or several at once: for a list of `texts`, which goes before `text`, the answer is a list of "
            "what each means, all by the same model.",
            body=json_body(_TEXTS, {"text": "hello"}),
            answers={
                200: json_answer(
                    "Intent and entities, or a list of these.", {"anyOf": [*_PARSED, listed({"anyOf": _PARSED})]}
                )
            },
        ),
        "POST /model/predict": Operation(
            "Predict an action after events",
            description="Nothing is stored.",
            query={"include_events": INCLUDE_EVENTS},
            body=json_body(listed(ref("NewEvent")), [{"event": "action", "name": "action_listen"}]),
            answers={200: json_answer("The scores of all actions, best first.", ref("Prediction"))},
        ),
        "PUT /model": Operation(
            "Load a model",
            description="It is loaded beside the old one and then takes its place; conversations go on. A model that "
            "can't be loaded is 400 and changes nothing.",
            body=json_body(_SOURCE, {"model_file": "models"}),
            answers={
                204: empty_answer("The model is loaded."),
                500: "The remote storage fails.",
                503: "Too many callers wait for something from other servers: come back after `Retry-After`.",
            },
        ),
        "POST /model": Operation(
            "Upload a model",
            description="The archive takes the place of the model as with `PUT /model`, until the server is started "
            "again. What can't be loaded is 400 and changes nothing.",
            body={
                "required": True,
                "content": {
                    "application/octet-stream": {
                        "schema": told(_BYTES, "The archive: .tar.gz or .zip."),
                        "example": "@models/model.tar.gz",
                    },
                    "multipart/form-data": {
                        "schema": record({"model": told(_BYTES, "The archive.")}, "model"),
                        "example": {"model": "@models/model.tar.gz"},
                    },
                },
            },
            answers={204: empty_answer("The model is loaded.")},
        ),
        "DELETE /model": Operation(
            "Unload the model",
            description="The server goes on without one.",
            answers={204: empty_answer("There is no model now.")},
        ),
    },
)
