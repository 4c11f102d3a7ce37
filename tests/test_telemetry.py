"""Metrics as Prometheus reads them: observations in; its own parser finds them again."""

from __future__ import annotations

import math
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from botapi.telemetry import BOUNDS_S, MAX_SERIES, METRICS, Counter, Gauge, Histogram, exposition


def families(*metrics):
    """What a scrape of these metrics means, by name."""
    return {family.name: family for family in text_string_to_metric_families(exposition(metrics))}


def values(family):
    """{(sample's name, its labels' values): value}"""
    return {(sample.name, *sample.labels.values()): sample.value for sample in family.samples}


def test_a_counter_counts_each_combination_of_labels():
    counter = Counter("cups_total", "Cups.", ("kind", "size"))
    for kind, size in [("tea", "small"), ("tea", "large"), ("tea", "small")]:
        counter.count(kind, size)
    family = families(counter)["cups"]
    assert (family.type, family.documentation) == ("counter", "Cups.")
    assert values(family) == {("cups_total", "tea", "small"): 2, ("cups_total", "tea", "large"): 1}


def test_a_histogram_sorts_durations_into_classes_and_adds_them_up():
    histogram = Histogram("brew_seconds", "Brewing.", ("kind",))
    for duration_s in (0.0005, 0.0006, 1.0, 9999.0):
        histogram.observe(duration_s, "tea")
    found = values(families(histogram)["brew_seconds"])
    assert found["brew_seconds_count", "tea"] == 4
    assert found["brew_seconds_sum", "tea"] == pytest.approx(10000.0011)
    bucket = {bound: found["brew_seconds_bucket", "tea", str(bound)] for bound in (*BOUNDS_S, "+Inf")}
    assert (bucket[0.0005], bucket[0.001], bucket[0.5], bucket[1], bucket[600], bucket["+Inf"]) == (1, 2, 2, 3, 3, 4)


@given(st.lists(st.floats(0, 1000)))
def test_each_class_holds_what_is_not_longer_than_its_bound(durations_s):
    histogram = Histogram("brew_seconds", "Brewing.")
    for duration_s in durations_s:
        histogram.observe(duration_s)
    for sample in families(histogram)["brew_seconds"].samples:
        if sample.name.endswith("_bucket"):
            assert sample.value == sum(duration_s <= float(sample.labels["le"]) for duration_s in durations_s)


def test_a_block_is_timed_however_it_ends():
    histogram = Histogram("brew_seconds", "Brewing.")
    with histogram.time():
        pass
    with pytest.raises(KeyError), histogram.time():
        raise KeyError
    assert values(families(histogram)["brew_seconds"])[("brew_seconds_count",)] == 2


def test_an_attempt_tells_how_it_ended():
    histogram = Histogram("brew_seconds", "Brewing.", ("kind", "outcome"))
    with histogram.attempt("tea"):
        pass
    with pytest.raises(KeyError), histogram.attempt("tea"):
        raise KeyError
    found = values(families(histogram)["brew_seconds"])
    assert (found["brew_seconds_count", "tea", "ok"], found["brew_seconds_count", "tea", "KeyError"]) == (1, 1)


def test_a_gauge_is_read_when_somebody_asks():
    cups = [1, 2, 3]
    gauge = Gauge("cups", "Cups on the table.", lambda: len(cups))
    cups.pop()
    assert values(families(gauge)["cups"]) == {("cups",): 2}


@given(st.text(), st.text())
def test_labels_of_any_text_are_found_again(one, other):
    counter = Counter("cups_total", "Cups.", ("kind", "size"))
    counter.count(one, other)
    (sample,) = families(counter)["cups"].samples
    shown = [text.encode("utf-8", "replace").decode() for text in (one, other)]
    assert list(sample.labels.values()) == shown


@pytest.mark.parametrize("kind", [Counter, Histogram])
def test_series_are_bounded(kind):
    metric = kind("cups", "Cups.", ("kind",))
    for number in range(MAX_SERIES + 50):
        metric.count(str(number)) if kind is Counter else metric.observe(1, str(number))
    kinds = {sample.labels["kind"] for sample in families(metric)["cups"].samples}
    assert len(kinds) == MAX_SERIES + 1 and "other" in kinds


def test_nothing_is_lost_between_threads():
    counter, histogram = Counter("cups_total", "Cups."), Histogram("brew_seconds", "Brewing.")

    def work():
        for _ in range(5000):
            counter.count()
            histogram.observe(0.5)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = families(counter, histogram)
    assert values(found["cups"]) == {("cups_total",): 20_000}
    assert values(found["brew_seconds"])[("brew_seconds_sum",)] == 10_000


def test_what_never_happened_is_named_all_the_same():
    found = families(*METRICS)
    assert len(found) == len(METRICS)
    assert all(family.documentation and family.type for family in found.values())
    assert not any(math.isnan(sample.value) for family in found.values() for sample in family.samples)
