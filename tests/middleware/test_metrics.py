"""What is told of a request when its response has ended."""

from __future__ import annotations

import io
from wsgiref.util import FileWrapper

import pytest

from middleware.metrics import ROUTE, Metrics
from middleware.wsgi import AFTERWARDS, respond
from tests.middleware.gateway import exchange, request

TEXT = ("Content-Type", "text/plain")


@pytest.fixture
def seen():
    """(method, route, status) of each response so far."""
    return []


@pytest.fixture
def layer(seen):
    """Puts the layer around an application."""

    def observe(method, route, status, duration_s):
        assert 0 <= duration_s < 60
        seen.append((method, route, status))

    return lambda app: Metrics(app, observe=observe)


def teapot(environ, start_response):
    environ[ROUTE] = "/pots/{name}"
    return respond(environ, start_response, 418, [TEXT], b"short and stout")


def test_method_route_and_status_are_told(layer, seen):
    exchange(layer(teapot), request("POST", "/pots/mine"))
    assert seen == [("POST", "/pots/{name}", "418")]


def test_what_clients_make_up_has_one_name(layer, seen):
    def nowhere(environ, start_response):
        return respond(environ, start_response, 404, [TEXT], b"")

    for number in range(3):
        exchange(layer(nowhere), request(f"BREW{number}", f"/{number}"))
    assert set(seen) == {("other", "other", "404")}


def test_an_exception_counts_as_500(layer, seen):
    def app(environ, start_response):
        start_response("200 OK", [TEXT])
        raise KeyError("x")

    exchange(layer(app), request())
    assert seen == [("GET", "other", "500")]


def test_the_last_status_counts(layer, seen):
    def app(environ, start_response):
        start_response("200 OK", [TEXT])
        start_response("503 Sorry", [TEXT], (KeyError, KeyError(), None))
        return [b""]

    exchange(layer(app), request())
    assert seen == [("GET", "other", "503")]


def test_a_stream_counts_once_when_it_has_ended(layer, seen):
    def app(environ, start_response):
        start_response("200 OK", [TEXT])
        for chunk in (b"one", b"two"):
            assert seen == []
            yield chunk

    assert exchange(layer(app), request()).body == b"onetwo"
    assert seen == [("GET", "other", "200")]


def test_a_stream_that_nobody_began_to_read_has_no_status(layer, seen):
    def app(environ, start_response):
        start_response("200 OK", [TEXT])
        yield b"one"

    exchange(layer(app), request(), chunks=0)
    assert seen == [("GET", "other", "-")]


@pytest.mark.parametrize("whole", [[b"a"], (b"a",)], ids=["list", "tuple"])
def test_a_whole_body_stays_unwrapped(layer, seen, whole):
    def app(environ, start_response):
        start_response("200 OK", [TEXT])
        return whole

    assert layer(app)(request(), lambda status, headers: None) is whole
    assert len(seen) == 1


def test_a_server_may_count_after_the_answer(layer, seen):
    later = []
    layer(teapot)(request() | {AFTERWARDS: later.append}, lambda status, headers: None)
    assert seen == []
    for call in later:
        call()
    assert seen == [("GET", "/pots/{name}", "418")]


def test_a_file_of_the_server_stays_unwrapped(layer, seen):
    def app(environ, start_response):
        start_response("200 OK", [TEXT])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"file"))

    environ = request() | {"wsgi.file_wrapper": FileWrapper}
    assert type(layer(app)(environ, lambda status, headers: None)) is FileWrapper
    assert len(seen) == 1
