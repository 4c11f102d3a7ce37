"""What runs in the child process: a folder with request.json and project.yml in, result.json written beside them.

Run as `python -m botapi.jobs.child FOLDER` by jobs/local.py, which holds its standard input open while it lives.
"""

from __future__ import annotations

import json
import logging
import os
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
from botapi.errors import BotError, Conflict
from botapi.jobs.local import PROJECT, REQUEST, RESULT, TRAIN
from botapi.model import find, open_model
from botapi.training import evaluate_nlu, evaluate_stories
from botapi.training.train import train

Json = dict[str, Any]

NICENESS = 10
SOURCE = "request body"  # what messages call the document
EXIT_ORPHANED = 75  # EX_TEMPFAIL of sysexits.h


def main(folder: Path) -> None:
    """Do the task that the request names, and write what came of it, or the error that its owner can mend."""
    os.nice(NICENESS)
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        request = json.loads((folder / REQUEST).read_bytes())
        answer = TASKS[request["task"]]((folder / PROJECT).read_bytes(), request)
    except BotError as error:
        fault = {"message": str(error), "status": error.status, "reason": error.reason, "details": error.details}
        answer = {"error": fault}
    unfinished = folder / f"{RESULT}.part"
    unfinished.write_text(json.dumps(answer, default=str), encoding="utf-8")
    unfinished.replace(folder / RESULT)


def _train(document: bytes, request: Json) -> Json:
    result = train(read_text(document, SOURCE), request["out_dir"], **request["options"])
    return {"path": str(result.path), "trained": result.trained, "warnings": list(result.warnings)}


def _test_stories(document: bytes, request: Json) -> Json:
    told = stories.read(document, SOURCE)
    return evaluate_stories.evaluate(_bot(request), told, e2e=request["e2e"]).as_dict()


def _test_intents(document: bytes, request: Json) -> Json:
    data = (nlujson if request["is_json"] else nlu).read(document, SOURCE)
    bot = _bot(request)
    if bot.pipeline is None:
        raise Conflict(f"The model {bot.path} only holds dialogues. Use one that was trained with NLU examples.")
    return evaluate_nlu.evaluate(bot.parse, data)


def _cross_validate(document: bytes, request: Json) -> Json:
    return evaluate_nlu.summary(evaluate_nlu.cross_validate(read_text(document, SOURCE), request["folds"]))


def _bot(request: Json) -> Bot:
    """The bot of the archive at `model`, which has to be that with the id `model_id` unless this is None."""
    archive = open_model(find(request["model"]))
    if request["model_id"] not in (None, archive.metadata.model_id):
        raise Conflict(
            f"{archive.path} is not the model that is loaded: its file was replaced, or it was loaded in two halves. "
            "Load one whole model again, or name one to test."
        )
    return load_bot(archive, Services())


# What `task` of a request may be.
TASKS: dict[str, Callable[[bytes, Json], Json]] = {
    TRAIN: _train,
    "test_stories": _test_stories,
    "test_intents": _test_intents,
    "cross_validate": _cross_validate,
}


def _leave(number: int, frame: FrameType | None) -> None:
    """On SIGTERM: by way of an exception, so that a half-written archive is removed."""
    raise SystemExit(128 + number)


def _end_with_the_server() -> None:
    os.read(sys.stdin.fileno(), 1)  # comes back at the end only: nothing is ever sent
    os._exit(EXIT_ORPHANED)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
