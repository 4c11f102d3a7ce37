"""Handlers of `/model/test`: test stories or examples in, how well the model, or a configuration, fits them out."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Any

from botapi import yamlfile
from botapi.errors import ConfigError, Conflict, DataError, InputError, ModelError
from botapi.jobs.local import JobError
from botapi.web.api import Api
from botapi.web.errors import ErrorResponse
from botapi.web.handlers.model import model_path
from botapi.web.heavy import async_if_callback_url, run_in_thread
from botapi.web.parameters import validate_request_body
from botapi.web.request import Request
from botapi.web.response import YAML, Response, json_response

MAX_FOLDS = 100


@async_if_callback_url
@run_in_thread
def evaluate_stories(api: Api, request: Request) -> Response:
    """What the loaded model would have done in test stories; with `e2e` it has to understand them, too."""
    validate_request_body(request, "You must provide some stories in the request body in order to evaluate your model.")
    document, bot = yaml_document(request), api.agent.ready_bot()
    options = {"model": str(bot.path), "model_id": bot.metadata.model_id, "e2e": request.flag("e2e")}
    return answer(api, "test_stories", document, options)


@async_if_callback_url
@run_in_thread
def evaluate_intents(api: Api, request: Request) -> Response:
    """How well a model understands examples, or a configuration learns from them (`cross_validation_folds`)."""
    validate_request_body(
        request, "You must provide some nlu data in the request body in order to evaluate your model."
    )
    is_json = request.header("Content-Type") != YAML
    document = json_document(request) if is_json else yaml_document(request)
    if request.query("cross_validation_folds") is None:
        return answer(api, "test_intents", document, {"is_json": is_json, **tested_model(api, request)})
    if is_json:
        message = f"Cross-validation is only supported for YAML data. Send it with the header Content-Type: {YAML}."
        raise ErrorResponse(HTTPStatus.BAD_REQUEST, "TestingError", message)
    folds = request.integer("cross_validation_folds", 0, low=2, high=MAX_FOLDS)
    return answer(api, "cross_validate", document, {"folds": folds})


def answer(api: Api, task: str, document: bytes, options: dict[str, Any]) -> Response:
    """The result of a test in a process of its own."""
    try:
        return json_response(api.jobs.evaluate(task, document, options, timeout_s=api.response_timeout_s))
    except JobError as error:
        # NOTE: a configuration that came with the request is the caller's, not the server's.
        if error.reason != ConfigError.reason:
            raise
        raise ErrorResponse(HTTPStatus.BAD_REQUEST, "TestingError", error.message, error.details) from error


def tested_model(api: Api, request: Request) -> dict[str, Any]:
    """Which model understands the examples: that of `?model=`, else the loaded one."""
    given = request.query("model")
    if given is not None:
        return {"model": str(named_model(given, api.model_folders)), "model_id": None}
    bot = api.agent.bot
    if bot is None:
        raise Conflict("Loaded model file not found. Load a model, or name one with the parameter 'model'.")
    return {"model": str(bot.path), "model_id": bot.metadata.model_id}


def named_model(given: str, folders: tuple[Path, ...]) -> Path:
    """The archive that a caller named, of a folder its newest one; 400 where there is none."""
    try:
        return model_path(given, folders)
    except ModelError as error:
        message = f"The model {given[:200]!r} can't be tested. {error.message}"
        raise InputError(message, details={"parameter": "model", "in": "query"}) from error


def yaml_document(request: Request) -> bytes:
    """The body, once it is known to be YAML with keys at the top."""
    text = request.text()
    try:
        content = yamlfile.load(text, "the request body")
    except DataError as error:
        raise InputError(f"The request body does not contain valid YAML. Error: {error.message}") from error
    if not isinstance(content, dict):
        raise InputError("The request body does not contain valid YAML. Error: expected keys such as 'stories:'.")
    return text.encode()


def json_document(request: Request) -> bytes:
    """The body, once it is known to be a JSON object."""
    try:
        request.json()
    except InputError as error:
        raise InputError(f"{error.message} Send YAML with the header Content-Type: {YAML}.") from error
    return request.body
