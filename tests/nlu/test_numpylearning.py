"""The training with numpy beside the one in plain Python: without chance, they take the same steps."""

from __future__ import annotations

import pytest

from botapi.nlu import numpylearning, plainlearning
from botapi.nlu.linear import ZERO, Start
from botapi.nlu.recipe import Recipe, Task

VECTORS = [([0, 2], [0.6, 0.8]), ([1, 2], [0.8, 0.6]), ([0, 1, 2], [0.5, 0.5, 0.7])]
IDF = [1.0, 2.0, 3.0]
# One example a time and nothing dropped: chance has no part in it.
CERTAIN = Recipe(epochs=4, dropout=0.0, small_error=0.0)


def both(vectors, targets, start=None, recipe=CERTAIN):
    task = Task(vectors, targets, 3, 3, seed=1)
    return [
        learning.train(task, recipe, start and Start(iter(start[0]), start[1]), IDF)
        for learning in (plainlearning, numpylearning)
    ]


def reals(learned):
    return [(weight - ZERO) * learned.scale for weight in learned.weights]


@pytest.mark.parametrize("target", [0, 1, 2])
@pytest.mark.parametrize("vector", VECTORS)
def test_the_steps_are_the_same(vector, target):
    plain, fast = both([vector], [target])
    assert reals(plain) == pytest.approx(reals(fast), abs=2 * plain.scale)
    assert plain.bias == pytest.approx(fast.bias, abs=1e-5)


def test_both_begin_where_they_are_told():
    start = [[0.5, -0.5, 0.0], None, [0.1, 0.2, 0.3]], [0.1, 0.0, -0.1]
    plain, fast = both([VECTORS[0]], [1], start)
    fresh, _ = both([VECTORS[0]], [1])
    assert reals(plain) == pytest.approx(reals(fast), abs=2 * plain.scale)
    assert reals(plain) != pytest.approx(reals(fresh), abs=0.05)


def test_weights_that_no_training_reaches_do_no_harm():
    for learned in both([VECTORS[0]], [0], ([[-9000.0, 9000.0, 0.0]] * 3, [0.0, 0.0, 0.0])):
        assert len(learned.weights) == 9


def test_nothing_to_learn_from_gives_zero_weights():
    for learned in both([([], [])], [0]):
        assert [weight - ZERO for weight in learned.weights] == [0] * 9
        assert learned.scale > 0
        assert len(learned.bias) == 3


def test_what_is_certain_is_left_alone():
    start = [[9.0, 0.0, 0.0]] * 3, [0.0, 0.0, 0.0]
    for learned in both([VECTORS[0]], [0], start):
        assert reals(learned) == pytest.approx([9, 0, 0, 18, 0, 0, 27, 0, 0], abs=learned.scale)


def test_many_examples_at_once_and_one_at_a_time_end_alike():
    vectors, targets = VECTORS * 30, [0, 1, 2] * 30
    plain, fast = both(vectors, targets, recipe=Recipe(dropout=0.0))
    assert reals(plain) == pytest.approx(reals(fast), rel=0.2, abs=0.5)
