"""Handlers of `/model`: texts, events and paths of archives in; parse data, scores, or nothing out."""

from __future__ import annotations

import os
from http import HTTPStatus
from pathlib import Path
from typing import Any

from botapi.errors import InputError, ModelError
from botapi.state.tracker import Verbosity
from botapi.web.api import Api
from botapi.web.emulation import FORMATS
from botapi.web.errors import ErrorResponse
from botapi.web.parameters import event_verbosity_parameter, listed_events, validate_request_body
from botapi.web.request import Request, brief, wrong_value
from botapi.web.response import Response, empty_response, json_response


def parse(api: Api, request: Request) -> Response:
    """Intent and entities of a text."""
    validate_request_body(
        request,
        "No text message defined in request_body. Add text message to request body "
        "in order to obtain the intent and extracted entities.",
    )
    mode = request.query("emulation_mode") or "RASA"
    if mode.upper() not in FORMATS:
        raise InputError(
            "Invalid parameter value for 'emulation_mode'. Should be one of 'WIT', 'LUIS', 'DIALOGFLOW'.",
            details={"parameter": "emulation_mode", "in": "query"},
        )
    return json_response(FORMATS[mode.upper()](api.agent.parse(text_to_parse(request.json()))))


def text_to_parse(body: dict[str, Any]) -> str:
    """The text of a body {"text": …}; of a list its first item; stripped, as in Rasa 3.6."""
    text = body.get("text")
    if isinstance(text, list) and text:
        text = text[0]
    if not isinstance(text, str):
        raise wrong_value("text", text, "a text")
    return text.strip()


def predict(api: Api, request: Request) -> Response:
    """The scores of all actions after a list of events; nothing is stored."""
    events = listed_events(request)
    verbosity = event_verbosity_parameter(request, Verbosity.AFTER_RESTART)
    return json_response(api.agent.imagine(events).prediction(verbosity))


def load(api: Api, request: Request) -> Response:
    """Replace the model by the one at `model_file`: an archive, or a folder with archives, whose newest is taken."""
    validate_request_body(request, "No path to model file defined in request_body.")
    body = request.json()
    for name in ("model_server", "remote_storage"):
        if body.get(name):
            raise InputError(
                f"This server loads models from its own folders; put the archive there and send its path as "
                f"'model_file' in place of '{name}'.",
                details={"parameter": name, "in": "body"},
            )
    given = body.get("model_file")
    try:
        api.agent.load_model(model_path(given, api.model_folders))
    except ModelError as error:
        message = f"Agent with name {brief(given)} could not be loaded. {error.message}"
        details = {"parameter": "model", "in": "query"}
        raise ErrorResponse(HTTPStatus.BAD_REQUEST, "BadRequest", message, details) from error
    return empty_response()


def model_path(given: Any, folders: tuple[Path, ...]) -> Path:
    """The path that a caller gave, as long as it lies in one of the folders for models; else ModelError.

    SECURITY: whoever may swap models shall not probe the machine for other files.
    """
    if not isinstance(given, str) or not given:
        raise ModelError("Expected in 'model_file' the path of an archive or of a folder with archives.")
    try:
        path = Path(given).resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError("It is no readable path.") from error
    if not any(path.is_relative_to(folder.resolve()) for folder in folders):
        raise ModelError(f"It is outside of the folders for models: {', '.join(map(str, folders)) or 'none is set'}.")
    # NOTE: os.path answers no where Path raises, such as for names that no file system takes.
    if not os.path.exists(path):
        raise ModelError("There is no such file or folder.")
    return path


def unload(api: Api, request: Request) -> Response:
    """Take the model away; conversations stay."""
    api.agent.unload_model()
    return empty_response()
