"""What runs in the child process: a folder with request.json in, which names a document; result.json beside it out.

Run as `python -m botapi.jobs.child FOLDER` by jobs/job.py, which holds its standard input open while it lives.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from botapi.agent.bot import Bot, Services, load_bot
from botapi.data import nlu, nlujson, stories
from botapi.data.project import read_text
from botapi.errors import BotError, ConfigError, Conflict, DataError
from botapi.jobs.job import (
    ANSWER,
    CROSS_VALIDATE,
    DOCUMENT,
    FINETUNE,
    HOME,
    LOG,
    MODULES,
    PROGRESS,
    REQUEST,
    RESULT,
    TEST_INTENTS,
    TEST_STORIES,
    TRAIN,
    TRAININGS,
)
from botapi.jobs.masking import masked, secret_values
from botapi.model import Archive, find, open_model
from botapi.progress import Progress
from botapi.state.events import from_dicts
from botapi.training import evaluate_nlu, evaluate_stories
from botapi.training.finetune import finetune
from botapi.training.reports import table
from botapi.training.train import train

Json = dict[str, Any]

NICENESS = 10
OOM_SCORE = "800"  # of 1,000
SOURCE = "request body"  # what messages call the document
EXIT_ORPHANED = 75  # EX_TEMPFAIL of sysexits.h
# No YAML of stories has a line like this.
MARKDOWN_STEP = re.compile(rb"^\* *\S", re.MULTILINE)


def main(folder: Path) -> None:
    """Do the task that the request names, and write what came of it, or the error that its owner can mend."""
    os.nice(NICENESS)
    _go_first_when_memory_ends()
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    request = json.loads((folder / REQUEST).read_bytes())
    _settle(request)
    logging.basicConfig(level=logging.INFO, handlers=[_log_for_all(request[LOG])])
    try:
        document = Path(request[DOCUMENT]).read_bytes()
        result: Json = {"path": str(TASKS[request["task"]](document, request, _progress(request[PROGRESS])))}
    except BotError as error:
        result = {"error": _fault(error, request["task"])}
    unfinished = folder / f"{RESULT}.part"
    unfinished.write_text(json.dumps(result, default=str), encoding="utf-8")
    unfinished.replace(folder / RESULT)


def _settle(request: Json) -> None:
    """Find what the configuration here names where the server finds it: files, and classes of its owner.

    NOTE: as late as this, and behind all else, so that no module of that folder takes the place of one that we import.
    """
    os.chdir(request[HOME])
    sys.path += [path for path in request[MODULES] if path not in sys.path]


def _train(document: bytes, request: Json, progress: Progress) -> Path:
    return train(read_text(document, SOURCE), request["out_dir"], progress=progress, **request["options"]).path


def _finetune(document: bytes, request: Json, progress: Progress) -> Path:
    events = from_dicts(json.loads(document))
    return finetune(_archive(request), events, request["out_dir"], rounds=request["rounds"])


def _test_stories(document: bytes, request: Json, progress: Progress) -> Path:
    if MARKDOWN_STEP.search(document):
        raise DataError(
            "The stories are Markdown, the format before Rasa 2. Write them in YAML, as `stories:` with `steps:`.",
            file=SOURCE,
        )
    told = stories.read(document, SOURCE)
    bot = load_bot(_archive(request), Services())
    found = evaluate_stories.evaluate(bot, told, e2e=request["e2e"], progress=progress).as_dict()
    return _written(found if request["report"] == "json" else {**found, "report": table(found["report"])}, request)


def _test_intents(document: bytes, request: Json, progress: Progress) -> Path:
    try:
        data = (nlujson if request["is_json"] else nlu).read(document, SOURCE)
    except DataError as error:
        if request["is_json"]:
            raise DataError(f"{error.message} Send YAML with the header Content-Type: application/x-yaml.") from error
        raise
    bot: Bot = load_bot(_archive(request), Services())
    if bot.pipeline is None:
        raise Conflict(f"The model {bot.path} only holds dialogues. Use one that was trained with NLU examples.")
    return _written(evaluate_nlu.evaluate(bot.parse, data, progress=progress), request)


def _cross_validate(document: bytes, request: Json, progress: Progress) -> Path:
    project = read_text(document, SOURCE)
    results = evaluate_nlu.cross_validate(project, request["folds"], progress=progress)
    return _written(evaluate_nlu.summary(results), request)


def _archive(request: Json) -> Archive:
    """The archive at `model`, which has to be that with the id `model_id` unless this is None."""
    archive = open_model(find(request["model"]))
    if request["model_id"] not in (None, archive.metadata.model_id):
        raise Conflict(
            f"{archive.path} is not the model that is loaded: its file was replaced, or it was loaded in two halves. "
            "Load one whole model again, or name one to test."
        )
    return archive


def _written(found: Json, request: Json) -> Path:
    """The file with what a test found out, ready to be sent: the server never holds it whole."""
    path = Path(request[ANSWER])
    path.write_text(json.dumps(found, default=str, separators=(",", ":")), encoding="ascii")
    return path


# What `task` of a request may be: a document, the request's options and a listener in, the file that was made out.
TASKS: dict[str, Callable[[bytes, Json, Progress], Path]] = {
    TRAIN: _train,
    FINETUNE: _finetune,
    TEST_STORIES: _test_stories,
    TEST_INTENTS: _test_intents,
    CROSS_VALIDATE: _cross_validate,
}


def _fault(error: BotError, task: str) -> Json:
    """An error as JSON. A configuration that came with the request is its sender's fault, not the server's."""
    status, reason = error.status, error.reason
    if isinstance(error, ConfigError):
        status, reason = 400, "TrainingError" if task in TRAININGS else "TestingError"
    return {"message": str(error), "status": status, "reason": reason, "details": error.details}


def _log_for_all(file: str) -> logging.Handler:
    """A handler for the log that clients may read: without secrets, and without tracebacks."""
    secrets = secret_values(os.environ)

    class Masked(logging.Formatter):
        """One line a record."""

        def format(self, record: logging.LogRecord) -> str:
            line = f"{record.levelname} {record.name}: {record.getMessage()}"
            return masked(" ".join(line.split()), secrets)

    handler = logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(Masked())
    return handler


def _progress(file: str) -> Progress:
    """Tells how far the task is, by a number of fixed width in a file."""
    opened = open(file, "wb", buffering=0)  # until the process ends

    def tell(fraction: float) -> None:
        os.pwrite(opened.fileno(), b"%.4f" % fraction, 0)

    return tell


def _go_first_when_memory_ends() -> None:
    """Have the system end this process, and not the server, where documents need more memory than there is (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE, encoding="ascii")


def _leave(number: int, frame: FrameType | None) -> None:
    """On SIGTERM: by way of an exception, so that a half-written archive is removed."""
    raise SystemExit(128 + number)


def _end_with_the_server() -> None:
    os.read(sys.stdin.fileno(), 1)  # comes back at the end only: nothing is ever sent
    os._exit(EXIT_ORPHANED)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
