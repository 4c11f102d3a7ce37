"""Handlers of `/model`: texts, events and paths of archives in; parse data, scores, or nothing out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import Any

from botapi.agent.poller import named_model_server
from botapi.agent.received import load_received, load_stored
from botapi.errors import ConfigError, InputError, ModelError
from botapi.outbound import OutboundError
from botapi.state.tracker import Verbosity
from botapi.web.api import Api
from botapi.web.emulation import FORMATS
from botapi.web.errors import ErrorResponse
from botapi.web.heavy import waiting
from botapi.web.multipart import FORM, copy_field
from botapi.web.parameters import event_verbosity_parameter, listed_events, validate_request_body
from botapi.web.request import Request, brief, wrong_value
from botapi.web.response import Response, empty_response, json_response

MAX_TEXTS = 1000
NO_MODEL = "Expected an archive: as the body, or as the file 'model' of a form (multipart/form-data)."


def parse(api: Api, request: Request) -> Response:
    """Intent and entities of a text; of several `texts` a list of these, all by one model."""
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
    shape, body, bot = FORMATS[mode.upper()], request.json(), api.agent.ready_bot()
    if "texts" in body:
        return json_response([shape(bot.parse(text)) for text in texts_to_parse(body)])
    return json_response(shape(bot.parse(text_to_parse(body))))


def text_to_parse(body: dict[str, Any]) -> str:
    """The text of a body {"text": …}; of a list its first item; stripped, as in Rasa 3.6."""
    text = body.get("text")
    if isinstance(text, list) and text:
        text = text[0]
    if not isinstance(text, str):
        raise wrong_value("text", text, "a text")
    return text.strip()


def texts_to_parse(body: dict[str, Any]) -> list[str]:
    """The texts of a body {"texts": […]}, at most MAX_TEXTS, stripped."""
    texts = body["texts"]
    if not isinstance(texts, list) or len(texts) > MAX_TEXTS or not all(isinstance(text, str) for text in texts):
        raise wrong_value("texts", texts, f"a list of at most {MAX_TEXTS} texts")
    return [text.strip() for text in texts]


def predict(api: Api, request: Request) -> Response:
    """The scores of all actions after a list of events; nothing is stored."""
    events = listed_events(request)
    verbosity = event_verbosity_parameter(request, Verbosity.AFTER_RESTART)
    return json_response(api.agent.imagine(events).prediction(verbosity))


def load(api: Api, request: Request) -> Response:
    """Replace the model by one from a model server, from remote storage, or from a folder for models.

    `model_file` is an archive, or a folder with archives, whose newest is taken; in remote storage the archive's name.
    """
    validate_request_body(request, "No path to model file defined in request_body.")
    body = request.json()
    name, server, storage = (body.get(key) for key in ("model_file", "model_server", "remote_storage"))
    with refusals(name):
        if server:
            follow(api, server)
        elif storage:
            fetch(api, storage, name)
        else:
            api.agent.load_model(model_path(name, api.model_folders))
    return empty_response()


@contextmanager
def refusals(name: Any) -> Iterator[None]:
    """400 in the words of Rasa 3.6, and with the reason, where the model of that name does not load."""
    try:
        yield
    except (ModelError, OutboundError) as error:
        message = f"Agent with name {brief(name)} could not be loaded. {error.message}"
        details = {"parameter": "model", "in": "query"}
        raise ErrorResponse(HTTPStatus.BAD_REQUEST, "BadRequest", message, details) from error


def follow(api: Api, section: Any) -> None:
    """Load the model of a server, and ask that one from now on; `section` has the keys of `models` in endpoints.yml."""
    try:
        server = named_model_server(section, api.check_url)
        with waiting(api):
            api.poller.follow(server)
    except (ConfigError, InputError) as error:
        message = f"Supplied 'model_server' is not valid. Error: {error.message}"
        raise InputError(message, details={"parameter": "model_server", "in": "body"}) from error


def fetch(api: Api, storage: Any, name: Any) -> None:
    """Load an archive of the remote storage that this server is set up for."""
    if not isinstance(storage, str):
        raise wrong_value("remote_storage", storage, "the name of a storage, such as 'aws'")
    if not isinstance(name, str) or not name:
        raise ModelError("Expected in 'model_file' the name of an archive in the storage.")
    try:
        with waiting(api):
            load_stored(api.agent, storage, name, max_bytes=api.poller.max_bytes)
    except ConfigError as error:
        raise InputError(error.message, details={"parameter": "remote_storage", "in": "body"}) from error


def upload(api: Api, request: Request) -> Response:
    """Replace the model by the archive that is the body, or the file `model` of a form, as in rasa_core 0.12."""
    kind, stream = request.header("Content-Type") or "", request.environ["wsgi.input"]
    name = None
    with TemporaryFile() as file:
        if kind.lower().startswith(FORM):
            name = copy_field(stream, kind, "model", file)
        else:
            copyfileobj(stream, file)
        if not file.tell():
            details = {"parameter": "model", "in": "body"}
            raise ErrorResponse(HTTPStatus.BAD_REQUEST, "InvalidParameter", NO_MODEL, details)
        with refusals(name):
            load_received(api.agent, file, name)
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
