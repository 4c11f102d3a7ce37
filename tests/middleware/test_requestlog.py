"""Request ids and the request log: what a caller sends, what he gets back and what the log says."""

from __future__ import annotations

import io
import logging
import re
from contextvars import ContextVar
from functools import partial
from wsgiref.util import FileWrapper

import pytest
from hypothesis import given
from hypothesis import strategies as st

from middleware.requestlog import REQUEST_ID, RequestLog
from middleware.wsgi import AFTERWARDS, respond
from tests.middleware.gateway import exchange, request
from tests.strict import client

LOGGER = "middleware.requestlog"
LINE = re.compile(r"(?P<method>\S+) (?P<path>.*) (?P<status>\S+) (?P<bytes>\d+) bytes (?P<ms>\d+\.\d) ms (?P<id>\S+)")
TEXT = ("Content-Type", "text/plain")


def hello(environ, start_response):
    return respond(environ, start_response, 200, [TEXT], b"hello")


@pytest.fixture
def lines(caplog):
    """The matched log lines so far, as a function."""
    caplog.set_level(logging.INFO, LOGGER)
    return lambda: [LINE.fullmatch(record.getMessage()) for record in caplog.records]


def test_one_line_says_what_happened(lines):
    response = client(RequestLog(hello)).get("/a/b?token=secret")
    (line,) = lines()
    assert line.group("method", "path", "status", "bytes") == ("GET", "/a/b", "200", "5")
    assert line["id"] == response.headers["X-Request-ID"]


def test_the_id_of_the_caller_is_kept():
    response = client(RequestLog(hello)).get("/", headers={"X-Request-ID": "abc-123.4/5:6"})
    assert response.headers["X-Request-ID"] == "abc-123.4/5:6"


@pytest.mark.parametrize("sent", ["", "a b", "a\nb", "é", "x" * 129, "<script>"], ids=repr)
def test_an_id_that_could_do_harm_is_replaced(sent):
    seen = exchange(RequestLog(hello), request(HTTP_X_REQUEST_ID=sent))
    assert re.fullmatch("[0-9a-f]{32}", seen.header("X-Request-ID"))


@given(st.text(st.characters(max_codepoint=255)))
def test_whatever_is_sent_the_id_is_harmless(sent):
    seen = exchange(RequestLog(hello), request(HTTP_X_REQUEST_ID=sent))
    assert re.fullmatch("[!-~]{1,128}", seen.header("X-Request-ID"))


def test_ids_differ():
    app = RequestLog(hello)
    assert len({exchange(app, request()).header("X-Request-ID") for _ in range(50)}) == 50


@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING], ids=["with a log", "without"])
def test_the_id_reaches_environ_context_and_response(caplog, level):
    caplog.set_level(level, LOGGER)
    current: ContextVar[str] = ContextVar("current")
    inside = []

    def app(environ, start_response):
        inside.extend([environ[REQUEST_ID], current.get()])
        return hello(environ, start_response)

    seen = exchange(RequestLog(app, context=current.set), request())
    assert inside == [seen.header("X-Request-ID")] * 2


def test_a_stream_is_logged_at_its_end(lines):
    def app(environ, start_response):
        start_response("200 OK", [TEXT])
        for chunk in (b"one", b"two"):
            assert lines() == []
            yield chunk

    exchange(RequestLog(app), request())
    assert [line["bytes"] for line in lines()] == ["6"]


def test_a_client_that_leaves_is_logged_with_what_it_got(lines):
    def app(environ, start_response):
        start_response("200 OK", [TEXT])
        yield from (b"one", b"two")

    exchange(RequestLog(app), request(), chunks=1)
    assert [line["bytes"] for line in lines()] == ["3"]


def test_written_bytes_count(lines):
    def app(environ, start_response):
        start_response("200 OK", [TEXT])(b"12345")
        return [b"67"]

    exchange(RequestLog(app), request())
    assert [line["bytes"] for line in lines()] == ["7"]


def test_an_exception_is_logged_as_500_and_raised(lines):
    failure = KeyError("x")

    def app(environ, start_response):
        raise failure

    assert exchange(RequestLog(app), request()).error is failure
    assert [line["status"] for line in lines()] == ["500"]


def test_the_last_status_counts(lines):
    def app(environ, start_response):
        start_response("200 OK", [TEXT])
        start_response("500 Sorry", [TEXT], (KeyError, KeyError(), None))
        return [b""]

    exchange(RequestLog(app), request())
    assert [line["status"] for line in lines()] == ["500"]


def test_a_file_of_the_server_stays_unwrapped(lines):
    def app(environ, start_response):
        start_response("200 OK", [TEXT, ("Content-Length", "4")])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"file"))

    environ = request() | {"wsgi.file_wrapper": FileWrapper}
    result = RequestLog(app)(environ, lambda status, headers: None)
    assert type(result) is FileWrapper
    assert [line["bytes"] for line in lines()] == ["4"]


@pytest.mark.parametrize("whole", [[b"a", b"bc"], (b"a", b"bc")], ids=["list", "tuple"])
def test_a_whole_body_stays_unwrapped(lines, whole):
    def app(environ, start_response):
        start_response("200 OK", [TEXT])
        return whole

    assert RequestLog(app)(request(), lambda status, headers: None) is whole
    assert [line["bytes"] for line in lines()] == ["3"]


def test_a_server_may_write_the_line_after_the_answer(lines):
    later = []
    RequestLog(hello)(request() | {AFTERWARDS: later.append}, lambda status, headers: None)
    assert lines() == []
    for call in later:
        call()
    assert [line["bytes"] for line in lines()] == ["5"]


@pytest.mark.parametrize("path", ["/a\nGET /forged 200", "/\x1b[31m", "/\xc3\xa4", "/\u2028"], ids=repr)
def test_a_path_can_not_forge_or_break_a_line(lines, path):
    exchange(RequestLog(hello), request(path=path))
    (line,) = lines()
    assert line["path"].isascii() and line["path"].isprintable()


def test_a_mounted_path_is_logged_whole(lines):
    exchange(RequestLog(hello), request(path="/x") | {"SCRIPT_NAME": "/bot"})
    assert [line["path"] for line in lines()] == ["/bot/x"]


def test_header_and_logger_can_be_given(caplog):
    logger = logging.getLogger("tests.requests")
    logger.setLevel(logging.INFO)
    layer = partial(RequestLog, logger=logger, header="X-Trace")
    assert exchange(layer(hello), request(HTTP_X_TRACE="t1")).header("X-Trace") == "t1"
    assert [record.name for record in caplog.records] == ["tests.requests"]
