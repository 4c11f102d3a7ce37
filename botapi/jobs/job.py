"""One piece of heavy work: made by the runner; its state, progress, log and outcome for whoever asks."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botapi.errors import BotError, Timeout
from botapi.jobs.masking import masked, secret_values
from botapi.jobs.process import Child

logger = logging.getLogger(__name__)

# In the job's folder, and in the one that a child process has to itself.
DOCUMENT, LOG, PROGRESS, ANSWER = "document", "log.txt", "progress", "answer.json"
REQUEST, RESULT, OUTPUT = "request.json", "result.json", "output.txt"
# In a request: where the server runs, and where it finds modules.
HOME, MODULES = "home", "modules"
LOG_TAIL_BYTES = 4_000
OUTPUT_TAIL_BYTES = 2_000
# Tasks; the first two are trainings, the others tests.
TRAIN, FINETUNE = "train", "finetune"
TEST_STORIES, TEST_INTENTS, CROSS_VALIDATE = "test_stories", "test_intents", "cross_validate"
TRAININGS = (TRAIN, FINETUNE)

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"

# What a job comes to: a file, or nothing.
Outcome = Path | None


class JobError(BotError):
    """A job failed; status, reason and details are those of the error in the child."""


class Cancelled(JobError):
    """A job was cancelled before it was done."""

    status = 409
    reason = "Cancelled"


@dataclass(frozen=True)
class Status:
    """Where a job stands; times are seconds since 1970, None before they have come."""

    state: str = QUEUED
    started_at: float | None = None
    ended_at: float | None = None
    outcome: Outcome = None
    error: BotError | None = None


class Job:
    """Work on one document, which the runner lets begin and end.

    `folder` holds what is kept of it: the document until it has ended, the log, and the outcome unless that has its
    place elsewhere. `status` is replaced, never changed, so that who reads it once sees things that belong together.
    """

    def __init__(self, task: str, folder: Path, command: Sequence[str]) -> None:
        self.id = uuid.uuid4().hex
        self.task = task
        self.work = "Training" if task in TRAININGS else "Testing"
        self.folder = folder / self.id
        self.folder.mkdir()
        self.document = self.folder / DOCUMENT
        self.status = Status()
        self.created_at = time.time()  # seconds since 1970
        self.size_bytes = 0  # of the folder, once the job has ended
        self._command = tuple(command)
        self._child = Child()
        self._ended = threading.Event()

    # ------------------------------------------------------------------ for who asks

    @property
    def is_active(self) -> bool:
        """Whether it waits or runs."""
        return self.status.ended_at is None

    @property
    def progress(self) -> float:
        """How far it is, from 0 to 1."""
        if self.status.state == DONE:
            return 1.0
        try:
            return min(1.0, max(0.0, float((self.folder / PROGRESS).read_bytes())))
        except (OSError, ValueError):  # not begun, or forgotten
            return 0.0

    @property
    def log(self) -> list[str]:
        """The last lines that it logged."""
        try:
            tail = _tail(self.folder / LOG, LOG_TAIL_BYTES)
        except OSError:
            return []
        return tail.splitlines()

    def wait(self, timeout_s: float | None) -> Outcome:
        """What it came to. Raises its error where it failed, and Timeout where it takes longer than `timeout_s`."""
        if self.is_active and not self._ended.wait(timeout_s):
            raise Timeout(
                f"{self.work} takes longer than {timeout_s:g} s. It goes on as job {self.id}.", details={"job": self.id}
            )
        error = self.status.error
        if error is not None:
            raise error.with_traceback(None)  # each time anew: it would grow with everyone who asks
        return self.status.outcome

    # ------------------------------------------------------------------ for the work

    def run(self, folder: Path, options: Mapping[str, Any]) -> Path:
        """Do the task in a child process that has `folder` to itself; the file that it made.

        `options` are those of the task in jobs/child.py. Raises JobError for an error there, or for a child that ends
        without a word.
        """
        places = {name: str(self.folder / name) for name in (DOCUMENT, LOG, PROGRESS, ANSWER)}
        here = {HOME: os.getcwd(), MODULES: [str(path) for path in sys.path]}
        request = {"task": self.task, **here, **places, **options}
        (folder / REQUEST).write_text(json.dumps(request), encoding="utf-8")
        with open(folder / OUTPUT, "wb") as output:
            code = self._child.run([*self._command, str(folder)], folder, output.fileno())
        if self._child.is_ended:
            raise Cancelled(f"Job {self.id} was cancelled.")
        return self._made(folder, code)

    def _made(self, folder: Path, code: int) -> Path:
        try:
            result = json.loads((folder / RESULT).read_bytes())
        except FileNotFoundError as error:
            said = masked(_tail(folder / OUTPUT, OUTPUT_TAIL_BYTES), secret_values(os.environ))
            logger.error("Job %s ended with exit code %d and without a result:\n%s", self.id, code, said)
            raise JobError(
                f"{self.work} ended unexpectedly (exit code {code}); the server's log says more.",
                reason=f"{self.work}Error",
            ) from error
        if "error" in result:
            fault = result["error"]
            failure = JobError(fault["message"], reason=fault["reason"], details=fault["details"])
            failure.status = fault["status"]
            raise failure
        return Path(result["path"])

    # ------------------------------------------------------------------ for the runner

    def begin(self) -> None:
        """Note that it runs."""
        self.status = Status(RUNNING, time.time())

    def cancel(self) -> None:
        """End the child, or keep it from starting."""
        self._child.end()

    def tidy(self) -> None:
        """Free what is not kept of a job whose work has ended."""
        self.document.unlink(missing_ok=True)
        if lines := self.log:
            (self.folder / LOG).write_text("\n".join(lines), encoding="utf-8")
        self.size_bytes = sum(file.stat().st_size for file in self.folder.iterdir())

    def end(self, outcome: Outcome = None, error: BaseException | None = None) -> None:
        """Note how it ended, and tell who waits for it."""
        state = DONE if error is None else CANCELLED if isinstance(error, Cancelled) else FAILED
        self.status = Status(state, self.status.started_at, time.time(), outcome, _bare(error))
        self._ended.set()


def _bare(error: BaseException | None) -> BotError | None:
    """An error that can be told and kept: nothing of one that nobody foresaw, and no frames with what they hold."""
    if error is None:
        return None
    if not isinstance(error, BotError):
        return JobError("The job failed; the server's log says why.", reason="InternalServerError")
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _tail(file: Path, size_bytes: int) -> str:
    """The last whole lines of a file."""
    with open(file, "rb") as opened:
        start = max(0, opened.seek(0, os.SEEK_END) - size_bytes)
        opened.seek(start)
        text = opened.read().decode("utf-8", "replace")
    return text.partition("\n")[2] if start else text
