"""Trace headers: what a caller sends, and what calls to other servers get of it."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from middleware.tracecontext import TraceContext
from middleware.wsgi import respond
from tests.middleware.gateway import exchange, request

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{PARENT}-01"


def passed_on(**headers):
    """What the layer hands on of a request with these headers."""
    seen = []

    def app(environ, start_response):
        assert len(seen) == 1  # before the application runs
        return respond(environ, start_response, 204)

    exchange(TraceContext(app, context=seen.append), request(**headers))
    return seen[0]


def test_a_trace_is_passed_on_as_it_came():
    state = "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"
    expected = {"traceparent": GOOD, "tracestate": state}
    assert passed_on(HTTP_TRACEPARENT=GOOD, HTTP_TRACESTATE=state) == expected


def test_without_a_trace_nothing_is_left_of_an_earlier_one():
    assert passed_on() == {}
    assert passed_on(HTTP_TRACESTATE="a=1") == {}


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param("", id="empty"),
        pytest.param(TRACE, id="trace alone"),
        pytest.param(f"00-{TRACE}-{PARENT}", id="no flags"),
        pytest.param(f"00-{TRACE}-{PARENT}-01-more", id="more than version 00 has"),
        pytest.param(f"ff-{TRACE}-{PARENT}-01", id="version ff"),
        pytest.param(f"00-{'0' * 32}-{PARENT}-01", id="trace of zeros"),
        pytest.param(f"00-{TRACE}-{'0' * 16}-01", id="parent of zeros"),
        pytest.param(GOOD.upper(), id="capitals"),
        pytest.param(f"{GOOD},{GOOD}", id="twice"),
        pytest.param(f"{GOOD}\r\nX-Evil: 1", id="line break"),
    ],
)
def test_what_is_not_well_formed_is_left_out(wrong):
    assert passed_on(HTTP_TRACEPARENT=wrong, HTTP_TRACESTATE="a=1") == {}


def test_a_later_version_is_passed_on_as_the_one_that_is_known():
    assert passed_on(HTTP_TRACEPARENT=f"cc-{TRACE}-{PARENT}-ff-what.the.future") == {"traceparent": GOOD}


@pytest.mark.parametrize("state", ["", "é=1", "a=\nb", "a=" + "x" * 511], ids=ascii)
def test_a_state_that_is_not_well_formed_is_left_out_alone(state):
    assert passed_on(HTTP_TRACEPARENT=GOOD, HTTP_TRACESTATE=state) == {"traceparent": GOOD}


@given(st.text(st.characters(max_codepoint=255)), st.text(st.characters(max_codepoint=255)))
@example(GOOD, "a=1")
def test_whatever_is_sent_what_is_passed_on_is_harmless(parent, state):
    headers = passed_on(HTTP_TRACEPARENT=parent, HTTP_TRACESTATE=state)
    assert all(re.fullmatch("[ -~]{1,512}", value) for value in headers.values())
