"""Idempotency-Key: repeated requests in; one run of the application, and its answer each time, out."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from middleware import stack
from middleware.auth import IDENTITY, Identity
from middleware.errors import ErrorsToJSON, HTTPError
from middleware.idempotency import MAX_KEY_CHARS, SUBJECT, Answers, Idempotency
from middleware.wsgi import respond
from tests.middleware.gateway import exchange, request
from tests.strict import client


class Counter:
    """An application that answers with how often it ran, and with the body that it read."""

    def __init__(self, status=200, headers=()):
        self.runs = 0
        self.status = status
        self.headers = list(headers)

    def __call__(self, environ, start_response):
        self.runs += 1
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        headers = [("Content-Type", "text/plain"), *self.headers]
        return respond(environ, start_response, self.status, headers, b"%d %s" % (self.runs, body))


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def asked(app, key="k", body="x", path="/", status=200, **more):
    return client(ErrorsToJSON(app)).post(path, body, headers={"Idempotency-Key": key}, status=status, **more)


# ------------------------------------------------------------------- replays


def test_a_repeated_request_gets_the_first_answer():
    counter = Counter(201, [("X-Own", "a"), ("Location", "/1")])
    app = Idempotency(counter)
    first, second = asked(app, status=201), asked(app, status=201)
    assert (first.text, second.text, counter.runs) == ("1 x", "1 x", 1)
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers.pop("Idempotent-Replayed") == "true"
    assert second.headers == first.headers


def test_quotes_around_a_key_are_not_part_of_it():
    app = Idempotency(Counter())
    asked(app)
    assert asked(app, '"k"').text == "1 x"


def test_other_keys_and_requests_without_one_run():
    counter = Counter()
    app = Idempotency(counter)
    asked(app, "a")
    asked(app, "b")
    for _ in range(2):
        client(app).post("/", "x")
    assert counter.runs == 4


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_methods_that_may_be_repeated_anyway_are_left_alone(method):
    counter = Counter()
    app = client(Idempotency(counter))
    for _ in range(2):
        app.request("/", method=method, headers={"Idempotency-Key": "k"})
    assert counter.runs == 2


def test_patch_is_run_once():
    counter = Counter()
    app = client(Idempotency(counter))
    for _ in range(2):
        app.request("/", method="PATCH", body=b"x", headers={"Idempotency-Key": "k"})
    assert counter.runs == 1


@pytest.mark.parametrize("change", [{"body": "y"}, {"body": ""}, {"path": "/other"}, {"path": "/?q=1"}])
def test_a_key_with_another_request_is_422(change):
    counter = Counter()
    app = Idempotency(counter)
    asked(app)
    found = asked(app, status=422, **change).json
    assert (found["reason"], found["details"]["parameter"]) == ("IdempotencyKeyReused", "Idempotency-Key")
    assert counter.runs == 1
    assert asked(app).text == "1 x"


def test_keys_of_different_callers_are_different():
    counter = Counter()
    layered = Idempotency(counter)

    def by_name(environ, start_response):
        environ[IDENTITY] = Identity(environ.pop("HTTP_X_NAME"), "user")
        return layered(environ, start_response)

    for name in ("ann", "bob", "ann"):
        client(by_name).post("/", "x", headers={"Idempotency-Key": "k", "X-Name": name})
    assert counter.runs == 2


@pytest.mark.parametrize("key", ["", " ", " k", "a b", "x" * (MAX_KEY_CHARS + 1), "\xe9", "a\tb"])
def test_a_key_that_is_none_is_400(key):
    counter = Counter()
    environ = request("POST", "/", HTTP_IDEMPOTENCY_KEY=key, CONTENT_LENGTH="0")
    seen = exchange(ErrorsToJSON(Idempotency(counter)), environ)
    assert (seen.status[:3], counter.runs) == ("400", 0)
    assert b"1 to 255 printable" in seen.body


def test_large_bodies_and_bodies_without_a_length_reach_the_application():
    counter = Counter()
    body = "x" * 3_000_000
    assert asked(Idempotency(counter), body=body).text == f"1 {body}"

    def chunked(environ, start_response):
        del environ["CONTENT_LENGTH"]
        environ["wsgi.input_terminated"] = True
        return reader(environ, start_response)

    def app(environ, start_response):
        return respond(environ, start_response, 200, [("Content-Type", "text/plain")], environ["wsgi.input"].read(100))

    reader = Idempotency(app)
    environ = {**request("POST", "/", HTTP_IDEMPOTENCY_KEY="k"), "CONTENT_LENGTH": "3"}
    environ["wsgi.input"].write(b"abc")
    environ["wsgi.input"].seek(0)
    assert exchange(chunked, environ).body == b"abc"


# --------------------------------------------------------- what is not kept


@pytest.mark.parametrize("status", [500, 503, 429, 409, 408])
def test_an_answer_that_asks_for_another_try_is_not_kept(status):
    counter = Counter(status)
    app = Idempotency(counter)
    asked(app, status=status)
    counter.status = 200
    assert asked(app).text == "2 x"


@pytest.mark.parametrize("status", [400, 404, 204])
def test_other_answers_are_kept(status):
    counter = Counter(status)
    app = Idempotency(counter)
    asked(app, status=status)
    asked(app, status=status)
    assert counter.runs == 1


def test_after_an_exception_the_request_may_run_again():
    failures = [HTTPError(400, message="once")]

    def app(environ, start_response):
        if failures:
            raise failures.pop()
        return counter(environ, start_response)

    counter = Counter()
    layered = Idempotency(app)
    asked(layered, status=400)
    assert asked(layered).text == "1 x"


def test_an_answer_that_is_too_long_is_not_kept():
    counter = Counter()
    app = Idempotency(counter, answers=Answers(max_answer_bytes=3))
    assert [asked(app, "a").text, asked(app, "a").text] == ["1 x", "1 x"]
    assert [asked(app, "b", body="xy").text, asked(app, "b", body="xy").text] == ["2 xy", "3 xy"]


def test_answers_are_forgotten_after_their_time():
    counter, clock = Counter(), Clock()
    app = Idempotency(counter, answers=Answers(ttl_s=10, clock=clock))
    asked(app)
    clock.now = 9.9
    assert asked(app).text == "1 x"
    clock.now = 10.0
    assert asked(app).text == "2 x"


@pytest.mark.parametrize("limits", [{"max_answers": 2}, {"max_bytes": 6}])
def test_the_oldest_answers_make_room(limits):
    counter = Counter()
    app = Idempotency(counter, answers=Answers(**limits))
    for key in "abc":
        asked(app, key)
    assert [asked(app, key).text for key in "cb"] == ["3 x", "2 x"]
    assert asked(app, "a").text == "4 x"


def test_what_is_about_somebody_can_be_forgotten():
    answers, inside, go = Answers(), threading.Barrier(2, timeout=20), threading.Barrier(2, timeout=20)
    runs = []

    def app(environ, start_response):
        runs.append(environ["PATH_INFO"])
        environ[SUBJECT] = environ["PATH_INFO"][1:]
        if environ.get("HTTP_X_WAIT"):
            inside.wait()
            go.wait()
        return respond(environ, start_response, 200, [("Content-Type", "text/plain")], b"x")

    layered = Idempotency(app, answers=answers)
    asked(layered, "a", path="/ann")
    asked(layered, "b", path="/bob")
    slow = {"Idempotency-Key": "c", "X-Wait": "1"}
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(lambda: client(layered).post("/ann", "x", headers=slow).text)
        inside.wait()
        answers.forget("ann")
        go.wait()
        assert running.result() == "x"
    for key, path in [("a", "/ann"), ("b", "/bob"), ("c", "/ann")]:
        asked(layered, key, path=path)
    assert runs == ["/ann", "/bob", "/ann", "/ann", "/ann"]


# ------------------------------------------------------------ at the same time


def test_while_the_first_runs_others_are_409_and_one_run_is_all():
    inside, go = threading.Event(), threading.Event()
    counter = Counter()

    def app(environ, start_response):
        inside.set()
        assert go.wait(20)
        return counter(environ, start_response)

    layered = Idempotency(app)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(asked, layered)
        assert inside.wait(20)
        refused = asked(layered, status=409)
        assert refused.headers["Retry-After"] == "1"
        asked(layered, body="y", status=422)
        go.set()
        assert first.result().text == "1 x"
    assert (asked(layered).text, counter.runs) == ("1 x", 1)


# ------------------------------------------------------------------ streamed


class Stream:
    """A response in two chunks that counts its close(); an exception in place of a chunk is raised."""

    def __init__(self, *chunks):
        self.chunks = list(chunks)
        self.closed = 0

    def __iter__(self):
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    def close(self):
        self.closed += 1


def streaming(*chunks):
    """An application that answers with a new Stream each time, and the list of those."""
    made = []

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        made.append(Stream(*chunks))
        return made[-1]

    return app, made


def posted(app, chunks=None):
    return exchange(app, request("POST", "/", HTTP_IDEMPOTENCY_KEY="k", CONTENT_LENGTH="0"), chunks=chunks)


@pytest.mark.parametrize("read", [None, 1, 0], ids=["to the end", "one chunk", "nothing"])
def test_a_stream_is_recorded_to_its_end_whoever_listens(read):
    app, made = streaming(b"one ", b"two")
    layered = Idempotency(app)
    posted(layered, chunks=read)
    assert posted(layered).body == b"one two"
    assert [stream.closed for stream in made] == [1]


def test_a_stream_that_breaks_off_may_run_again(caplog):
    for read in (None, 1):
        app, made = streaming(b"one ", KeyError("broken"))
        layered = Idempotency(app)
        posted(layered, chunks=read)
        posted(layered, chunks=read)
        assert [stream.closed for stream in made] == [1, 1]
    assert "after its client had left" in caplog.text


def test_a_long_stream_is_not_waited_for():
    app, made = streaming(b"one ", b"two", KeyError("never reached"))
    layered = Idempotency(app, answers=Answers(max_answer_bytes=2))
    posted(layered, chunks=1)
    posted(layered, chunks=1)
    assert [stream.closed for stream in made] == [1, 1]


def test_write_and_a_late_start_are_recorded():
    def writing(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])(b"written ")
        return [b"returned"]

    def late(environ, start_response):
        start_response("202 Accepted", [("Content-Type", "text/plain")])
        yield b"late"

    for app, body in ((writing, b"written returned"), (late, b"late")):
        layered = Idempotency(app)
        assert [posted(layered).body, posted(layered).body] == [body, body]


def test_it_stands_around_any_application():
    app = client(stack(Counter(), ErrorsToJSON, Idempotency))
    for _ in range(2):
        assert app.post("/", "x", headers={"Idempotency-Key": "k"}).text == "1 x"
