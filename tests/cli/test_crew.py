"""Threads that poll and answer by turns: tasks handed to a real crew."""

from __future__ import annotations

import queue
import threading
import time

import pytest

from botapi.cli.crew import CALM_S, Crew

LONG_S = 20


class Polled:
    """What a poll finds: tasks put in by the test; None only wakes."""

    def __init__(self):
        self.arriving = queue.Queue()
        self.crew = Crew(self.poll, lambda: self.arriving.put(None), threads=3)

    def poll(self):
        try:
            task = self.arriving.get(timeout=0.2)
        except queue.Empty:
            return
        if task is not None:
            self.crew.add_task(task)


class Task:
    """Says that it has begun, waits until it may go on, and says that it is done."""

    def __init__(self, fails=False):
        self.begun, self.may_end, self.done = threading.Event(), threading.Event(), threading.Event()
        self.fails = fails

    def service(self):
        self.begun.set()
        assert self.may_end.wait(LONG_S)
        self.done.set()
        if self.fails:
            raise SystemExit("no way to end a thread")


@pytest.fixture
def polled():
    polled = Polled()
    polled.crew.start()
    yield polled
    polled.crew.stop(LONG_S)
    assert not any(thread.name.startswith("answers-") for thread in threading.enumerate())


def test_a_long_answer_holds_nobody_up(polled):
    first, second = Task(), Task()
    polled.arriving.put(first)
    assert first.begun.wait(LONG_S)
    polled.arriving.put(second)
    second.may_end.set()
    assert second.done.wait(LONG_S)
    assert not first.done.is_set()
    first.may_end.set()


def test_after_a_calm_time_the_first_long_answer_holds_nobody_up_either(polled):
    calm_since = time.monotonic()
    while time.monotonic() - calm_since < CALM_S * 1.5:
        polled.arriving.put(None)
        time.sleep(0.05)
    test_a_long_answer_holds_nobody_up(polled)


def test_so_many_answers_run_at_once_and_others_wait(polled):
    tasks = [Task() for _ in range(5)]
    for task in tasks:
        polled.arriving.put(task)
    for task in tasks[:3]:
        assert task.begun.wait(LONG_S)
    while polled.crew.waiting < 2:
        time.sleep(0.001)
    assert not any(task.begun.is_set() for task in tasks[3:])
    tasks[1].may_end.set()
    assert tasks[3].begun.wait(LONG_S)
    assert not tasks[4].begun.is_set()
    for task in tasks:
        task.may_end.set()
    assert all(task.done.wait(LONG_S) for task in tasks)


def test_short_answers_run_in_the_thread_that_polls(polled):
    threads = set()

    class Short:
        def __init__(self):
            self.done = threading.Event()

        def service(self):
            threads.add((threading.get_ident(), polled.crew.leads()))
            self.done.set()

    for _ in range(50):
        task = Short()
        polled.arriving.put(task)
        assert task.done.wait(LONG_S)
    assert all(leads for _, leads in threads)


def test_a_failing_answer_costs_no_thread(polled, caplog):
    for _ in range(6):
        task = Task(fails=True)
        task.may_end.set()
        polled.arriving.put(task)
        assert task.done.wait(LONG_S)
    test_so_many_answers_run_at_once_and_others_wait(polled)
    assert caplog.messages.count("An answer failed outside the application.") == 6


def test_stopping_leaves_behind_what_does_not_end():
    polled = Polled()
    polled.crew.start()
    task = Task()
    polled.arriving.put(task)
    assert task.begun.wait(LONG_S)
    polled.crew.stop(0.1)
    task.may_end.set()
    assert task.done.wait(LONG_S)
