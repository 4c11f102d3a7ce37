"""Handlers of `/model/train`: one YAML document in, the archive of the trained model out."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

from botapi import yamlfile
from botapi.errors import ConfigError, InputError
from botapi.jobs.local import JobError
from botapi.web.api import Api
from botapi.web.errors import ErrorResponse
from botapi.web.heavy import async_if_callback_url, inject_temp_dir, run_in_thread
from botapi.web.parameters import validate_request_body
from botapi.web.request import Request
from botapi.web.response import Response, file_response

AUGMENTATION = 50
MAX_AUGMENTATION = 1000


@async_if_callback_url
@run_in_thread
@inject_temp_dir
def train(api: Api, request: Request, temporary_directory: Path) -> Response:
    """Train a model on configuration, domain and training data in one document; the archive is the answer.

    Beside that it is kept in the folder for models, unless `save_to_default_model_directory=false`.
    """
    validate_request_body(request, "You must provide training data in the request body in order to train your model.")
    options = {
        "force": request.flag("force_training"),
        "augmentation": request.integer("augmentation", AUGMENTATION, low=0, high=MAX_AUGMENTATION),
    }
    keep = request.flag("save_to_default_model_directory", default=True)
    folder = api.models if keep else temporary_directory
    try:
        path = api.jobs.train(training_yaml(request), options, folder, timeout_s=api.response_timeout_s)
    except JobError as error:
        # NOTE: a configuration that came with the request is the caller's, not the server's.
        if error.reason != ConfigError.reason:
            raise
        raise ErrorResponse(HTTPStatus.BAD_REQUEST, "TrainingError", error.message, error.details) from error
    return file_response(path)


def training_yaml(request: Request) -> bytes:
    """The body, once it is known to be YAML with keys at the top."""
    text = request.text()
    if not isinstance(yamlfile.load(text, "the request body"), dict):
        raise InputError("The request body is no training data: expected YAML with keys such as 'nlu:' and 'rules:'.")
    return text.encode()
