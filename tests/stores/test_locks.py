"""Ticket locks: one at a time, in the order of arrival, and nothing left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botapi.errors import Timeout
from botapi.stores.locks import InMemoryLockStore


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.0005)


def test_lock_leaves_nothing_behind() -> None:
    locks = InMemoryLockStore()
    with locks.lock("a"):
        assert locks.waiting() == 1
    assert locks.waiting() == 0
    assert locks._lines == {}


def test_lock_is_free_after_an_error() -> None:
    locks = InMemoryLockStore()
    with pytest.raises(KeyError), locks.lock("a"):
        raise KeyError
    with locks.lock("a", timeout_s=0):
        assert locks.waiting() == 1


def test_conversations_do_not_wait_for_each_other() -> None:
    locks = InMemoryLockStore()
    with locks.lock("a"), locks.lock("b", timeout_s=0):
        assert locks.waiting() == 2


def test_busy_conversation_is_a_timeout_that_says_so() -> None:
    locks = InMemoryLockStore(timeout_s=0.01)
    with locks.lock("a"):
        with pytest.raises(Timeout, match="Conversation 'a' was busy for 0.01 s"), locks.lock("a"):
            raise AssertionError("two inside")
        assert locks.waiting() == 1
    assert locks.waiting() == 0


def test_who_gives_up_holds_up_nobody_behind() -> None:
    locks = InMemoryLockStore()
    entered: list[str] = []

    def enter(name: str, timeout_s: float) -> None:
        try:
            with locks.lock("a", timeout_s):
                entered.append(name)
        except Timeout:
            entered.append(f"{name} gave up")

    impatient = threading.Thread(target=enter, args=("impatient", 0.02))
    patient = threading.Thread(target=enter, args=("patient", 10))
    with locks.lock("a"):
        impatient.start()
        wait_until(lambda: locks.waiting() == 2)
        patient.start()
        wait_until(lambda: locks.waiting() == 3)
        impatient.join()
    patient.join()
    assert entered == ["impatient gave up", "patient"]
    assert locks.waiting() == 0


@settings(deadline=None, max_examples=25)
@given(arrivals=st.lists(st.sampled_from("ab"), min_size=1, max_size=10))
def test_turns_of_a_conversation_run_in_the_order_of_arrival(arrivals: list[str]) -> None:
    locks = InMemoryLockStore()
    finished: list[tuple[str, int]] = []
    inside: list[str] = []

    def turn(sender_id: str, number: int) -> None:
        with locks.lock(sender_id, timeout_s=30):
            assert sender_id not in inside
            inside.append(sender_id)
            finished.append((sender_id, number))
            inside.remove(sender_id)

    threads = []
    with locks.lock("a"), locks.lock("b"):
        for number, sender_id in enumerate(arrivals):
            thread = threading.Thread(target=turn, args=(sender_id, number))
            thread.start()
            threads.append(thread)
            wait_until(lambda count=number + 3: locks.waiting() == count)
    for thread in threads:
        thread.join()
    for name in "ab":
        expected = [number for number, sender_id in enumerate(arrivals) if sender_id == name]
        assert [number for sender_id, number in finished if sender_id == name] == expected
    assert locks.waiting() == 0


def test_many_threads_and_short_timeouts_never_meet_inside() -> None:
    """Some waiters give up in the very moment in which their turn comes; the lock must survive it."""
    locks = InMemoryLockStore()
    inside = 0
    met: list[int] = []

    def work() -> None:
        nonlocal inside
        for _ in range(60):
            try:
                with locks.lock("a", timeout_s=0.0005):
                    inside += 1
                    met.append(inside)
                    time.sleep(0.0005)
                    inside -= 1
            except Timeout:
                pass

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(met) == {1}
    assert locks.waiting() == 0
