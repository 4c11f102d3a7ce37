"""What every layer owes: an awkward application inside it goes in, the untouched response comes out."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import flask
import pytest

from middleware.wsgi import respond
from tests.middleware.gateway import exchange
from tests.middleware.layers import HEADERS, LAYERS, RENDERING, environ, every_layer
from tests.strict import client

TEXT = ("Content-Type", "text/plain")


class Chunks:
    """A response that counts its close(); an exception among the chunks is raised when its turn comes."""

    def __init__(self, *chunks):
        self._chunks = iter(chunks)
        self.closed = 0

    def __iter__(self):
        return self

    def __next__(self):
        chunk = next(self._chunks)
        if isinstance(chunk, Exception):
            raise chunk
        return chunk

    def close(self):
        self.closed += 1


def plain(environ, start_response):
    start_response("200 Fine", [TEXT, ("Content-Length", "5"), ("X-Of", "the application")])
    return [b"a\0\xff", b"\r\n"]


def late(environ, start_response):
    """Calls start_response on the first iteration only, as a generator does by nature."""
    start_response("202 Accepted", [TEXT])
    yield b"late "
    yield b"start"


def generator(environ, start_response):
    start_response("200 OK", [TEXT])
    return (chunk for chunk in (b"", b"one ", b"two"))


def writing(environ, start_response):
    write = start_response("200 OK", [TEXT])
    write(b"written ")
    write(b"first, ")
    return [b"then returned"]


@every_layer
@pytest.mark.parametrize("app", [plain, late, generator, writing], ids=lambda app: app.__name__)
def test_a_response_passes_byte_for_byte(name, app):
    bare, wrapped = exchange(app, environ()), exchange(LAYERS[name](app), environ())
    assert wrapped.error is None
    assert (wrapped.status, wrapped.body) == (bare.status, bare.body)
    assert wrapped.headers[: len(bare.headers)] == bare.headers


@every_layer
@pytest.mark.parametrize("app", [plain, late, generator, writing], ids=lambda app: app.__name__)
def test_a_response_satisfies_the_strict_server(name, app):
    assert client(LAYERS[name](app)).get("/", headers=HEADERS).body == exchange(app, environ()).body


@every_layer
@pytest.mark.parametrize("chunks", [None, 0, 1], ids=["read", "never read", "left after one chunk"])
def test_close_is_called_once(name, chunks):
    result = Chunks(b"one", b"two")

    def app(environ, start_response):
        start_response("200 OK", [TEXT])
        return result

    assert exchange(LAYERS[name](app), environ(), chunks=chunks).error is None
    assert result.closed == 1


@every_layer
def test_an_error_before_the_start(name):
    failure = KeyError("before")

    def app(environ, start_response):
        raise failure

    seen = exchange(LAYERS[name](app), environ())
    if name in RENDERING:
        assert (seen.status[:3], seen.error) == ("500", None)
        assert b"before" not in seen.body
    else:
        assert seen.error is failure


@every_layer
def test_an_error_after_the_start(name):
    failure = KeyError("after")

    def app(environ, start_response):
        start_response("200 OK", [TEXT])
        raise failure

    seen = exchange(LAYERS[name](app), environ())
    if name in RENDERING:
        assert (seen.status[:3], seen.error) == ("500", None)
        assert seen.exc_infos[-1][1] is failure
    else:
        assert seen.error is failure


@every_layer
def test_an_error_after_the_first_chunk_reaches_the_server(name):
    failure = KeyError("in mid-iteration")
    result = Chunks(b"one", failure, b"never")

    def app(environ, start_response):
        start_response("200 OK", [TEXT])
        return result

    seen = exchange(LAYERS[name](app), environ())
    assert (seen.error, seen.body, result.closed) == (failure, b"one", 1)


@every_layer
def test_an_error_instead_of_the_first_chunk(name):
    failure = KeyError("at first")
    result = Chunks(failure)

    def app(environ, start_response):
        start_response("200 OK", [TEXT])
        return result

    seen = exchange(LAYERS[name](app), environ())
    assert result.closed == 1
    if name in RENDERING:
        assert (seen.status[:3], seen.error) == ("500", None)
    else:
        assert seen.error is failure


@every_layer
def test_exc_info_replaces_a_response_that_was_not_sent(name):
    failure = KeyError("handled by the application")

    def app(environ, start_response):
        start_response("200 OK", [TEXT])
        try:
            raise failure
        except KeyError as error:
            start_response("500 Sorry", [TEXT], (type(error), error, error.__traceback__))
        return [b"sorry"]

    seen = exchange(LAYERS[name](app), environ())
    assert (seen.status, seen.body, seen.error) == ("500 Sorry", b"sorry", None)
    assert [info[1] for info in seen.exc_infos] == [failure]


@every_layer
def test_exc_info_after_the_headers_went_out_is_raised_again(name):
    failure = KeyError("too late to handle")

    def app(environ, start_response):
        start_response("200 OK", [TEXT])(b"sent")
        try:
            raise failure
        except KeyError as error:
            start_response("500 Sorry", [TEXT], (type(error), error, error.__traceback__))
        return [b"never"]

    seen = exchange(LAYERS[name](app), environ())
    assert (seen.status, seen.body, seen.error) == ("200 OK", b"sent", failure)


@every_layer
@pytest.mark.parametrize(
    "before", [[TEXT], [TEXT, ("Vary", "Accept"), ("Access-Control-Allow-Origin", "https://inner.example")]]
)
def test_the_header_list_of_the_application_stays_as_it_is(name, before):
    headers = list(before)

    def app(environ, start_response):
        start_response("200 OK", headers)
        return [b"x"]

    layered = LAYERS[name](app)
    first, second = exchange(layered, environ()), exchange(layered, environ())
    assert headers == before
    assert len(first.headers) == len(second.headers)


@every_layer
def test_head_has_the_headers_of_get_and_no_body(name):
    def app(environ, start_response):
        return respond(environ, start_response, 200, [TEXT], b"hello")

    response = client(LAYERS[name](app)).head("/", headers=HEADERS)
    assert (response.body, response.headers["Content-Length"]) == (b"", "5")


@every_layer
def test_two_threads_get_their_own_responses(name):
    both_inside = threading.Barrier(2, timeout=20)

    def app(environ, start_response):
        both_inside.wait()
        start_response("200 OK", [TEXT, ("X-Path", environ["PATH_INFO"])])
        both_inside.wait()
        yield environ["PATH_INFO"].encode()
        both_inside.wait()

    layered = LAYERS[name](app)
    with ThreadPoolExecutor(2) as pool:
        seen = list(pool.map(lambda path: exchange(layered, environ(path=path)), ["/a", "/b"]))
    assert [(one.header("X-Path"), one.body, one.error) for one in seen] == [("/a", b"/a", None), ("/b", b"/b", None)]


@every_layer
def test_a_mount_point_is_left_alone(name):
    def app(environ, start_response):
        start_response("200 OK", [TEXT])
        return [environ["SCRIPT_NAME"].encode(), b" ", environ["PATH_INFO"].encode()]

    mounted = environ(path="/status") | {"SCRIPT_NAME": "/bot"}
    assert exchange(LAYERS[name](app), mounted).body == b"/bot /status"


def foreign_application() -> flask.Flask:
    """A small Flask application that uses what the layers could disturb: body, streaming, redirects, error pages."""
    app = flask.Flask("foreign")

    @app.get("/hello/<who>")
    def hello(who):
        return {"hello": who, "url": flask.request.base_url}

    @app.post("/echo")
    def echo():
        return flask.Response(flask.request.get_data(), mimetype="application/octet-stream")

    @app.get("/stream")
    def stream():
        return flask.Response((f"{number};" for number in range(3)), mimetype="text/plain")

    @app.get("/old")
    def old():
        return flask.redirect("/hello/you")

    return app


@every_layer
def test_a_flask_application_works_inside(name):
    app = client(LAYERS[name](foreign_application()))
    assert app.get("/hello/you", headers=HEADERS).json == {"hello": "you", "url": "http://localhost/hello/you"}
    assert app.head("/hello/you", headers=HEADERS).body == b""
    assert app.post("/echo", b"\0\xff" * 50, headers=HEADERS).body == b"\0\xff" * 50
    assert app.get("/stream", headers=HEADERS).body == b"0;1;2;"
    assert app.get("/old", headers=HEADERS, status=302).headers["Location"] == "/hello/you"
    assert "Not Found" in app.get("/nowhere", headers=HEADERS, status=404)
    assert app.get("/echo", headers=HEADERS, status=405).headers["Allow"]


@every_layer
def test_a_flask_application_works_under_a_prefix_inside(name):
    app = client(LAYERS[name](foreign_application()))
    seen = app.get("/hello/you", headers=HEADERS, extra_environ={"SCRIPT_NAME": "/bot"})
    assert seen.json["url"] == "http://localhost/bot/hello/you"
