"""The chain against all sequences, one by one: the best is the best, probabilities are those of the softmax."""

from __future__ import annotations

from itertools import pairwise, product
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botapi.nlu.tagging.chain import MARGIN, Chain

SCALE = 1e-3
# Scores so close to each other that no label is left out.
NEAR = st.integers(0, int(MARGIN / SCALE / 8))


@st.composite
def chains(draw, numbers=NEAR):
    size = draw(st.integers(1, 4))
    row = st.lists(numbers, min_size=size, max_size=size)
    return draw(st.lists(row, min_size=size, max_size=size)), draw(st.lists(row, min_size=1, max_size=4))


def every_sequence(weights, scores):
    for sequence in product(range(len(weights)), repeat=len(scores)):
        inner = sum(weights[a][b] for a, b in pairwise(sequence))
        yield sequence, inner + sum(row[label] for row, label in zip(scores, sequence, strict=True))


@given(chains())
def test_the_best_sequence_has_the_highest_score(chain):
    weights, scores = chain
    path, _ = Chain(weights, SCALE).best(scores)
    totals = dict(every_sequence(weights, scores))
    assert totals[tuple(path)] == max(totals.values())


@given(chains())
def test_probabilities_are_those_of_all_sequences(chain):
    weights, scores = chain
    made = Chain(weights, SCALE)
    _, choices = made.best(scores)
    found = made.probabilities(scores, choices)
    powers = {sequence: exp(total * SCALE) for sequence, total in every_sequence(weights, scores)}
    for place, (labels, likely) in enumerate(zip(choices, found, strict=True)):
        for label, probability in zip(labels, likely, strict=True):
            share = sum(power for sequence, power in powers.items() if sequence[place] == label)
            assert probability == pytest.approx(share / sum(powers.values()), abs=1e-9)


@given(chains(st.integers(-32767, 32767)))
def test_whatever_the_weights_are_the_probabilities_add_up(chain):
    weights, scores = chain
    made = Chain(weights, 100 / 32767)
    path, choices = made.best(scores)
    for label, labels, likely in zip(path, choices, made.probabilities(scores, choices), strict=True):
        assert label in labels
        assert sum(likely) == pytest.approx(1)


def test_hopeless_labels_are_left_out():
    made = Chain([[0, 0], [0, 0]], SCALE)
    far = int(MARGIN / SCALE) + 1
    assert made.best([[far, 0], [0, 0]]) == ([0, 0], [[0], [0, 1]])
