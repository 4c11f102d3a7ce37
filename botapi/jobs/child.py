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
from pathlib import Path
from types import FrameType
from typing import Any

from botapi.data.project import read_text
from botapi.errors import BotError
from botapi.jobs.local import PROJECT, REQUEST, RESULT
from botapi.training.train import train

NICENESS = 10
SOURCE = "request body"  # what messages call the document
EXIT_ORPHANED = 75  # EX_TEMPFAIL of sysexits.h


def main(folder: Path) -> None:
    """Train as the request says, and write the path of the model, or the error that its owner can mend."""
    os.nice(NICENESS)
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        answer = _train(folder)
    except BotError as error:
        fault = {"message": str(error), "status": error.status, "reason": error.reason, "details": error.details}
        answer = {"error": fault}
    unfinished = folder / f"{RESULT}.part"
    unfinished.write_text(json.dumps(answer, default=str), encoding="utf-8")
    unfinished.replace(folder / RESULT)


def _train(folder: Path) -> dict[str, Any]:
    request = json.loads((folder / REQUEST).read_bytes())
    project = read_text((folder / PROJECT).read_bytes(), SOURCE)
    result = train(project, request["out_dir"], **request["options"])
    return {"path": str(result.path), "trained": result.trained, "warnings": list(result.warnings)}


def _leave(number: int, frame: FrameType | None) -> None:
    """On SIGTERM: by way of an exception, so that a half-written archive is removed."""
    raise SystemExit(128 + number)


def _end_with_the_server() -> None:
    os.read(sys.stdin.fileno(), 1)  # comes back at the end only: nothing is ever sent
    os._exit(EXIT_ORPHANED)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
