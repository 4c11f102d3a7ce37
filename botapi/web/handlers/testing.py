"""Handlers of `/model/test` and `/evaluate`: test stories or examples in, how well the model fits them out."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botapi.errors import Conflict, InputError, ModelError
from botapi.jobs.job import CROSS_VALIDATE, TEST_INTENTS, TEST_STORIES, Job, JobError
from botapi.web.api import Api
from botapi.web.errors import ErrorResponse
from botapi.web.handlers.model import model_path
from botapi.web.heavy import async_if_callback_url, inject_temp_dir, run_in_thread
from botapi.web.parameters import validate_request_body
from botapi.web.request import Request
from botapi.web.response import YAML

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

MAX_FOLDS = 100
FAILED = "FailedEvaluation"
NO_STORIES = "You must provide some stories in the request body in order to evaluate your model."
NO_EXAMPLES = "You must provide some nlu data in the request body in order to evaluate your model."


@async_if_callback_url
def evaluate_stories(api: Api, request: Request) -> WSGIApplication:
    """What the loaded model would have done in test stories; with `e2e` it has to understand them, too."""
    validate_request_body(request, NO_STORIES)
    options = {**loaded_model(api), "e2e": request.flag("e2e"), "report": "json"}
    return tested(api, request, task=TEST_STORIES, options=options)


@async_if_callback_url
def evaluate_intents(api: Api, request: Request) -> WSGIApplication:
    """How well a model understands examples, or a configuration learns from them (`cross_validation_folds`)."""
    validate_request_body(request, NO_EXAMPLES)
    is_json = request.header("Content-Type") != YAML
    if request.query("cross_validation_folds") is None:
        return tested(api, request, task=TEST_INTENTS, options={"is_json": is_json, **tested_model(api, request)})
    if is_json:
        message = f"Cross-validation is only supported for YAML data. Send it with the header Content-Type: {YAML}."
        raise ErrorResponse(HTTPStatus.BAD_REQUEST, "TestingError", message)
    folds = request.integer("cross_validation_folds", 0, low=2, high=MAX_FOLDS)
    return tested(api, request, task=CROSS_VALIDATE, options={"folds": folds})


@run_in_thread
@inject_temp_dir
def tested(api: Api, job: Job, *, options: dict[str, Any], temporary_directory: Path) -> Path:
    """The file with what a test of the job's document found out."""
    return job.run(temporary_directory, options)


@async_if_callback_url
def evaluate(api: Api, request: Request) -> WSGIApplication:
    """What `/model/test/stories` answers, with its report as text, as rasa_core 0.12 had it."""
    if request.is_empty:
        raise ErrorResponse(HTTPStatus.BAD_REQUEST, FAILED, NO_STORIES)
    options = {**loaded_model(api), "e2e": request.flag("e2e"), "report": "text"}
    return evaluated(api, request, task=TEST_STORIES, options=options)


@run_in_thread
@inject_temp_dir
def evaluated(api: Api, job: Job, *, options: dict[str, Any], temporary_directory: Path) -> Path:
    """As `tested`; what is wrong with the stories is a failed evaluation."""
    try:
        return job.run(temporary_directory, options)
    except JobError as error:
        if error.status == HTTPStatus.BAD_REQUEST:
            error.reason = FAILED
        raise


def loaded_model(api: Api) -> dict[str, Any]:
    """Which archive to test, and which model it must hold."""
    bot = api.agent.ready_bot()
    return {"model": str(bot.path), "model_id": bot.metadata.model_id}


def tested_model(api: Api, request: Request) -> dict[str, Any]:
    """Which model understands the examples: that of `?model=`, else the loaded one."""
    given = request.query("model")
    if given is not None:
        return {"model": str(named_model(given, api.model_folders)), "model_id": None}
    if api.agent.bot is None:
        raise Conflict("Loaded model file not found. Load a model, or name one with the parameter 'model'.")
    return loaded_model(api)


def named_model(given: str, folders: tuple[Path, ...]) -> Path:
    """The archive that a caller named, of a folder its newest one; 400 where there is none."""
    try:
        return model_path(given, folders)
    except ModelError as error:
        message = f"The model {given[:200]!r} can't be tested. {error.message}"
        raise InputError(message, details={"parameter": "model", "in": "query"}) from error
