"""Training and testing beside the server: a document in, handed to a child process as a file; what that found out."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import botapi
from botapi.errors import BotError, Busy, Timeout

logger = logging.getLogger(__name__)

REQUEST, PROJECT, RESULT, LOG = "request.json", "project.yml", "result.json", "log.txt"
CHILD = (sys.executable, "-m", "botapi.jobs.child")
TERMINATION_S = 5.0  # from SIGTERM to SIGKILL
RETRY_AFTER_S = 30  # what a caller is told who found the queue full
LOG_TAIL_BYTES = 2_000
# The task of trainings; all others are tests.
TRAIN = "train"
# NOTE: more threads would only take the processor from the conversations.
SINGLE_THREADED = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


class JobError(BotError):
    """A job failed; status, reason and details are those of the error in the child."""


class LocalRunner:
    """Runs at most `workers` child processes at a time; `queue` more jobs may wait, further ones are refused.

    The child is a new interpreter that runs a module of ours. Neither fork nor multiprocessing would do: with either,
    the script that embeds the server could start again.
    """

    def __init__(self, workers: int = 1, queue: int = 8, command: Sequence[str] = CHILD) -> None:
        self._places = workers + queue
        self._command = tuple(command)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="job")
        self._guard = threading.Lock()
        self._jobs: dict[str, _Job] = {}
        self._closed = False

    @property
    def active(self) -> int:
        """How many jobs run or wait."""
        with self._guard:
            return len(self._jobs)

    @property
    def trainings(self) -> int:
        """How many trainings run or wait."""
        with self._guard:
            return sum(job.task == TRAIN for job in self._jobs.values())

    def train(
        self, yaml: bytes, options: Mapping[str, Any], folder: str | Path, *, timeout_s: float | None = None
    ) -> Path:
        """Train on one YAML document that holds configuration, domain and training data; the archive goes to `folder`.

        `options` are keyword arguments of `training.train`. Raises Busy, JobError, and after `timeout_s` Timeout,
        whose details name the job, which goes on.
        """
        request = {"out_dir": str(Path(folder).resolve()), "options": dict(options)}
        return Path(self._done(_Job(self._command, TRAIN, yaml, request), timeout_s)["path"])

    def evaluate(
        self, task: str, data: bytes, request: Mapping[str, Any], *, timeout_s: float | None = None
    ) -> dict[str, Any]:
        """Test a model, or a configuration, on a document; `task` and `request` are those of jobs/child.py.

        Raises as `train` does, with the reason TestingError where a child ends without an answer.
        """
        return self._done(_Job(self._command, task, data, request), timeout_s)

    def _done(self, job: _Job, timeout_s: float | None) -> dict[str, Any]:
        with self._guard:
            if self._closed:
                raise Busy("The server stops, so it takes no training or test. Try later.", retry_after_s=RETRY_AFTER_S)
            if len(self._jobs) >= self._places:
                raise Busy(
                    f"{len(self._jobs)} trainings or tests run or wait already. Try later.",
                    retry_after_s=RETRY_AFTER_S,
                )
            self._jobs[job.id] = job
            future = self._pool.submit(self._run, job)
        try:
            return future.result(timeout_s)
        except FutureTimeout as error:
            if future.done():  # the job itself said so
                raise
            raise Timeout(
                f"{job.work} takes longer than {timeout_s:g} s. It goes on as job {job.id}.", details={"job": job.id}
            ) from error

    def cancel(self, job_id: str) -> bool:
        """End a job: SIGTERM, and SIGKILL 5 seconds later; whether there was such a job."""
        with self._guard:
            job = self._jobs.get(job_id)
        if job is None:
            return False
        job.cancel()
        return True

    def close(self) -> None:
        """Take no more jobs, cancel what runs or waits, and return when the last child is gone."""
        with self._guard:
            self._closed = True
            jobs = list(self._jobs.values())
        for job in jobs:
            job.cancel()
        self._pool.shutdown()

    def _run(self, job: _Job) -> dict[str, Any]:
        try:
            result = job.run()
        except BaseException as error:  # whatever it was, the caller gets it, unless he is gone
            logger.warning("Job %s failed: %s", job.id, error)
            raise
        finally:
            # Before the caller hears of it: he may come with the next job at once.
            with self._guard:
                del self._jobs[job.id]
        logger.info("Job %s is done: %s", job.id, result.get("path", f"{job.work} ended"))
        return result


class _Job:
    """One child process and the folder through which it is spoken with."""

    def __init__(self, command: Sequence[str], task: str, document: bytes, request: Mapping[str, Any]) -> None:
        self.id = uuid.uuid4().hex
        self.task, self.work = task, "Training" if task == TRAIN else "Testing"
        self._command, self._document, self._request = command, document, {"task": task, **request}
        self._cancelled = threading.Event()
        self._guard = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._killer: threading.Timer | None = None

    def run(self) -> dict[str, Any]:
        """What the child wrote as its result; raises JobError for an error, or a child that ended without a result."""
        with TemporaryDirectory(prefix="botapi-job-") as name:
            folder = Path(name)
            (folder / PROJECT).write_bytes(self._document)
            (folder / REQUEST).write_text(json.dumps(self._request), encoding="utf-8")
            with open(folder / LOG, "wb") as log:
                code = self._supervise(folder, log.fileno())
            if self._cancelled.is_set():
                raise JobError(f"Job {self.id} was cancelled.", reason="Cancelled")
            return self._result(folder, code)

    def cancel(self) -> None:
        """End the child, or keep it from starting."""
        with self._guard:
            self._cancelled.set()
            process = self._process
            if process is not None and process.poll() is None:
                process.terminate()
                self._killer = threading.Timer(TERMINATION_S, process.kill)
                self._killer.start()

    def _supervise(self, folder: Path, log: int) -> int:
        with self._guard:
            if self._cancelled.is_set():
                return 0
            # The child ends when its standard input does: should the server die, it dies too.
            process = self._process = subprocess.Popen(
                [*self._command, str(folder)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,  # nothing beside our own files can be imported from there
                env=_environment(),
            )
        with process:
            try:
                return process.wait()
            finally:
                process.kill()  # without effect on one that has ended
                with self._guard:
                    if self._killer is not None:
                        self._killer.cancel()

    def _result(self, folder: Path, code: int) -> dict[str, Any]:
        try:
            result: dict[str, Any] = json.loads((folder / RESULT).read_bytes())
        except FileNotFoundError as error:
            tail = (folder / LOG).read_bytes()[-LOG_TAIL_BYTES:].decode("utf-8", "replace")
            logger.error("Job %s ended with exit code %d and without a result:\n%s", self.id, code, tail)
            raise JobError(
                f"{self.work} ended unexpectedly (exit code {code}); the server's log says more.",
                reason=f"{self.work}Error",
            ) from error
        if "error" in result:
            fault = result["error"]
            failure = JobError(fault["message"], reason=fault["reason"], details=fault["details"])
            failure.status = fault["status"]
            raise failure
        return result


def _environment() -> dict[str, str]:
    """The server's environment; the child finds the same botapi, and libraries for numbers use one thread."""
    here = str(Path(botapi.__file__).resolve().parent.parent)
    paths = [here, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, **SINGLE_THREADED, "PYTHONPATH": os.pathsep.join(paths)}
