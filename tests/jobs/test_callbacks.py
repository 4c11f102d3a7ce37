"""Answers posted to a caller's URL: a receiver that is away, that refuses, and one that came to lie inside."""

from __future__ import annotations

import logging
import socket
import threading

import pytest

from botapi.errors import InputError
from botapi.jobs.callbacks import PAUSES_S, Callbacks
from botapi.outbound import Endpoint, Outbound
from tests.channels.receiver import receiver

HEADERS = [("Content-Type", "application/json"), ("Set-Cookie", "a=1"), ("filename", "m.tar.gz")]
BODY = b'{"done": true}'


def callbacks(check=Endpoint, pauses_s=(0.0, 0.0)):
    return Callbacks(Outbound(), check, threads=1, pauses_s=pauses_s)


def test_body_is_posted_once_with_the_headers_that_describe_it():
    with receiver() as there:
        callbacks().post(f"{there.url}/done", 200, HEADERS, BODY)
        path, headers, body = there.next()
        assert (path, body, headers["filename"]) == ("/done", {"done": True}, "m.tar.gz")
        assert "Set-Cookie" not in headers
        assert there.posted.empty()


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_receiver_that_can_not_now_is_asked_again_under_the_same_key(status):
    with receiver(status, status) as there:
        callbacks().post(there.url, 200, HEADERS, BODY)
        keys = {there.next()[1]["Idempotency-Key"] for _ in range(3)}
    assert len(keys) == 1 and len(keys.pop()) == 34


def test_a_receiver_that_refuses_is_left_alone(caplog):
    with receiver(400) as there:
        callbacks().post(f"{there.url}/done?token=s3cr3t", 200, HEADERS, BODY)
        there.next()
        assert there.posted.empty()
    assert "is dropped: it answered with status 400" in caplog.text
    assert "s3cr3t" not in caplog.text


def test_what_nobody_takes_is_dropped_after_the_last_attempt(caplog):
    with receiver(500, 500, 500) as there:
        callbacks().post(there.url, 200, HEADERS, BODY)
        for _ in range(3):
            there.next()
    assert caplog.text.count("is dropped") == 1


def test_address_is_checked_before_each_attempt(caplog):
    asked = []

    def check(url):
        asked.append(url)
        if len(asked) > 1:
            raise InputError("It leads inside.")
        return Endpoint(url)

    with receiver(503) as there:
        callbacks(check).post(there.url, 200, HEADERS, BODY)
        there.next()
        assert there.posted.empty()
    assert len(asked) == 3
    assert "It leads inside." in caplog.text


def test_a_receiver_may_be_away_for_a_minute():
    assert 60 < sum(PAUSES_S) < 120


def test_a_receiver_that_is_down_for_a_while_gets_it_once():
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    posting = threading.Thread(
        target=Callbacks(Outbound(), Endpoint, threads=1).post,
        args=(f"http://127.0.0.1:{port}/done", 200, HEADERS, BODY),
    )
    posting.start()
    posting.join(0.7)  # nobody listens at the first two attempts
    with receiver(port=port) as there:
        path, _, body = there.next(timeout_s=30)
        posting.join()
        assert (path, body, there.posted.empty()) == ("/done", {"done": True}, True)


def test_closing_tries_nothing_again(caplog):
    caplog.set_level(logging.INFO)
    with receiver(503) as there:
        slow = callbacks(pauses_s=(60.0,))
        slow.submit(lambda: slow.post(there.url, 200, HEADERS, BODY))
        there.next()
        slow.close(wait=True)
        assert there.posted.empty()
    assert "is dropped" in caplog.text
    with pytest.raises(RuntimeError):
        slow.submit(lambda: None)
