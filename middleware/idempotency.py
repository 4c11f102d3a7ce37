"""Retries that repeat nothing: a request with an Idempotency-Key comes in; its answer, or the one before, goes out.

After draft-ietf-httpapi-idempotency-key-header-07.
"""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from tempfile import SpooledTemporaryFile
from threading import Lock
from typing import IO, Any, NamedTuple

from .auth import IDENTITY
from .body import BoundedInput, content_length
from .errors import HTTPError, respond_error
from .wsgi import WHOLE, App, Environ, ExcInfo, Headers, StartResponse, Write, close, respond

# Whom a request is about: applications may say so here, for `Answers.forget`.
SUBJECT = "middleware.subject"
REPLAYED = ("Idempotent-Replayed", "true")
MAX_KEY_CHARS = 255
_is_key = re.compile(rf"[!-~]{{1,{MAX_KEY_CHARS}}}").fullmatch
_METHODS = frozenset({"PATCH", "POST"})
# Answers that ask for another try, beside those of broken servers (from 500).
_PASSING = frozenset({408, 409, 413, 425, 429})
_IN_MEMORY_BYTES = 1 << 20


class Answer(NamedTuple):
    """A whole response, and whom it is about."""

    status: int
    headers: Headers
    body: bytes
    subject: object


class Answers:
    """The answers to requests with keys, for as long as they may be asked for again; thread-safe.

    At most `max_answers` are kept, of `max_bytes` together, for `ttl_s` each: the oldest go first. Of answers over
    `max_answer_bytes` none is kept, so that a retry runs again.
    """

    def __init__(
        self,
        *,
        max_answers: int = 10_000,
        max_bytes: int = 32 << 20,
        max_answer_bytes: int = 256 << 10,
        ttl_s: float = 24 * 3600,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_answer_bytes = max_answer_bytes
        self._max_answers = max_answers
        self._max_bytes = max_bytes
        self._ttl_s = ttl_s
        self._clock = clock
        self._guard = Lock()
        self._running: dict[Hashable, tuple[bytes, Environ]] = {}
        # name -> what was asked, when it may be forgotten, answer; the oldest first
        self._kept: OrderedDict[Hashable, tuple[bytes, float, Answer]] = OrderedDict()
        self._bytes = 0

    def begin(self, name: Hashable, asked: bytes, environ: Environ) -> Answer | None:
        """The answer that this request has got already; None where it is the caller's to run, and then to `end`.

        HTTPError 422 where the name came with another request, 409 while that still runs.
        """
        with self._guard:
            self._drop_old()
            running, kept = self._running.get(name), self._kept.get(name)
            known = running or kept
            if known is not None and known[0] != asked:
                raise HTTPError(
                    422,
                    "IdempotencyKeyReused",
                    "This Idempotency-Key came before with another request; use a new one for each.",
                    details={"parameter": "Idempotency-Key", "in": "header"},
                )
            if running is not None:
                message = "A request with this Idempotency-Key is being answered; ask again for its answer in a second."
                raise HTTPError(409, "Conflict", message, headers=[("Retry-After", "1")])
            if kept is not None:
                return kept[2]
            self._running[name] = asked, environ
            return None

    def end(self, name: Hashable, environ: Environ, answer: Answer | None) -> None:
        """What came of a request; None, and answers that ask for another try, are not kept."""
        with self._guard:
            asked, running = self._running.get(name, (b"", None))
            if running is not environ:  # forgotten meanwhile
                return
            del self._running[name]
            if answer is None or answer.status >= 500 or answer.status in _PASSING:
                return
            self._kept[name] = asked, self._clock() + self._ttl_s, answer
            self._bytes += len(answer.body)
            self._drop_old()

    def forget(self, subject: object) -> None:
        """Keep nothing that is about `subject`, nor what is about to be answered."""
        with self._guard:
            for name in [name for name, (_, _, answer) in self._kept.items() if answer.subject == subject]:
                self._drop(name)
            for name in [name for name, (_, environ) in self._running.items() if environ.get(SUBJECT) == subject]:
                del self._running[name]

    def _drop_old(self) -> None:
        now = self._clock()
        while self._kept:
            name, (_, until, _) = next(iter(self._kept.items()))
            if until > now and len(self._kept) <= self._max_answers and self._bytes <= self._max_bytes:
                return
            self._drop(name)

    def _drop(self, name: Hashable) -> None:
        _, _, answer = self._kept.pop(name)
        self._bytes -= len(answer.body)


class Idempotency:
    """Layer: a POST or PATCH with an `Idempotency-Key` runs once; whoever repeats it gets the same answer.

    A key belongs to the caller whom an authentication outside knows. Repeated with another path, query or body, or by
    somebody unknown with other credentials, it gets 422, and while the first request still runs 409 with Retry-After.
    Answers are replayed with the header `Idempotent-Replayed: true`. What fails with an exception, a status from 500,
    or one that asks for another try, may run again. A response that its client did not wait for is read to its end, so
    that it can be asked for again.
    Layers of one application share `answers`. The body is read before the application runs, to disk where it is large.
    """

    def __init__(self, app: App, *, answers: Answers | None = None, logger: logging.Logger | None = None) -> None:
        self._app = app
        self._answers = answers if answers is not None else Answers()
        self._logger = logger or logging.getLogger(__name__)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        given = environ.get("HTTP_IDEMPOTENCY_KEY")
        if given is None or environ["REQUEST_METHOD"] not in _METHODS:
            return self._app(environ, start_response)
        identity = environ.get(IDENTITY)
        body: IO[bytes] = SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)
        try:
            name = (identity and (identity.role, identity.name), _key(given))
            answer = self._answers.begin(name, _asked(environ, body), environ)
        except HTTPError as error:
            body.close()
            return respond_error(environ, start_response, error)
        if answer is not None:
            body.close()
            return respond(environ, start_response, answer.status, [*answer.headers, REPLAYED], answer.body)
        environ["wsgi.input"] = body
        return self._run(environ, start_response, name, body)

    def _run(self, environ: Environ, start_response: StartResponse, name: Hashable, body: IO[bytes]) -> Iterable[bytes]:
        recording = _Recording(start_response, self._answers.max_answer_bytes)

        def end(whole: bool) -> None:
            self._answers.end(name, environ, recording.answer(environ.get(SUBJECT)) if whole else None)
            body.close()

        try:
            result = self._app(environ, recording.start)
        except BaseException:  # whatever it is, the request may be tried again
            end(False)
            raise
        if type(result) not in WHOLE:
            return _Listening(result, recording, end, self._logger)
        for chunk in result:
            recording.keep(chunk)
        end(True)
        return result


