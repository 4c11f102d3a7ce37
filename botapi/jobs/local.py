"""Heavy work beside the server: a task, its document and a function in; a job that runs in a thread of its own out.

The function hands the document to a child process. What a job came to is kept for a while, within limits.
"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any

from botapi.errors import BotError, Busy, ConfigError, NotFound
from botapi.jobs.job import CANCELLED, QUEUED, TRAININGS, Cancelled, Job, Outcome, Status

logger = logging.getLogger(__name__)

CHILD = (sys.executable, "-m", "botapi.jobs.child")
RETRY_AFTER_S = 30  # what a caller is told who found the queue full
# What is kept of jobs that have ended; the newest one always is.
KEPT_JOBS = 100
KEPT_S = 24 * 3600.0
KEPT_BYTES = 1 << 30

Write = Callable[[Path], object]
Work = Callable[[Job], Outcome]


class LocalRunner:
    """Runs at most `workers` jobs at a time; `queue` more may wait, further ones are refused.

    Children run `command` and a folder's name: a new interpreter with a module of ours. Neither fork nor
    multiprocessing would do: with either, the script that embeds the server could start again.
    """

    def __init__(self, workers: int = 1, queue: int = 8, command: Sequence[str] = CHILD) -> None:
        self.places = workers + queue
        self._command = tuple(command)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="job")
        self._guard = threading.Lock()
        self._folder: Path | None = None
        self._active: dict[str, Job] = {}
        self._ended: dict[str, Job] = {}  # in the order in which they ended
        self._closed = False

    @property
    def active(self) -> int:
        """How many jobs run or wait."""
        with self._guard:
            return len(self._active)

    @property
    def trainings(self) -> int:
        """How many trainings run or wait."""
        with self._guard:
            return sum(job.task in TRAININGS for job in self._active.values())

    def submit(self, task: str, write: Write, work: Work) -> Job:
        """Begin a job, or queue it: `work(job)` runs in a thread, with the caller's context variables.

        `write(path)` is called first, to put the job's document there. Raises Busy where all places are taken.
        """
        job = self._reserved(task)
        try:
            write(job.document)
            self._pool.submit(copy_context().run, self._run, job, work)
        except BaseException as error:  # whatever it is, the place is free again
            with self._guard:
                self._active.pop(job.id, None)  # unless it was cancelled meanwhile
            shutil.rmtree(job.folder, ignore_errors=True)
            if self._closed and isinstance(error, RuntimeError):  # how executors refuse work
                raise _stopping() from error
            raise
        return job

    def get(self, job_id: str) -> Job:
        """A job by its id; NotFound where there is none, or it was forgotten."""
        self._forget_old()
        with self._guard:
            job = self._active.get(job_id) or self._ended.get(job_id)
        if job is None:
            raise NotFound(
                f"There is no job {job_id[:64]!r}. The last {KEPT_JOBS} are kept, for {KEPT_S / 3600:g} hours at most."
            )
        return job

    def all(self) -> list[Job]:
        """All jobs that wait, run, or are kept, the newest first."""
        self._forget_old()
        with self._guard:
            jobs = [*self._active.values(), *self._ended.values()]
        return sorted(jobs, key=lambda job: job.created_at, reverse=True)

    def drop(self, job_id: str) -> None:
        """Cancel a job that waits or runs; forget one that has ended. Raises NotFound."""
        job = self.get(job_id)
        with self._guard:
            forgotten = self._ended.pop(job.id, None)
        if forgotten is not None:
            shutil.rmtree(forgotten.folder, ignore_errors=True)
        else:
            self._cancel(job)

    def close(self) -> None:
        """Take no more jobs, cancel what runs or waits, and return when the last child is gone."""
        with self._guard:
            self._closed = True
            jobs = list(self._active.values())
        for job in jobs:
            self._cancel(job)
        self._pool.shutdown()
        with self._guard:
            folder, self._folder = self._folder, None
            self._ended.clear()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def _reserved(self, task: str) -> Job:
        with self._guard:
            if self._closed:
                raise _stopping()
            if len(self._active) >= self.places:
                raise Busy(
                    f"{len(self._active)} trainings or tests run or wait already. Try later.",
                    retry_after_s=RETRY_AFTER_S,
                )
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="botapi-jobs-"))
            job = Job(task, self._folder, self._command)
            self._active[job.id] = job
            return job

    def _run(self, job: Job, work: Work) -> None:
        with self._guard:
            if job.status.state != QUEUED:  # cancelled while it waited
                return
            job.begin()
        try:
            outcome = work(job)
        except BaseException as error:  # whatever it was, who asks for the job is told
            unforeseen = None if isinstance(error, BotError) else error
            logger.warning("Job %s (%s) failed: %s", job.id, job.task, error, exc_info=unforeseen)
            self._end(job, error=error)
        else:
            logger.info("Job %s (%s) is done", job.id, job.task)
            self._end(job, outcome)

    def _cancel(self, job: Job) -> None:
        job.cancel()
        with self._guard:
            if job.status.state != QUEUED:
                return
            job.status = Status(CANCELLED)  # so that no thread of the pool begins it
        self._end(job, error=Cancelled(f"Job {job.id} was cancelled."))

    def _end(self, job: Job, outcome: Outcome = None, error: BaseException | None = None) -> None:
        try:
            job.tidy()
        finally:
            with self._guard:
                del self._active[job.id]
                self._ended[job.id] = job
            # Not before its place is free, since who waits for it may come with the next job at once.
            job.end(outcome, error)
        self._forget_old()

    def _forget_old(self) -> None:
        with self._guard:
            old = list(_beyond_limits(self._ended.values(), time.time()))
            for job in old:
                del self._ended[job.id]
        for job in old:
            shutil.rmtree(job.folder, ignore_errors=True)


def read_runner(section: Mapping[str, Any] | None) -> LocalRunner:
    """The runner that `jobs` of endpoints.yml describes: {type: local, workers, queue}. Raises ConfigError."""
    options = dict(section or {})
    kind = options.pop("type", "local")
    if kind != "local" or not set(options) <= {"workers", "queue"}:
        raise ConfigError(f"jobs: found {section!r}, expected 'type: local' with 'workers' and 'queue'.")
    for name, least in (("workers", 1), ("queue", 0)):
        value = options.get(name, least)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ConfigError(f"jobs: {name} is {value!r}, expected a whole number from {least}.")
    return LocalRunner(**options)


def _beyond_limits(ended: Iterable[Job], now: float) -> Iterator[Job]:
    """Which jobs there is no room for, of jobs in the order in which they ended."""
    size_bytes = 0
    for count, job in enumerate(reversed(list(ended)), 1):
        size_bytes += job.size_bytes
        too_many = count > KEPT_JOBS or (size_bytes > KEPT_BYTES and count > 1)
        if too_many or now - (job.status.ended_at or now) > KEPT_S:
            yield job


def _stopping() -> Busy:
    return Busy("The server stops, so it takes no training or test. Try later.", retry_after_s=RETRY_AFTER_S)
