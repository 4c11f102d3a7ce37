"""Learning a linear text classifier: texts with labels in, a LinearModel out; numpy helps where it is installed.

Multinomial logistic regression by per-example sparse AdaGrad (Duchi, Hazan and Singer, 2011) with feature dropout.
"""

from __future__ import annotations

import importlib.util
import math
import random
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from botapi.nlu import numpylearning
from botapi.nlu.featurizers import Vector, fit
from botapi.nlu.linear import LARGEST_WEIGHT, ZERO, LinearModel, softmax
from botapi.nlu.message import MAX_CHARACTERS

# With fewer examples a label than this, the label's own name is a good further example.
FEW_EXAMPLES = 30
# PERF: numpy pays off, its import included, from about this many (example, label) pairs on.
NUMPY_PAYS_OFF = 1_000

FIELD_BITS = 64
WEIGHT_BITS, VALUE_BITS = 20, 23
OFFSET = 1 << 29


@dataclass(frozen=True)
class Recipe:
    """Settings of the training, chosen on parts held back from training sets."""

    epochs: int = 15
    learning_rate: float = 0.5
    bias_rate: float = 0.05
    first_square: float = 1e-2
    dropout: float = 0.3
    # PERF: labels whose error is smaller are not corrected in a step: most are, so most of the work falls away.
    smallest_error: float = 5e-3

    def least_error(self, labels: int) -> float:
        """The smallest error that counts; well below what each of so many labels begins with."""
        return min(self.smallest_error, 0.3 / labels)


def learn(examples: Sequence[tuple[str, str]], *, seed: int, numpy: bool | None = None) -> LinearModel:
    """A model for (text, label) examples; labels are in alphabetic order.

    `numpy` says whether to use it; None means: where it is installed and the data is large enough to gain from it.
    """
    labels = sorted({label for _, label in examples})
    texts = [text[:MAX_CHARACTERS] for text, _ in examples]
    targets = [labels.index(label) for _, label in examples]
    if len(examples) < FEW_EXAMPLES * len(labels):
        texts += [label.replace("_", " ").replace("/", " ") for label in labels]
        targets += range(len(labels))
    features, vectors = fit(texts)
    if numpy is None:
        numpy = len(examples) * len(labels) >= NUMPY_PAYS_OFF and importlib.util.find_spec("numpy") is not None
    train = numpylearning.train if numpy else train_plain
    weights, scale, bias = train(vectors, targets, (len(features), len(labels)), Recipe(), seed)
    return LinearModel(labels, features, weights, scale, bias)


def train_plain(
    vectors: Sequence[Vector], targets: Sequence[int], size: tuple[int, int], recipe: Recipe, seed: int
) -> tuple[array[int], float, list[float]]:
    """Weights (row-major, features by labels) as LinearModel has them, their scale, and biases."""
    state = _State(size, recipe, seed)
    order = list(range(len(vectors)))
    for _ in range(recipe.epochs):
        state.random.shuffle(order)
        for n in order:
            state.step(vectors[n], targets[n])
    return *state.weights(), state.bias


class _State:
    """What changes during a training in plain Python.

    PERF: as in LinearModel, the weights of a feature for all labels are one big integer with a field for each label, a
    fixed-point number above OFFSET, so that a score for all labels costs one multiplication and addition a feature.
    """

    def __init__(self, size: tuple[int, int], recipe: Recipe, seed: int) -> None:
        self._features, self._labels = size
        self._recipe = recipe
        self.random = random.Random(seed)
        self.bias = [0.0] * self._labels
        self._empty = sum(OFFSET << FIELD_BITS * label for label in range(self._labels))
        self._rows = [self._empty] * self._features
        self._squares: list[list[float] | None] = [None] * self._features
        self._least = recipe.least_error(self._labels)

    def step(self, vector: Vector, target: int) -> None:
        """Correct the weights by one example."""
        indices, values = self._drop(vector)
        errors = softmax(self._scores(indices, values))
        errors[target] -= 1.0
        least = self._least
        wrong = [(label, error) for label, error in enumerate(errors) if error > least or error < -least]
        for label, error in wrong:
            self.bias[label] -= self._recipe.bias_rate * error
        if wrong:
            self._correct(indices, values, wrong)

    def _drop(self, vector: Vector) -> Vector:
        """A random part of the features, the others made stronger in return."""
        keep, draw = 1 - self._recipe.dropout, self.random.random
        kept = [(i, value / keep) for i, value in zip(*vector, strict=True) if draw() < keep]
        return [i for i, _ in kept], [value for _, value in kept]

    def _scores(self, indices: Sequence[int], values: Sequence[float]) -> list[float]:
        rows = self._rows
        whole = [int(value * (1 << VALUE_BITS)) for value in values]
        total = sum([rows[i] * value for i, value in zip(indices, whole, strict=True)])
        fields = array("Q", total.to_bytes(FIELD_BITS // 8 * self._labels, sys.byteorder))
        offset = sum(whole) * OFFSET
        unit = 1.0 / (1 << WEIGHT_BITS + VALUE_BITS)
        return [bias + (field - offset) * unit for bias, field in zip(self.bias, fields, strict=True)]

    def _correct(self, indices: Sequence[int], values: Sequence[float], wrong: list[tuple[int, float]]) -> None:
        rows, squares, root = self._rows, self._squares, math.sqrt
        rate = -self._recipe.learning_rate * (1 << WEIGHT_BITS)
        steps = [(label, label * FIELD_BITS, error) for label, error in wrong]
        for i, value in zip(indices, values, strict=True):
            row_squares = squares[i]
            if row_squares is None:
                row_squares = squares[i] = [self._recipe.first_square] * self._labels
            change = 0
            for label, shift, error in steps:
                slope = error * value
                square = row_squares[label] = row_squares[label] + slope * slope
                change += int(rate * slope / root(square)) << shift
            rows[i] += change

    def weights(self) -> tuple[array[int], float]:
        """The weights as LinearModel has them, and their scale."""
        size = FIELD_BITS // 8 * self._labels
        flat = array("q")
        for row in self._rows:
            flat.extend(field - OFFSET for field in array("Q", row.to_bytes(size, sys.byteorder)))
        largest = max(max(flat, default=0), -min(flat, default=0), 1)
        rounded = array("H", [round(weight * LARGEST_WEIGHT / largest) + ZERO for weight in flat])
        return rounded, largest / LARGEST_WEIGHT / (1 << WEIGHT_BITS)
