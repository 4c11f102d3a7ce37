"""What no HTTP library sends: bytes to a real server's socket in, a 4xx or the end of the connection out."""

from __future__ import annotations

import re
import socket
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from tests.programs import served
from tests.smallbot import archive

POST = b"POST /webhooks/rest/webhook HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
HELLO = b'{"message": "hello"}'
LAST = b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

# Bytes after which the connection is left open for the answer; the statuses that may come, of which none is a 5xx
# but 501 for transfer codings that nobody knows (RFC 9112, 6.1). None: closed without a word.
ATTACKS = {
    "negative length": (POST + b"Content-Length: -1\r\n\r\n{}", {400}),
    "length as text": (POST + b"Content-Length: abc\r\n\r\n{}", {400}),
    "hexadecimal length": (POST + b"Content-Length: 0x2\r\n\r\n{}", {400}),
    "length with a sign": (POST + b"Content-Length: +2\r\n\r\n{}", {400}),
    "length of 5000 digits": (POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}", {400, 413, None}),
    "length beyond all limits": (POST + b"Content-Length: 99999999999\r\n\r\n{}", {413}),
    "two lengths": (POST + b"Content-Length: 2\r\nContent-Length: 20\r\n\r\n{}", {400}),
    "two lengths in one": (POST + b"Content-Length: 2, 20\r\n\r\n{}", {400}),
    "empty length": (POST + b"Content-Length: \r\nConnection: close\r\n\r\n", {400}),
    "no length": (POST + b"Connection: close\r\n\r\n", {400}),
    "length and chunks": (CHUNKED[:-2] + b"Content-Length: 2\r\n\r\n0\r\n\r\n" + LAST, {200, 400}),
    "chunk of negative size": (CHUNKED + b"-1\r\nab\r\n0\r\n\r\n", {400}),
    "chunk size that is none": (CHUNKED + b"zz\r\nab\r\n0\r\n\r\n", {400}),
    "chunk that is longer than it says": (CHUNKED + b"1\r\nabcdef\r\n0\r\n\r\n", {400}),
    "unknown coding": (POST + b"Transfer-Encoding: gzip\r\n\r\nab", {400, 501}),
    "chunked twice": (POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", {400, 501}),
    "HTTP/0.9": (b"GET /version\r\n\r\n", {200, 400, None}),
    "HTTP/9.9": (b"GET /version HTTP/9.9\r\nHost: x\r\nConnection: close\r\n\r\n", {200, 400, 505}),
    "no request": (b"\r\n\r\n\r\n" + LAST, {200}),
    "garbage": (b"\x00\xff\x16\x03\x01 garbage\r\n\r\n", {400, 404, None}),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200 + b"\r\n\r\n", {400, None}),
    "header without a colon": (b"GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n", {400}),
    "header with a blank in its name": (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", {400}),
    "header over two lines": (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\tc\r\nConnection: close\r\n\r\n", {200, 400}),
    "header with NUL": (b"GET / HTTP/1.1\r\nHost: x\r\nA: \x00\r\nConnection: close\r\n\r\n", {200, 400}),
    "huge headers": (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 400_000 + b"\r\n\r\n", {400, 431}),
    "many headers": (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 80_000 + b"\r\n", {400, 431}),
    "huge path": (b"GET /" + b"a" * 400_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", {400, 414, 431}),
    "path that is a URL": (b"GET file:///etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", {400, 404}),
    "path with a bad escape": (b"GET /%zz%ff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", {400, 404}),
    "path of raw bytes": (b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", {400, 404}),
    "unknown method": (b"BREW / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", {405}),
    "lower case method": (b"get / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", {400, 405}),
    "tunnel": (b"CONNECT a.example:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", {400, 404, 405}),
    "request id over two lines": (b"GET / HTTP/1.1\r\nX-Request-ID: a\rB: c\r\nConnection: close\r\n\r\n", {200, 400}),
}  # fmt: skip

# Beginnings after which the client is gone.
BROKEN_OFF = {
    "half a body": POST + b"Content-Length: 1000\r\n\r\n" + HELLO,
    "half a chunk": CHUNKED + b"14\r\n" + HELLO[:5],
    "chunk size of 5000 digits": CHUNKED + b"f" * 5000 + b"\r\nab\r\n",
    "bare line feeds, which end nothing": b"GET / HTTP/1.1\nHost: x\n\n",
    "half a header": POST + b"Content-Le",
    "half a line": b"PO",
    "nothing": b"",
    "no word on the answer": POST + b"Content-Length: 20\r\n\r\n" + HELLO,
    "a body that waits to be asked for": POST + b"Content-Length: 20\r\nExpect: 100-continue\r\n\r\n",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server process with the API."""
    with served("--enable-api", "-m", str(archive()), folder=tmp_path_factory.mktemp("server")) as process:
        yield process


def connect(server):
    parts = urlsplit(server.url)
    return closing(socket.create_connection((parts.hostname, parts.port), timeout=20))


def received(connection):
    """All bytes up to the end of the connection, or those of a first answer whose connection stays open."""
    data = b""
    try:
        while chunk := connection.recv(65536):
            data += chunk
            head, _, body = data.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            if length and len(body) >= int(length[1]):
                break
    except ConnectionResetError:  # it had more to say than the server wanted to hear
        pass
    return data


def is_alive(server):
    """Whether it answers at once, and speaks."""
    assert server.process.poll() is None
    assert server.request("GET", "/version")[0] == 200
    assert server.say("hello") == ["Hello there."]
    return True


@pytest.mark.parametrize(("sent", "statuses"), ATTACKS.values(), ids=ATTACKS)
def test_bytes_that_are_no_request(server, sent, statuses):
    with connect(server) as connection:
        try:
            connection.sendall(sent)
        except (BrokenPipeError, ConnectionResetError):  # refused before its end
            pass
        answer = received(connection)
    assert b"Traceback" not in answer
    status = int(answer.split()[1]) if answer.startswith(b"HTTP/1.") else None
    assert status in statuses or (status is None and len(sent) > 300_000), answer[:300]
    assert b"\nB: c" not in answer
    assert is_alive(server)


@pytest.mark.parametrize("sent", BROKEN_OFF.values(), ids=BROKEN_OFF)
def test_clients_that_leave_in_the_middle(server, sent):
    for _ in range(20):
        with connect(server) as connection:
            connection.sendall(sent)
    assert is_alive(server)


def test_requests_in_one_piece_are_answered_in_order(server):
    one = POST + b"Content-Length: 20\r\n\r\n" + HELLO
    with connect(server) as connection:
        connection.sendall(one * 50 + LAST)
        with connection.makefile("rb") as stream:
            text = stream.read()
    assert text.count(b"HTTP/1.1 200 OK") == 51
    assert text.count(b"Hello there.") == 50


def test_a_refusal_within_one_piece_does_not_misread_what_follows(server):
    smuggled = b"DELETE /model HTTP/1.1\r\nHost: x\r\n\r\n"
    with connect(server) as connection:
        connection.sendall(POST + b"Content-Length: -1\r\n\r\n" + smuggled)
        answer = received(connection)
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1
    assert is_alive(server)


def test_slow_clients_do_not_keep_others_from_being_answered(server):
    waiting = [socket.create_connection((urlsplit(server.url).hostname, urlsplit(server.url).port)) for _ in range(50)]
    for connection in waiting:
        connection.sendall(POST + b"Content-Length: 20\r\n\r\n{")
    assert is_alive(server)
    for connection in waiting:
        connection.close()