class _Recording:
    """A copy of a response while it passes."""

    def __init__(self, start_response: StartResponse, max_bytes: int) -> None:
        self._start_response = start_response
        self._left_bytes = max_bytes
        self._started: tuple[str, Headers] | None = None
        self._chunks: list[bytes] = []

    def start(self, status: str, headers: Headers, exc_info: ExcInfo | None = None) -> Write:
        self._started = status, list(headers)
        if exc_info is None:
            write = self._start_response(status, headers)
        else:
            write = self._start_response(status, headers, exc_info)

        def kept(data: bytes) -> None:
            self.keep(data)
            write(data)

        return kept

    def keep(self, chunk: bytes) -> None:
        self._left_bytes -= len(chunk)
        if self._left_bytes >= 0:
            self._chunks.append(chunk)
        else:
            self._chunks.clear()

    @property
    def is_too_long(self) -> bool:
        return self._left_bytes < 0

    def answer(self, subject: object) -> Answer | None:
        if self._started is None or self.is_too_long:
            return None
        status, headers = self._started
        return Answer(int(status[:3]), headers, b"".join(self._chunks), subject)


class _Listening:
    """A response on its way to the client, which is recorded to its end even where the client has left."""

    def __init__(
        self, result: Iterable[bytes], recording: _Recording, end: Callable[[bool], None], logger: logging.Logger
    ) -> None:
        self._result = result
        self._chunks: Iterator[bytes] | None = None
        self._recording = recording
        self._end = end
        self._logger = logger
        self._whole: bool | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            if self._chunks is None:
                self._chunks = iter(self._result)
            chunk = next(self._chunks)
        except BaseException as error:  # passed on; a response that broke off is none to be replayed
            self._whole = isinstance(error, StopIteration)
            raise
        self._recording.keep(chunk)
        return chunk

    def close(self) -> None:
        try:
            while self._whole is None and not self._recording.is_too_long:
                next(self, None)
        except Exception:  # nobody is left to be told
            self._logger.exception("A response failed after its client had left")
        finally:
            try:
                close(self._result)
            finally:
                self._end(self._whole is True)


def _key(given: str) -> str:
    """The key without the quotes that RFC 9651 puts around texts, and that many clients leave out."""
    if _is_key(given):
        return given[1:-1] if len(given) > 2 and given[0] == given[-1] == '"' else given
    raise HTTPError(
        400,
        "BadRequest",
        f"The Idempotency-Key has {len(given)} characters; expected 1 to {MAX_KEY_CHARS} printable ones, no blanks, "
        "such as a UUID.",
        details={"parameter": "Idempotency-Key", "in": "header"},
    )


def _asked(environ: Environ, body: IO[bytes]) -> bytes:
    """What a request asks for, as a digest; its own body goes into `body`, to be read again."""
    digest = hashlib.sha256()
    # SECURITY: where nobody has looked at the credentials yet, an answer is for those who send the same again.
    credentials = () if environ.get(IDENTITY) else ("HTTP_AUTHORIZATION", "HTTP_COOKIE")
    for name in ("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", *credentials):
        digest.update(f"{environ.get(name, '')}\n".encode("utf-8", "surrogatepass"))
    length = content_length(environ)
    for block in _blocks(environ["wsgi.input"], length, bool(environ.get("wsgi.input_terminated"))):
        digest.update(block)
        body.write(block)
    body.seek(0)
    return digest.digest()


def _blocks(stream: Any, length: int | None, knows_its_end: bool) -> Iterator[bytes]:
    if length is None and not knows_its_end:
        return
    reader = BoundedInput(stream, length) if length is not None else stream
    while block := reader.read(65536):
        yield block
