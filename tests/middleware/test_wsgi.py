"""The PEP 3333 helpers: respond, edit_headers, Closing and call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from middleware.wsgi import Closing, call, edit_headers, respond, status_line
from tests.middleware.gateway import exchange, request
from tests.strict import client

JSON = ("Content-Type", "application/json")


def answering(status, headers=(), body=b""):
    return lambda environ, start_response: respond(environ, start_response, status, headers, body)


def test_bytes_get_their_true_length_whatever_the_headers_say():
    response = client(answering(200, [JSON, ("content-length", "99")], b"{}")).get("/")
    assert (response.headers.getall("Content-Length"), response.body) == (["2"], b"{}")


def test_an_iterable_is_passed_on_without_a_length():
    seen = exchange(answering(200, [JSON], iter([b"[", b"]"])), request())
    assert (seen.body, seen.header("Content-Length")) == (b"[]", None)


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("body", [b"x", [b"x"]], ids=["bytes", "iterable"])
def test_statuses_without_body_send_none(status, body):
    headers = [JSON, ("Content-Length", "1"), ("ETag", '"1"')]
    response = client(answering(status, headers, body)).get("/", status=status)
    assert (response.body, response.headers["ETag"]) == (b"", '"1"')
    assert not {"Content-Type", "Content-Length"} & set(response.headers)


def test_head_keeps_the_headers_and_closes_the_body():
    closed = []
    body = Closing([b"x"], lambda: closed.append(True))
    seen = exchange(answering(200, [JSON, ("Content-Length", "1")], body), request("HEAD"))
    assert (seen.body, seen.header("Content-Length"), closed) == (b"", "1", [True])


@pytest.mark.parametrize(("status", "line"), [(200, "200 OK"), (404, "404 Not Found"), (299, "299 Unknown")])
def test_a_status_line_has_a_phrase(status, line):
    assert status_line(status) == line


def test_edited_headers_go_out_and_the_list_stays():
    own = [JSON]

    def app(environ, start_response):
        start_response("200 OK", own)
        return [b""]

    def edited(environ, start_response):
        return app(environ, edit_headers(start_response, lambda headers: [*headers, ("X-Added", "1")]))

    assert exchange(edited, request()).headers == [JSON, ("X-Added", "1")]
    assert own == [JSON]


@given(st.lists(st.booleans(), max_size=6))
def test_closing_runs_every_callback_in_order_whatever_fails(failing):
    ran = []

    def callback(number):
        def run():
            ran.append(number)
            if failing[number]:
                raise ValueError(number)

        return run

    closing = Closing([b"x"], *(callback(number) for number in range(len(failing))))
    if any(failing):
        with pytest.raises(ValueError):
            closing.close()
    else:
        closing.close()
    closing.close()
    assert ran == list(range(len(failing)))


def test_closing_closes_the_inner_iterable_first():
    order = []
    inner = Closing([b"a", b"b"], lambda: order.append("inner"))
    outer = Closing(inner, lambda: order.append("outer"))
    assert list(outer) == [b"a", b"b"]
    outer.close()
    assert order == ["inner", "outer"]


def test_call_returns_what_the_last_start_said_and_all_bytes():
    def app(environ, start_response):
        start_response("200 OK", [JSON])(b"forgotten")
        error = ValueError()
        write = start_response("409 Conflict", [("X-Last", "1")], (ValueError, error, None))
        write(b"a")
        return [b"b", b"c"]

    assert call(app, request()) == (409, [("X-Last", "1")], b"abc")


def test_call_closes_and_raises():
    closed = []

    def chunks():
        yield b"a"
        raise KeyError("broken")

    def app(environ, start_response):
        start_response("200 OK", [JSON])
        return Closing(chunks(), lambda: closed.append(True))

    with pytest.raises(KeyError, match="broken"):
        call(app, request())
    assert closed == [True]


def test_call_refuses_an_application_that_never_starts():
    with pytest.raises(RuntimeError, match="start_response"):
        call(lambda environ, start_response: [], request())
