"""Work whose caller doesn't wait: a request comes in; 204 goes out, and later its answer to a URL that it named."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextvars import copy_context
from functools import partial
from tempfile import SpooledTemporaryFile
from threading import Condition
from typing import IO
from urllib.parse import parse_qs

from .auth import IDENTITY
from .body import BoundedInput, content_length
from .errors import RENDER_ERROR, HTTPError, respond_error
from .requestlog import REQUEST_ID
from .roles import ROUTING_ARGS
from .wsgi import App, Environ, Headers, StartResponse, call, respond

Submit = Callable[[Callable[[], None]], object]
Post = Callable[[str, int, Headers, bytes], object]
_KEPT = ("wsgi.version", "wsgi.url_scheme", "wsgi.errors", ROUTING_ARGS, IDENTITY, REQUEST_ID, RENDER_ERROR)
_IN_MEMORY_BYTES, _BLOCK_BYTES = 1 << 20, 1 << 16


class Gate:
    """A number of places; who finds none free does not wait. One gate may serve several layers."""

    def __init__(self, places: int) -> None:
        if places < 1:
            raise ValueError(f"A gate with {places} places lets nobody in; expected 1 or more.")
        self._places = places
        self._taken = 0
        self._closed = False
        self._changed = Condition()

    def enter(self) -> bool:
        """Take a place; False where none is free, or the gate is closed."""
        with self._changed:
            if self._closed or self._taken >= self._places:
                return False
            self._taken += 1
            return True

    def leave(self) -> None:
        """Give the place back."""
        with self._changed:
            self._taken -= 1
            self._changed.notify_all()

    def drain(self, timeout_s: float | None = None) -> bool:
        """Let nobody in any more and wait until all have left; False where some have not after `timeout_s`."""
        with self._changed:
            self._closed = True
            return self._changed.wait_for(lambda: self._taken == 0, timeout_s)


class Offload:
    """Layer: a request with `?callback_url=` is answered with 204 at once; all others pass through.

    The application then runs through `submit(task)` (such as an executor's) on an environ of its own, with the
    request's body and context variables, and its answer, errors included, goes to `post(url, status, headers, body)`.
    It takes a place of `gate` until that has returned; where none is free, the request gets 503 with Retry-After.
    `check(url)` may raise HTTPError for addresses that are not to be posted to. `keep` names further environ keys that
    the application needs later; the server's own are left out, since their request has ended by then.
    """

    def __init__(
        self,
        app: App,
        *,
        gate: Gate,
        submit: Submit,
        post: Post,
        check: Callable[[str], object] | None = None,
        parameter: str = "callback_url",
        retry_after_s: int = 5,
        keep: Sequence[str] = (),
        logger: logging.Logger | None = None,
    ) -> None:
        self._app = app
        self._gate = gate
        self._submit = submit
        self._post = post
        self._check = check
        self._parameter = parameter
        self._retry_after_s = retry_after_s
        self._keep = (*_KEPT, *keep)
        self._logger = logger or logging.getLogger(__name__)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        url = self._callback_url(environ)
        if url is None:
            return self._app(environ, start_response)
        if not self._gate.enter():
            return respond_error(environ, start_response, self._busy())
        try:
            self._later(environ, url)
        except HTTPError as error:
            self._gate.leave()
            return respond_error(environ, start_response, error)
        except BaseException:  # whatever it is, the place is free again
            self._gate.leave()
            raise
        return respond(environ, start_response, 204)

    def _busy(self) -> HTTPError:
        message = f"All places for this kind of work are taken; try again in {self._retry_after_s} s."
        return HTTPError(503, "Busy", message, headers=[("Retry-After", str(self._retry_after_s))])

    def _callback_url(self, environ: Environ) -> str | None:
        query = environ.get("QUERY_STRING", "")
        values = parse_qs(query).get(self._parameter) if self._parameter in query else None
        return values[0] if values else None

    def _later(self, environ: Environ, url: str) -> None:
        if self._check is not None:
            self._check(url)
        body = _copied(environ)
        task = partial(copy_context().run, self._run, self._detached(environ, body), body, url)
        try:
            self._submit(task)
        except RuntimeError as error:  # how executors refuse work once they shut down
            body.close()
            raise self._busy() from error

    def _detached(self, environ: Environ, body: IO[bytes]) -> Environ:
        """A copy that outlives the request: CGI variables, the body, and the keys to keep."""
        # CGI variables and HTTP headers are the keys in capitals.
        copy = {key: value for key, value in environ.items() if key.isupper()}
        copy.update((key, environ[key]) for key in self._keep if key in environ)
        copy["wsgi.input"] = body
        copy.update({"wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False})
        return copy

    def _run(self, environ: Environ, body: IO[bytes], url: str) -> None:
        try:
            with body:
                answer = self._answer(environ)
            self._post(url, *answer)
        except Exception:  # nobody waits for a result: what is not logged is lost
            self._logger.exception("The answer to %r could not be posted to its callback", environ.get("PATH_INFO"))
        finally:
            self._gate.leave()

    def _answer(self, environ: Environ) -> tuple[int, Headers, bytes]:
        try:
            return call(self._app, environ)
        except Exception as error:  # errors are answers, too
            failure = error
        return call(lambda environ, start_response: respond_error(environ, start_response, failure), environ)


def _copied(environ: Environ) -> IO[bytes]:
    """The request's body, on disk where it is large; who closes the file frees it."""
    body: IO[bytes] = SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)
    try:
        length = content_length(environ)
        reader = BoundedInput(environ["wsgi.input"], length or 0)
        while length and (block := reader.read(_BLOCK_BYTES)):
            body.write(block)
    except BaseException:  # whatever ends the copying, the file goes
        body.close()
        raise
    body.seek(0)
    return body
