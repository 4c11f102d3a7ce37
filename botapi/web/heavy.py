"""Decorators for work that takes long: a handler in; one whose work is a job, with its own folder, out.

A job's answer goes to who waits for it, to a callback, or is fetched later from `/jobs`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial, wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from botapi.errors import Busy, NotFound
from botapi.jobs.job import Job, Outcome
from botapi.web.api import Api, Handler
from botapi.web.jobview import job_object
from botapi.web.request import Request
from botapi.web.response import Response, empty_response, file_response, json_file_response, json_response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

CALLBACK = "callback_url"
RETRY_AFTER_S = 5
RESPOND_ASYNC = "respond-async"

# What a job does: `f(api, job, **params)` gives what it comes to.
Step = Callable[..., Outcome]


def async_if_callback_url(f: Handler) -> Handler:
    """Decorator: with `?callback_url=` the answer is 204 at once, and what `f` answers is posted there later."""

    @wraps(f)
    def decorated(api: Api, request: Request, **params: Any) -> WSGIApplication:
        return api.offload(api.application(f)) if request.query(CALLBACK) else f(api, request, **params)

    return decorated


def run_in_thread(f: Step) -> Handler:
    """Decorator: `f(api, job, **params)` runs as a job, in a thread of its own; the request's body is its document.

    The caller waits for what it comes to, `response_timeout` at most. With `Prefer: respond-async` (RFC 7240) he gets
    202 and the job's place at once. Raises Busy where as many callers wait as may, or all places for jobs are taken.
    """

    @wraps(f)
    def decorated(api: Api, request: Request, *, task: str, **params: Any) -> WSGIApplication:
        is_posted = request.query(CALLBACK) is not None
        if not is_posted and RESPOND_ASYNC in request.preferences:
            return accepted(request, api.jobs.submit(task, request.save, partial(f, api, **params)))
        with nullcontext() if is_posted else waiting(api):
            job = api.jobs.submit(task, request.save, partial(f, api, **params))
            return answer(job.wait(None if is_posted else api.response_timeout_s))

    return decorated


def inject_temp_dir(f: Step) -> Step:
    """Decorator: `f` gets `temporary_directory`, a folder that is gone when it returns."""

    @wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Outcome:
        with TemporaryDirectory(prefix="botapi-") as directory:
            return f(*args, temporary_directory=Path(directory), **kwargs)

    return decorated


@contextmanager
def waiting(api: Api) -> Iterator[None]:
    """A place among those who wait for a job: threads must be left for everybody else. Raises Busy."""
    if not api.waiting.enter():
        raise Busy(
            "As many callers as may wait for a training or test already. Try later, or send `Prefer: respond-async`.",
            retry_after_s=RETRY_AFTER_S,
        )
    try:
        yield
    finally:
        api.waiting.leave()


def accepted(request: Request, job: Job) -> Response:
    """202: the job goes on, and can be looked at where `Location` says."""
    headers = [("Location", f"{request.root}/jobs/{job.id}"), ("Preference-Applied", RESPOND_ASYNC)]
    return json_response(job_object(job, request.root), 202, headers)


def answer(outcome: Outcome) -> Response:
    """What a job came to, as the answer to who asked for it: an archive, JSON, or nothing."""
    if outcome is None:
        return empty_response()
    try:
        return json_file_response(outcome) if outcome.suffix == ".json" else file_response(outcome)
    except FileNotFoundError as error:
        raise NotFound(f"The file {outcome.name} that the job made is no longer there.") from error
