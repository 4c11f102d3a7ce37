"""Handlers that train: one YAML document in, a model's archive out; or events in, from which the model learns on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from botapi.errors import Conflict, InputError
from botapi.jobs.job import FINETUNE, TRAIN, Job
from botapi.web.api import Api
from botapi.web.errors import ErrorResponse
from botapi.web.heavy import async_if_callback_url, inject_temp_dir, run_in_thread
from botapi.web.parameters import listed_events, validate_request_body
from botapi.web.request import Request

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

AUGMENTATION, MAX_AUGMENTATION = 50, 1000
ROUNDS, MAX_ROUNDS = 30, 1000


@async_if_callback_url
def train(api: Api, request: Request) -> WSGIApplication:
    """Train a model on configuration, domain and training data in one document; the archive is the answer.

    Beside that it is kept in the folder for models, unless `save_to_default_model_directory=false`.
    """
    validate_request_body(request, "You must provide training data in the request body in order to train your model.")
    options = {
        "force": request.flag("force_training"),
        "augmentation": request.integer("augmentation", AUGMENTATION, low=0, high=MAX_AUGMENTATION),
    }
    is_kept = request.flag("save_to_default_model_directory", default=True)
    return trained(api, request, task=TRAIN, options=options, is_kept=is_kept)


@run_in_thread
@inject_temp_dir
def trained(api: Api, job: Job, *, options: dict[str, Any], is_kept: bool, temporary_directory: Path) -> Path:
    """The archive that was trained on the job's document."""
    folder = api.models.resolve() if is_kept else job.folder
    return job.run(temporary_directory, {"out_dir": str(folder), "options": options})


@async_if_callback_url
def finetune(api: Api, request: Request) -> WSGIApplication:
    """Let the learned policy of the loaded model go on learning, from a conversation (rasa_core 0.12)."""
    try:
        listed_events(request)
    except (InputError, ErrorResponse) as error:
        raise ErrorResponse(400, "InvalidParameter", error.message, error.details) from error
    rounds = request.integer("epochs", ROUNDS, low=1, high=MAX_ROUNDS)
    return finetuned(api, request, task=FINETUNE, rounds=rounds)


@run_in_thread
@inject_temp_dir
def finetuned(api: Api, job: Job, *, rounds: int, temporary_directory: Path) -> None:
    """Train a copy of the loaded model on the job's events, keep it in the folder for models, and load it."""
    bot = api.agent.ready_bot()
    request = {"model": str(bot.path), "model_id": bot.metadata.model_id, "rounds": rounds}
    made = job.run(temporary_directory, {**request, "out_dir": str(api.models.resolve())})
    if api.agent.bot is not bot:
        raise Conflict(f"Another model was loaded meanwhile. What was learned is in {made.name}.")
    api.agent.load_model(made)
