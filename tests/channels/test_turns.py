"""Turns in the background: functions in; each run once, in the order of its conversation, whatever others do."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from contextvars import ContextVar
from queue import SimpleQueue

import pytest

from botapi.channels.turns import LAST_WORDS_S, Turns
from botapi.errors import Busy

color: ContextVar[str] = ContextVar("color", default="none")


@pytest.fixture
def make():
    """Makes Turns, and closes them."""
    made = []

    def make(**options):
        made.append(Turns(**options))
        return made[-1]

    yield make
    for turns in made:
        turns.close()


def test_turns_of_one_conversation_keep_their_order(make):
    turns, done = make(places=200, places_of_one=200), SimpleQueue()
    for number in range(200):
        turns.start("a", lambda number=number: done.put(number))
    assert [done.get(timeout=10) for _ in range(200)] == list(range(200))


def test_turns_of_one_conversation_never_overlap_and_those_of_others_do(make):
    turns, go, began = make(), threading.Event(), SimpleQueue()

    def turn(name):
        began.put(name)
        assert go.wait(10)

    for name in ("a", "a", "b"):
        turns.start(name, lambda name=name: turn(name))
    assert sorted(began.get(timeout=10) for _ in range(2)) == ["a", "b"]
    assert began.empty()
    go.set()
    assert began.get(timeout=10) == "a"


def test_a_turn_sees_the_context_of_its_request(make):
    turns, seen = make(), SimpleQueue()
    token = color.set("red")
    turns.start("a", lambda: seen.put(color.get()))
    color.reset(token)
    assert seen.get(timeout=10) == "red"


@pytest.mark.parametrize("conversation_id", ["a", "b"])
def test_places_are_bounded_and_given_back(make, conversation_id):
    turns, go = make(places=3, places_of_one=2), threading.Event()
    for name in ("a", "a", "b"):
        turns.start(name, lambda: go.wait(10))
    with pytest.raises(Busy):
        turns.start(conversation_id, lambda: None)
    go.set()
    began = SimpleQueue()
    while began.empty():
        with suppress(Busy):
            turns.start(conversation_id, lambda: began.put("began"))


def test_so_many_run_at_once_and_the_others_wait(make):
    turns, go, began = make(running=2), threading.Event(), SimpleQueue()
    for name in ("a", "b", "c"):
        turns.start(name, lambda name=name: (began.put(name), go.wait(10)))
    assert {began.get(timeout=10) for _ in range(2)} <= {"a", "b", "c"}
    assert began.empty()
    go.set()
    began.get(timeout=10)


def test_one_conversation_does_not_take_all_places(make):
    turns, go = make(places=3, places_of_one=2), threading.Event()
    for _ in range(2):
        turns.start("a", lambda: go.wait(10))
    with pytest.raises(Busy):
        turns.start("a", lambda: None)
    turns.start("b", lambda: None)
    go.set()


def test_a_turn_that_fails_is_logged_and_the_next_one_runs(make, caplog):
    turns, done = make(), SimpleQueue()
    turns.start("a", lambda: 1 / 0)
    turns.start("a", lambda: done.put("ran"))
    assert done.get(timeout=10) == "ran"
    assert "A turn of conversation 'a' failed" in caplog.text


def test_last_words_keep_it_busy_for_a_moment(make):
    turns = make()
    assert not turns.is_busy()
    turns.start("a", lambda: None)
    began = time.monotonic()
    while turns.is_busy():
        time.sleep(0.001)
    assert time.monotonic() - began >= LAST_WORDS_S


def test_closing_waits_for_what_runs_and_waits_and_takes_no_more():
    turns, go, done = Turns(), threading.Event(), []
    turns.start("a", lambda: done.append(go.wait(10)))
    turns.start("a", lambda: done.append("second"))
    closing = threading.Thread(target=turns.close)
    closing.start()
    assert done == []
    go.set()
    closing.join(10)
    assert done == [True, "second"]
    with pytest.raises(Busy):
        turns.start("b", lambda: None)


def test_closing_tells_what_it_could_not_wait_for(caplog):
    turns, go = Turns(), threading.Event()
    turns.start("a", lambda: go.wait(10))
    turns.close(timeout_s=0)
    go.set()
    assert "1 turns had not ended" in caplog.text


def test_closing_without_turns_is_nothing():
    Turns().close()
