"""The postbox: messages in; each sent once and in order, tried again on failure, dropped with a log line in the end."""

from __future__ import annotations

import logging
import threading
from queue import SimpleQueue

import pytest

from botapi.channels.postbox import PAUSES_S, Postbox
from botapi.errors import BotError


@pytest.fixture
def boxes():
    """Makes postboxes and closes them."""
    made = []

    def make(send, **options):
        made.append(Postbox(send, **options))
        return made[-1]

    yield make
    for box in made:
        box.close()


def test_messages_of_one_recipient_keep_their_order(boxes):
    sent = SimpleQueue()
    box = boxes(lambda message: sent.put(message["n"]) is None)
    for n in range(200):
        box.put("a", {"n": n})
    assert [sent.get(timeout=10) for _ in range(200)] == list(range(200))


def test_putting_does_not_wait_for_the_receiver(boxes):
    go, sent = threading.Event(), SimpleQueue()
    box = boxes(lambda message: go.wait(10) and sent.put(message) is None)
    box.put("a", {"n": 1})
    box.put("a", {"n": 2})
    assert sent.empty()
    go.set()
    assert [sent.get(timeout=10)["n"] for _ in range(2)] == [1, 2]


def test_a_failed_message_is_tried_again(boxes):
    sent, answers = SimpleQueue(), [False, BotError("down"), True]

    def send(message):
        answer = answers.pop(0)
        sent.put(message["n"])
        if isinstance(answer, BotError):
            raise answer
        return answer

    boxes(send, pauses_s=(0, 0)).put("a", {"n": 1})
    assert [sent.get(timeout=10) for _ in range(3)] == [1, 1, 1]
    assert answers == []


@pytest.mark.parametrize("failure", [False, BotError("down")])
def test_what_never_works_is_dropped_and_the_next_one_comes(boxes, caplog, failure):
    sent = SimpleQueue()

    def send(message):
        if message["n"] == 1:
            if isinstance(failure, BotError):
                raise failure
            return failure
        sent.put(message["n"])
        return True

    with caplog.at_level(logging.ERROR):
        box = boxes(send, pauses_s=(0,))
        box.put("a", {"n": 1, "recipient_id": "a"})
        box.put("a", {"n": 2})
        assert sent.get(timeout=10) == 2
    assert "is dropped" in caplog.text


def test_a_worker_outlives_any_error(boxes, caplog):
    sent = SimpleQueue()

    def send(message):
        if message["n"] == 1:
            raise KeyError("odd")
        sent.put(message["n"])
        return True

    box = boxes(send)
    box.put("a", {"n": 1})
    box.put("a", {"n": 2})
    assert sent.get(timeout=10) == 2
    assert "could not be posted" in caplog.text


def test_a_full_queue_drops_and_says_so(boxes, caplog, monkeypatch):
    monkeypatch.setattr("botapi.channels.postbox.PLACES", 4)
    go, began = threading.Event(), threading.Event()

    def send(message):
        began.set()
        return go.wait(10)

    box = boxes(send)
    box.put("a", {"n": 1})
    assert began.wait(10)
    box.put("a", {"n": 2})
    box.put("a", {"n": 3})
    go.set()
    assert "is dropped: 1 others wait" in caplog.text


def test_closing_sends_what_is_queued():
    sent = []
    box = Postbox(lambda message: sent.append(message["n"]) is None)
    for n in range(50):
        box.put("a", {"n": n})
    box.close()
    assert sent == list(range(50))


def test_what_is_still_being_sent_when_closing_ends_is_told(caplog):
    go, began = threading.Event(), threading.Event()

    def send(message):
        began.set()
        return go.wait(10)

    box = Postbox(send)
    box.put("a", {"n": 1})
    assert began.wait(10)
    box.close(timeout_s=0)
    go.set()
    assert "1 messages could not be posted" in caplog.text


def test_what_comes_after_closing_is_told(caplog):
    box = Postbox(lambda message: True)
    box.close()
    box.put("a", {"n": 1})
    assert "is dropped: the server stops" in caplog.text


def test_closing_an_unused_box_is_nothing():
    Postbox(lambda message: True).close()


def test_a_receiver_may_be_down_for_a_minute():
    assert sum(PAUSES_S) >= 60


def test_closing_is_as_patient_as_before():
    answers = [False, False, True]
    box = Postbox(lambda message: answers.pop(0), pauses_s=(0.01, 0.01))
    box.put("a", {"n": 1})
    box.close()
    assert answers == []


def test_closing_gives_up_in_time(caplog):
    tried = threading.Event()
    box = Postbox(lambda message: tried.set() or False, pauses_s=(60,))
    box.put("a", {"n": 1})
    assert tried.wait(10)
    box.close(timeout_s=0.01)
    assert "1 messages could not be posted" in caplog.text
