"""The strict server side itself: an application with one fault comes in, AssertionError goes out."""

from __future__ import annotations

import pytest

from tests.strict import client

TEXT = ("Content-Type", "text/plain")


def starting(status, headers, body):
    def app(environ, start_response):
        start_response(status, headers)
        return body

    return app


def starting_twice(environ, start_response):
    start_response("200 OK", [TEXT])
    start_response("404 Not Found", [TEXT])
    return [b"x"]


@pytest.mark.parametrize(
    ("app", "method"),
    [
        pytest.param(starting("204 No Content", [], [b"x"]), "GET", id="body on 204"),
        pytest.param(starting("304 Not Modified", [], [b"x"]), "GET", id="body on 304"),
        pytest.param(starting("200 OK", [TEXT], [b"x"]), "HEAD", id="body on HEAD"),
        pytest.param(starting("200 OK", [TEXT, ("Content-Length", "2")], [b"x"]), "GET", id="Content-Length too large"),
        pytest.param(starting("200 OK", [TEXT, ("Content-Length", "0")], [b"x"]), "GET", id="Content-Length too small"),
        pytest.param(starting("200 OK", [TEXT, ("Connection", "close")], [b"x"]), "GET", id="hop-by-hop header"),
        pytest.param(starting_twice, "GET", id="start_response twice"),
    ],
)
def test_a_fault_fails(app, method):
    with pytest.raises(AssertionError):
        client(app).request("/", method=method, status="*")


@pytest.mark.parametrize(
    ("app", "method"),
    [
        pytest.param(starting("204 No Content", [], []), "GET", id="204"),
        pytest.param(starting("200 OK", [TEXT, ("Content-Length", "9")], []), "HEAD", id="HEAD"),
        pytest.param(starting("200 OK", [TEXT, ("Content-Length", "2")], [b"x", b"y"]), "GET", id="GET"),
    ],
)
def test_a_correct_response_passes(app, method):
    assert client(app).request("/", method=method).status_int in (200, 204)
