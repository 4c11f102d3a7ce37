"""A job as clients see it: a record in, JSON out."""

from __future__ import annotations

from typing import Any

from botapi.errors import BotError
from botapi.jobs.job import DONE, Job
from botapi.web.errors import answer_to


def job_summary(job: Job, root: str) -> dict[str, Any]:
    """Everything but the log; `root` is where the application is mounted."""
    status = job.status
    return {
        "id": job.id,
        "task": job.task,
        "state": status.state,
        "progress": job.progress,
        "created_at": job.created_at,
        "started_at": status.started_at,
        "ended_at": status.ended_at,
        "error": job_error(status.error),
        "result": f"{root}/jobs/{job.id}/result" if status.state == DONE else None,
    }


def job_object(job: Job, root: str) -> dict[str, Any]:
    """The whole job, with the last lines of its log."""
    return {**job_summary(job, root), "log": job.log}


def job_error(error: BotError | None) -> dict[str, Any] | None:
    """Why a job failed, as the error object that its caller got."""
    known = answer_to(error) if error is not None else None
    return known.error_info if known is not None else None
