"""Calibration: what is held back, and what temperature and threshold come of it."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botapi.nlu.calibration import FOLDS, MOST_EXAMPLES, HeldOut, parts
from botapi.nlu.linear import softmax


@given(st.lists(st.sampled_from("abcdef"), max_size=60), st.integers(0, 5))
def test_what_is_asked_about_was_not_learned_and_its_label_was(labels, seed):
    for learned, asked in parts(labels, seed):
        assert not set(learned) & set(asked)
        assert sorted([*learned, *asked]) == list(range(len(labels)))
        assert {labels[n] for n in asked} <= {labels[n] for n in learned}


def test_a_fifth_of_each_label_is_held_back():
    labels = ["a"] * 50 + ["b"] * 100 + ["c"]
    for _, asked in parts(labels, 1):
        assert Counter(labels[n] for n in asked) == {"a": 10, "b": 20}


@pytest.mark.parametrize(("size", "ways"), [(10, FOLDS), (200, 4), (750, 1), (20_000, 1)])
def test_few_examples_are_held_back_in_turn(size, ways):
    found = parts(["a", "b"] * (size // 2), 1)
    assert len(found) == ways
    assert all(len(part.learned) + len(part.asked) <= MOST_EXAMPLES for part in found)


def test_one_label_leaves_nothing_to_ask():
    assert parts(["a", "a"], 1) == []


def answers(factor, size=400):
    """Answers of a model whose scores are `factor` times what they should be."""
    chance, held_out = random.Random(3), HeldOut()
    for _ in range(size):
        scores = [chance.gauss(0, 2) for _ in range(5)]
        right = chance.choices(range(5), softmax(scores))[0]
        held_out.add([score * factor for score in scores], right)
    return held_out


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.0, 1.2])
def test_the_temperature_undoes_scores_that_are_too_small_or_large(factor):
    assert answers(factor).temperature() == pytest.approx(factor, rel=0.25)


def test_few_answers_change_little():
    assert answers(0.5, size=2).temperature() == pytest.approx(1.0, abs=0.25)
    assert HeldOut().temperature() == 1.0


def test_nineteen_of_twenty_right_answers_reach_the_threshold():
    held_out = answers(1.0, size=1000)
    threshold = held_out.threshold()
    reached = [
        max(confidences) >= threshold
        for confidences, is_right in held_out.confidences(held_out.temperature())
        if is_right
    ]
    assert sum(reached) / len(reached) == pytest.approx(0.95, abs=0.01)


def test_the_threshold_is_that_of_the_reference_where_little_is_known():
    assert answers(1.0, size=50).threshold() == 0.3
    assert HeldOut().threshold() == 0.3
