"""Rates: who asks how often, and who gets in, when the others may, and how much is remembered."""

from __future__ import annotations

import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from middleware.ratelimit import RateLimit, RateLimiter
from middleware.wsgi import respond
from tests.middleware.gateway import exchange, request


class Clock:
    """A clock that the test sets."""

    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


def test_a_burst_gets_in_and_then_one_by_one(clock):
    limiter = RateLimiter(rate_per_s=2, burst=3, clock=clock)
    assert [limiter.take("ann") for _ in range(4)] == [0, 0, 0, 0.5]
    clock.now_s += 0.5
    assert [limiter.take("ann") for _ in range(2)] == [0, 0.5]
    clock.now_s += 60
    assert [limiter.take("ann") for _ in range(4)] == [0, 0, 0, 0.5]


def test_who_is_refused_does_not_wait_longer_for_having_asked(clock):
    limiter = RateLimiter(rate_per_s=1, burst=1, clock=clock)
    limiter.take("ann")
    assert [limiter.take("ann") for _ in range(100)] == [1] * 100


def test_each_has_his_own(clock):
    limiter = RateLimiter(rate_per_s=1, burst=1, clock=clock)
    assert [limiter.take(key) for key in ("ann", "bob", ("user", "ann"), "ann")] == [0, 0, 0, 1]


@given(st.floats(0.1, 100), st.integers(1, 20), st.lists(st.floats(0, 5), min_size=1, max_size=100))
def test_no_stretch_of_time_has_more_than_burst_and_rate_allow(rate_per_s, burst, pauses_s):
    clock = Clock()
    limiter = RateLimiter(rate_per_s=rate_per_s, burst=burst, clock=clock)
    let_in = []
    for pause_s in pauses_s:
        clock.now_s += pause_s
        wait_s = limiter.take("ann")
        if wait_s == 0:
            let_in.append(clock.now_s)
        else:  # who waits as long as he is told gets in
            clock.now_s += wait_s * (1 + 1e-6) + 1e-6
            assert limiter.take("ann") == 0
            let_in.append(clock.now_s)
    for first, begin_s in enumerate(let_in):
        for last in range(first, len(let_in)):
            allowed = burst + rate_per_s * (let_in[last] - begin_s)
            assert last - first + 1 <= allowed + 1e-6


def test_memory_is_bounded_and_keeps_who_asked_last(clock):
    limiter = RateLimiter(rate_per_s=1, burst=1, keys=100, clock=clock)
    for number in range(1000):
        limiter.take(f"{number}" * 1000)
    assert limiter.take("999" * 1000) > 0
    assert limiter.take("899" * 1000) == 0  # forgotten
    assert sys.getsizeof(limiter._full_at) < 100_000


def test_threads_get_no_more_than_there_is(clock):
    limiter = RateLimiter(rate_per_s=1, burst=50, clock=clock)
    let_in = []

    def work():
        for _ in range(100):
            if limiter.take("ann") == 0:
                let_in.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(let_in) == 50


@pytest.mark.parametrize("wrong", [{"rate_per_s": 0}, {"rate_per_s": float("nan")}, {"burst": 0}, {"keys": 0}])
def test_limits_that_let_nobody_in_are_refused(wrong):
    with pytest.raises(ValueError, match="let nobody in"):
        RateLimiter(**{"rate_per_s": 1, "burst": 1, **wrong})


def test_over_the_rate_the_answer_is_429_and_says_when(clock):
    def hello(environ, start_response):
        return respond(environ, start_response, 200, [("Content-Type", "text/plain")], b"hello")

    limiter = RateLimiter(rate_per_s=0.4, burst=1, clock=clock)
    app = RateLimit(hello, limiter=limiter, key=lambda environ: environ.get("HTTP_X_WHO"))
    seen = [exchange(app, request(HTTP_X_WHO="ann")) for _ in range(2)]
    assert [one.status[:3] for one in seen] == ["200", "429"]
    assert seen[1].header("Retry-After") == "3"
    assert b"try again in 3 s" in seen[1].body
    assert [exchange(app, request()).status[:3] for _ in range(3)] == ["200"] * 3  # nobody knows who it is
