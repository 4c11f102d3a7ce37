"""What runs right now, and how often and how long things ran: observations in; text for Prometheus out; knows no HTTP.

Every metric of the server stands at the end of this file. They count for the whole process, as Prometheus expects.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter
from typing import Protocol

# None in threads that never had a request, nor a copy of one's context; a server's thread keeps that of its last one.
request_id: ContextVar[str | None] = ContextVar("botapi_request_id", default=None)
# Headers that carry the caller's trace on to other servers (W3C Trace Context); empty where he sent none.
trace_context: ContextVar[Mapping[str, str]] = ContextVar("botapi_trace_context", default={})  # noqa: B039

Labels = tuple[str, ...]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Upper ends of the classes of durations, in seconds: from a parsed message to a training.
BOUNDS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120, 600)
# Names of actions come with models, and over years with many: past so many, further ones count together.
MAX_SERIES = 2000
OTHER = "other"
OK = "ok"


class Metric(Protocol):
    """Something that Prometheus can read."""

    name: str
    kind: str
    help: str

    def samples(self) -> Iterator[tuple[str, float]]:
        """Lines without the value, such as `botapi_turns_total{channel="rest"}`, each with its value."""


class Counter:
    """Counts what happens, for each combination of labels on its own."""

    kind = "counter"

    def __init__(self, name: str, help: str, labels: Labels = ()) -> None:
        self.name, self.help = name, help
        self._labels = labels
        self._guard = threading.Lock()
        self._counts: dict[Labels, int] = {}

    def count(self, *values: str) -> None:
        """Count one; `values` are those of the labels, in their order."""
        with self._guard:
            before = self._counts.get(values)
            if before is None and len(self._counts) >= MAX_SERIES:
                values = (OTHER,) * len(values)
                before = self._counts.get(values)
            self._counts[values] = (before or 0) + 1

    def samples(self) -> Iterator[tuple[str, float]]:
        with self._guard:
            counts = sorted(self._counts.items())
        for values, count in counts:
            yield f"{self.name}{_braces(self._labels, values)}", count


class Timing:
    """A block whose duration a histogram observes. PERF: a generator would cost as much as a small block."""

    __slots__ = ("_began", "_histogram", "_values")

    def __init__(self, histogram: Histogram, values: Labels) -> None:
        self._histogram, self._values = histogram, values

    def __enter__(self) -> None:
        self._began = perf_counter()

    def __exit__(self, *raised: object) -> None:
        self._histogram.observe(perf_counter() - self._began, *self._values)


class Histogram:
    """Sorts durations into classes, for each combination of labels on its own."""

    kind = "histogram"

    def __init__(self, name: str, help: str, labels: Labels = ()) -> None:
        self.name, self.help = name, help
        self._labels = labels
        self._guard = threading.Lock()
        # How many there were in each class, and the seconds of all.
        self._series: dict[Labels, tuple[list[int], list[float]]] = {}

    def observe(self, duration_s: float, *values: str) -> None:
        """Count a duration; `values` are those of the labels, in their order."""
        place = bisect_left(BOUNDS_S, duration_s)
        # PERF: a lock that is free costs 50 ns; what is done inside is as short.
        with self._guard:
            series = self._series.get(values) or self._begun(values)
            series[0][place] += 1
            series[1][0] += duration_s

    def time(self, *values: str) -> Timing:
        """Count how long the block takes, however it ends."""
        return Timing(self, values)

    @contextmanager
    def attempt(self, *values: str) -> Iterator[None]:
        """As `time`, with one more label: `ok`, or the class of the exception that ended the block."""
        began = perf_counter()
        outcome = OK
        try:
            yield
        except BaseException as error:  # looked at on its way
            outcome = type(error).__name__
            raise
        finally:
            self.observe(perf_counter() - began, *values, outcome)

    def _begun(self, values: Labels) -> tuple[list[int], list[float]]:
        if len(self._series) >= MAX_SERIES:
            values = (OTHER,) * len(values)
        return self._series.setdefault(values, ([0] * (len(BOUNDS_S) + 1), [0.0]))

    def samples(self) -> Iterator[tuple[str, float]]:
        with self._guard:
            series = sorted((values, counts[:], total_s[0]) for values, (counts, total_s) in self._series.items())
        for values, counts, total_s in series:
            sum_so_far = 0
            for bound, count in zip((*BOUNDS_S, "+Inf"), counts, strict=True):
                sum_so_far += count
                yield f"{self.name}_bucket{_braces((*self._labels, 'le'), (*values, str(bound)))}", sum_so_far
            yield f"{self.name}_sum{_braces(self._labels, values)}", total_s
            yield f"{self.name}_count{_braces(self._labels, values)}", sum_so_far


class Gauge:
    """Something that goes up and down; `read` gives its value when somebody asks."""

    kind = "gauge"

    def __init__(self, name: str, help: str, read: Callable[[], float]) -> None:
        self.name, self.help = name, help
        self._read = read

    def samples(self) -> Iterator[tuple[str, float]]:
        yield self.name, self._read()


def exposition(metrics: Iterable[Metric]) -> str:
    """The metrics in Prometheus' text format 0.0.4."""
    lines = []
    for metric in metrics:
        lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
        lines += [f"{name} {value}" for name, value in metric.samples()]
    return "\n".join([*lines, ""])


def _braces(names: Labels, values: Labels) -> str:
    if not names:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True)) + "}"


def _escaped(value: str) -> str:
    text = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return text.encode("utf-8", "replace").decode()


requests = Counter("botapi_http_requests_total", "Requests answered.", ("method", "route", "status"))
request_s = Histogram("botapi_http_request_duration_seconds", "From request to end of answer.", ("method", "route"))
turn_s = Histogram("botapi_turn_duration_seconds", "Turns of conversations: from a message to the bot's last word.")
parse_s = Histogram("botapi_parse_duration_seconds", "Understanding a message.")
action_s = Histogram("botapi_action_duration_seconds", "Calls of custom actions.", ("action", "outcome"))
lock_wait_s = Histogram("botapi_lock_wait_seconds", "Waiting for earlier messages of the same conversation.")
model_load_s = Histogram("botapi_model_load_duration_seconds", "Loading models.", ("outcome",))


def count_request(method: str, route: str, status: str, duration_s: float) -> None:
    """Count a request that has been answered; each of the texts has few values."""
    requests.count(method, route, status)
    request_s.observe(duration_s, method, route)


METRICS: tuple[Metric, ...] = (requests, request_s, turn_s, parse_s, action_s, lock_wait_s, model_load_s)
