"""Request bodies: lengths stated and true, streams that lie or stop, and what the application inside can read."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from middleware.body import BodyLimit, BoundedInput, content_length
from middleware.errors import HTTPError
from middleware.wsgi import respond
from tests.middleware.gateway import exchange, request
from tests.strict import client

LIMIT = 1000


def echo(environ, start_response):
    """Answers with the body, read as the environ says."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return respond(environ, start_response, 200, [("Content-Type", "application/octet-stream")], body)


def read_all(environ, start_response):
    """Answers with all that wsgi.input gives, as an application that knows no Content-Length does."""
    return respond(environ, start_response, 200, [("Content-Type", "text/plain")], environ["wsgi.input"].read())


def unreached(environ, start_response):
    raise AssertionError("the application was called")


def stating(length, body=b"", **more):
    return request("POST", **more) | {"CONTENT_LENGTH": length, "wsgi.input": io.BytesIO(body)}


class Trickle:
    """A stream that returns as much as the given sizes say at a time, and knows how much was taken."""

    def __init__(self, data, sizes=()):
        self._data = io.BytesIO(data)
        self._sizes = iter(sizes)

    def taken(self):
        return self._data.tell()

    def read(self, size):
        return self._data.read(min(size, next(self._sizes, size)))

    def readline(self, size):
        return self._data.readline(min(size, next(self._sizes, size)))


@pytest.mark.parametrize("size", [0, 1, LIMIT])
def test_a_body_within_the_limit_arrives(size):
    assert client(BodyLimit(echo, limit_bytes=LIMIT)).post("/", b"x" * size).body == b"x" * size


@pytest.mark.parametrize("length", [str(LIMIT + 1), "9" * 18, "9" * 5000])
def test_a_body_over_the_limit_is_refused_unread(length):
    environ = stating(length, b"x")
    seen = exchange(BodyLimit(unreached, limit_bytes=LIMIT), environ)
    assert (seen.status[:3], environ["wsgi.input"].tell()) == ("413", 0)


@pytest.mark.parametrize("length", ["-1", "+1", "1.0", "0x1", "1_0", " 1", "one", "１", "1\x00"])
def test_a_length_that_is_no_number_is_refused(length):
    seen = exchange(BodyLimit(unreached, limit_bytes=LIMIT), stating(length, b"x"))
    assert seen.status[:3] == "400"
    assert b"Content-Length" in seen.body


def test_an_empty_length_is_none():
    assert content_length({"CONTENT_LENGTH": ""}) is None
    assert content_length({}) is None


@pytest.mark.parametrize("length", ["", "0"])
def test_without_a_length_the_body_is_empty_whatever_the_stream_holds(length):
    seen = exchange(BodyLimit(read_all, limit_bytes=LIMIT), stating(length, b"the next request"))
    assert seen.body == b""


def test_reading_everything_stops_where_the_body_does():
    seen = exchange(BodyLimit(read_all, limit_bytes=LIMIT), stating("4", b"bodythe next request"))
    assert seen.body == b"body"


def test_a_terminated_stream_gets_its_length():
    environ = stating("", b"chunks", **{"wsgi.input_terminated": True})
    assert exchange(BodyLimit(echo, limit_bytes=LIMIT), environ).body == b"chunks"


@pytest.mark.parametrize("size", [LIMIT + 1, LIMIT * 100])
def test_a_terminated_stream_over_the_limit_is_refused_before_the_application(size):
    environ = stating("", b"x" * size, **{"wsgi.input_terminated": True})
    stream = environ["wsgi.input"]
    assert exchange(BodyLimit(unreached, limit_bytes=LIMIT), environ).status[:3] == "413"
    assert stream.tell() == LIMIT + 1


def test_a_large_terminated_stream_goes_through_a_file_that_is_closed():
    limit, seen = 5 << 20, []

    def app(environ, start_response):
        seen.append(environ["wsgi.input"])
        return echo(environ, start_response)

    body = bytes(range(256)) * (limit // 256)
    environ = stating("", body, **{"wsgi.input_terminated": True})
    assert exchange(BodyLimit(app, limit_bytes=limit), environ).body == body
    assert seen[0].closed


def test_the_file_is_closed_when_the_application_fails():
    inputs = []

    def app(environ, start_response):
        inputs.append(environ["wsgi.input"])
        raise KeyError("x")

    environ = stating("", b"chunks", **{"wsgi.input_terminated": True})
    assert isinstance(exchange(BodyLimit(app, limit_bytes=LIMIT), environ).error, KeyError)
    assert inputs[0].closed


def test_a_client_that_leaves_raises_400():
    seen = exchange(BodyLimit(echo, limit_bytes=LIMIT), stating("9", b"four"))
    assert isinstance(seen.error, HTTPError)
    assert (seen.error.status, "after 4 of the 9 bytes" in seen.error.message) == (400, True)


def test_a_negative_limit_is_refused_at_construction():
    with pytest.raises(ValueError, match="limit_bytes"):
        BodyLimit(echo, limit_bytes=-1)


READS = st.lists(
    st.tuples(st.sampled_from(["read", "readline", "readlines"]), st.sampled_from([None, -1, 0, 1, 2, 7, 50])),
    max_size=12,
)


def performed(reader, reads):
    """All bytes that a pattern of reads returns, then the rest."""
    data = b""
    for method, size in reads:
        part = getattr(reader, method)(size)
        data += b"".join(part) if isinstance(part, list) else part
    return data + b"".join(reader)


@given(
    body=st.binary(max_size=40).map(lambda data: data.replace(b"\1", b"\n")),
    behind=st.binary(max_size=20),
    sizes=st.lists(st.integers(1, 9), max_size=20),
    reads=READS,
)
def test_an_exact_reader_gives_the_body_and_never_takes_more(body, behind, sizes, reads):
    stream = Trickle(body + behind, sizes)
    assert performed(BoundedInput(stream, len(body)), reads) == body
    assert stream.taken() == len(body)


@given(
    body=st.binary(max_size=40).map(lambda data: data.replace(b"\1", b"\n")),
    limit=st.integers(0, 40),
    sizes=st.lists(st.integers(1, 9), max_size=20),
    reads=READS,
)
def test_a_limited_reader_gives_a_body_within_the_limit_and_never_takes_more_than_a_byte_beyond(
    body, limit, sizes, reads
):
    stream = Trickle(body, sizes)
    reader = BoundedInput(stream, limit, exact=False)
    if len(body) <= limit:
        assert performed(reader, reads) == body
    else:
        with pytest.raises(HTTPError) as caught:
            performed(reader, reads)
        assert caught.value.status == 413
        with pytest.raises(HTTPError):
            reader.read()
    assert stream.taken() <= limit + 1


@given(body=st.binary(max_size=20), missing=st.integers(1, 20), reads=READS)
def test_a_stream_that_ends_early_is_never_taken_for_whole(body, missing, reads):
    reader = BoundedInput(Trickle(body), len(body) + missing)
    with pytest.raises(HTTPError) as caught:
        performed(reader, reads)
    assert caught.value.status == 400


def test_lines_come_as_from_a_file():
    text = b"one\ntwo\n\nthree"
    assert list(BoundedInput(io.BytesIO(text), len(text))) == text.splitlines(keepends=True)
    assert BoundedInput(io.BytesIO(text), len(text)).readlines(5) == [b"one\n", b"two\n"]
    assert BoundedInput(io.BytesIO(text), len(text)).readline(2) == b"on"
