"""The training with numpy beside the one in plain Python: without chance, they take the same steps."""

from __future__ import annotations

import pytest

from botapi.nlu import learning, numpylearning
from botapi.nlu.linear import ZERO

VECTORS = [([0, 2], [0.6, 0.8]), ([1, 2], [0.8, 0.6]), ([0, 1, 2], [0.5, 0.5, 0.7])]
# One example a time and nothing dropped: chance has no part in it.
CERTAIN = learning.Recipe(epochs=4, dropout=0.0, smallest_error=0.0)


@pytest.mark.parametrize("target", [0, 1, 2])
@pytest.mark.parametrize("vector", VECTORS)
def test_the_steps_are_the_same(vector, target):
    plain = learning.train_plain([vector], [target], (3, 3), CERTAIN, 1)
    fast = numpylearning.train([vector], [target], (3, 3), CERTAIN, 1)
    reals = [[(weight - ZERO) * scale for weight in weights] for weights, scale, _ in (plain, fast)]
    assert reals[0] == pytest.approx(reals[1], abs=1e-4)
    assert plain[2] == pytest.approx(fast[2], abs=1e-5)


def test_nothing_to_learn_from_gives_zero_weights():
    weights, scale, bias = numpylearning.train([([], [])], [0], (1, 2), CERTAIN, 1)
    assert ([weight - ZERO for weight in weights], scale > 0, len(bias)) == ([0, 0], True, 2)
