"""Handlers of `/jobs`: what heavy work runs, waits or has ended; its state, log and outcome out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botapi.errors import Conflict
from botapi.web.api import Api
from botapi.web.heavy import answer
from botapi.web.jobview import job_object, job_summary
from botapi.web.request import Request
from botapi.web.response import Response, empty_response, json_response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def listed(api: Api, request: Request) -> Response:
    """All jobs that are known, the newest first."""
    return json_response([job_summary(job, request.root) for job in api.jobs.all()])


def show(api: Api, request: Request, *, job_id: str) -> Response:
    """One job, with the end of its log."""
    return json_response(job_object(api.jobs.get(job_id), request.root))


def result(api: Api, request: Request, *, job_id: str) -> WSGIApplication:
    """What a job came to: the answer that a caller who waits for it gets, also where that is an error."""
    job = api.jobs.get(job_id)
    if job.is_active:
        raise Conflict(f"Job {job.id} has not ended yet. Look at /jobs/{job.id} until it has.")
    return answer(job.wait(0))


def delete(api: Api, request: Request, *, job_id: str) -> Response:
    """Cancel a job that waits or runs; forget one that has ended, with its result."""
    api.jobs.drop(job_id)
    return empty_response()
