"""All layers under the real server: what only a socket shows, such as connections that stay open."""

from __future__ import annotations

import http.client
import socket
import threading
from contextlib import closing

import pytest
from waitress.server import create_server

from middleware.wsgi import respond
from tests.middleware.layers import HEADERS, everything


def echo(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return respond(environ, start_response, 200, [("Content-Type", "text/plain")], body or b"nothing")


@pytest.fixture
def port():
    """The port of a server with all layers around `echo`."""
    server = create_server(everything(echo), host="127.0.0.1", port=0, threads=2, asyncore_loop_timeout=1)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server.effective_port
    server.trigger.pull_trigger(server.close)  # in the server's own thread, whose loop ends with its last connection
    thread.join(20)
    server.task_dispatcher.shutdown()
    assert not thread.is_alive()


def test_connections_stay_open_through_all_layers(port):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        used = set()
        for method, body, expected in [("GET", None, b"nothing"), ("HEAD", None, b""), ("POST", b"hi", b"hi")]:
            connection.request(method, "/", body, HEADERS)
            response = connection.getresponse()
            assert (response.status, response.read()) == (200, expected)
            assert response.headers["Connection"] != "close"
            used.add(connection.sock.getsockname())
        assert len(used) == 1


def test_a_chunked_body_arrives(port):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("POST", "/", iter([b"one ", b"two"]), HEADERS, encode_chunked=True)
        assert connection.getresponse().read() == b"one two"


@pytest.mark.parametrize("size", [1001, 100_000])
def test_a_body_over_the_limit_is_refused(port, size):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("POST", "/", b"x" * size, HEADERS)
        assert connection.getresponse().status == 413


def test_a_preflight_needs_no_credentials(port):
    with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as connection:
        connection.sendall(
            b"OPTIONS /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Origin: https://a.example\r\nAccess-Control-Request-Method: PUT\r\n\r\n"
        )
        with connection.makefile("rb") as answer:
            text = answer.read()
    assert text.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Access-Control-Allow-Methods: DELETE, GET" in text
    assert text.endswith(b"\r\n\r\n")
