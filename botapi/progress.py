"""How far work is: a function that is told a number from 0 to 1; and the same for a part of the work."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float], None]


def untold(fraction: float) -> None:
    """For work whose progress nobody follows."""


def part(progress: Progress, start: float, end: float) -> Progress:
    """What a part tells that lies between `start` and `end` of the whole."""
    return lambda fraction: progress(start + (end - start) * fraction)
