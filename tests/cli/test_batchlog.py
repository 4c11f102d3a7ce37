"""Lines that are written together: none lost, none late that matters, none in two pieces."""

from __future__ import annotations

import logging
import sys
import threading

import pytest

from botapi.cli.batchlog import BatchedHandler, to_file


class Written:
    """What was written, and when something is."""

    def __init__(self) -> None:
        self.came = threading.Condition()
        self.texts: list[str] = []

    def __call__(self, text: str) -> None:
        with self.came:
            self.texts.append(text)
            self.came.notify_all()

    def lines(self) -> list[str]:
        return "".join(self.texts).splitlines()


@pytest.fixture
def written():
    return Written()


@pytest.fixture
def logger(written):
    found = logging.Logger("batched", logging.INFO)
    found.addHandler(BatchedHandler(written, interval_s=0.05))
    yield found
    found.handlers[0].close()


def test_lines_are_written_soon_and_together(logger, written):
    for number in range(100):
        logger.info("line %d", number)
    with written.came:
        assert written.came.wait_for(lambda: len(written.lines()) == 100, timeout=10)
    assert written.lines() == [f"line {number}" for number in range(100)]
    assert len(written.texts) < 20


def test_a_warning_is_written_at_once_after_what_came_before(logger, written):
    logger.info("one")
    logger.warning("two")
    assert written.lines() == ["one", "two"]


def test_closing_writes_what_waits_and_later_lines_are_written_at_once(logger, written):
    logger.info("one")
    logger.handlers[0].close()
    logger.info("two")
    assert written.lines() == ["one", "two"]


def test_threads_lose_no_line(logger, written):
    def log(name):
        for number in range(200):
            logger.info("%s %d", name, number)

    threads = [threading.Thread(target=log, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    logger.handlers[0].flush()
    assert sorted(written.lines()) == sorted(f"{name} {number}" for name in "abcd" for number in range(200))


def test_a_place_that_takes_nothing_for_a_while_fails_nobody(written, monkeypatch, capsys):
    failures = [OSError("disk full"), OSError("disk full")]
    tried = threading.Semaphore(0)

    def write(text):
        tried.release()
        if failures:
            raise failures.pop()
        written(text)

    monkeypatch.setattr("sys.__stderr__", sys.stderr)
    logger = logging.Logger("batched", logging.INFO)
    logger.addHandler(BatchedHandler(write, interval_s=0.01))
    logger.warning("lost")
    assert tried.acquire(timeout=10)
    logger.info("lost in the thread that writes")
    assert tried.acquire(timeout=10)
    logger.info("there")
    assert tried.acquire(timeout=10)
    logger.handlers[0].close()
    assert written.lines() == ["there"]
    assert "disk full" in capsys.readouterr().err


def test_a_file_may_be_moved_away_and_takes_any_text(tmp_path):
    file = tmp_path / "x.log"
    write = to_file(file)
    write("one\n")
    file.rename(tmp_path / "x.log.1")
    write("half a pair: \ud800\n")
    assert file.read_text() == "half a pair: \\ud800\n"


def test_a_file_that_cannot_be_opened_is_found_out_at_once(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        to_file(tmp_path / "missing" / "x.log")
