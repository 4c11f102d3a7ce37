"""A log handler that costs a request little: records in; a few times a second, all lines together out."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

INTERVAL_S = 0.2


class BatchedHandler(logging.Handler):
    """Formats a record at once and writes it with others, at most `interval_s` later; warnings and errors at once.

    PERF: a write for each line lets go of the interpreter lock in the middle of each request, which under load costs
    more than the rest of a small request. A killed process loses the lines of the last `interval_s`.
    """

    def __init__(self, write: Callable[[str], object], *, interval_s: float = INTERVAL_S) -> None:
        super().__init__()
        self._write = write
        self._interval_s = interval_s
        self._lines: list[str] = []
        self._waiting = threading.Event()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.append(self.format(record))
        except Exception:  # as logging does: a line that can't be formatted must not fail a request
            self.handleError(record)
        if record.levelno >= logging.WARNING or self._ended.is_set():
            self.flush()
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="log", daemon=True)
            self._thread.start()
        if not self._waiting.is_set():
            self._waiting.set()

    def flush(self) -> None:
        """Write what waits."""
        with self.lock or threading.Lock():
            self._waiting.clear()
            lines, self._lines = self._lines, []
            try:
                if lines:
                    self._write("\n".join(lines) + "\n")
            except (OSError, ValueError):  # a full disk, a closed file: as in logging, no reason to fail a request
                if logging.raiseExceptions and sys.__stderr__:
                    traceback.print_exc(file=sys.__stderr__)

    def close(self) -> None:
        self._ended.set()
        self._waiting.set()
        self.flush()
        super().close()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._waiting.wait()
            self._ended.wait(self._interval_s)
            self.flush()


def to_stderr() -> Callable[[str], object]:
    """Writes to whatever is standard error at the time."""

    def write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()

    return write


def to_file(path: str | Path) -> Callable[[str], object]:
    """Appends to a file, opened each time so that it may be moved away; raises OSError here if it can't be opened."""

    def write(text: str) -> None:
        with open(path, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)

    write("")
    return write
