"""How far a command is, in one line of the terminal: numbers from 0 to 1 in, a bar out; nothing in a file or pipe."""

from __future__ import annotations

import time
from typing import TextIO

WIDTH = 40
INTERVAL_S = 0.1


class ProgressBar:
    """Call it with a number from 0 to 1; it draws at most ten times a second, and only where somebody watches."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_watched = stream.isatty()
        self._started_s = self._drawn_s = time.monotonic()
        self._length = 0

    def __call__(self, fraction: float) -> None:
        now_s = time.monotonic()
        if not self._is_watched or now_s - self._drawn_s < INTERVAL_S:
            return
        self._drawn_s = now_s
        done = round(min(1.0, max(0.0, fraction)) * WIDTH)
        self._write(f"Training [{'#' * done}{' ' * (WIDTH - done)}] {fraction:4.0%} {now_s - self._started_s:5.0f} s")

    def close(self) -> None:
        """Leave the line empty."""
        if self._length:
            self._write("")

    def _write(self, line: str) -> None:
        self._stream.write("\r" + line.ljust(self._length) + ("" if line else "\r"))
        self._stream.flush()
        self._length = len(line)
