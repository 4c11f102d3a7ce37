"""The training of a linear classifier in plain Python: a task in, weights and biases out, one example at a time."""

from __future__ import annotations

import math
import random
import sys
from array import array
from collections.abc import Sequence

from botapi.nlu.featurizers import Vector
from botapi.nlu.linear import LARGEST_WEIGHT, ZERO, Start, softmax
from botapi.nlu.recipe import Learned, Recipe, Rests, Task

FIELD_BITS = 64
WEIGHT_BITS, VALUE_BITS = 20, 23
OFFSET = 1 << 29
LARGEST_START = 500.0  # far above any learned weight; beyond 512, a field would run over


def train(task: Task, recipe: Recipe, start: Start | None, idf: Sequence[float]) -> Learned:
    """Learn from `start` on, or from zeros."""
    state = _State(task, recipe)
    if start:
        state.begin(start)
    order = list(range(len(task.vectors)))
    rests = Rests(len(order), recipe.longest_rest)
    for epoch in range(recipe.epochs):
        state.random.shuffle(order)
        for n in rests.awake(order):
            rests.note(n, state.step(task.vectors[n], task.targets[n]))
        task.progress((epoch + 1) / recipe.epochs)
    return state.learned(idf)


class _State:
    """What changes during a training.

    PERF: as in LinearModel, the weights of a feature for all labels are one big integer with a field for each label, a
    fixed-point number above OFFSET, so that a score for all labels costs one multiplication and addition a feature.
    """

    def __init__(self, task: Task, recipe: Recipe) -> None:
        self._labels, self._recipe = task.labels, recipe
        self.random = random.Random(task.seed)
        self._bias = [0.0] * task.labels
        self._rows = [sum(OFFSET << FIELD_BITS * label for label in range(task.labels))] * task.features
        self._squares: list[list[float] | None] = [None] * task.features
        self._least = recipe.least_error(task.labels)

    def begin(self, start: Start) -> None:
        self._bias = list(start.bias)
        for feature, row in enumerate(start.rows):
            for label, weight in enumerate(row or ()):
                weight = max(-LARGEST_START, min(LARGEST_START, weight))
                self._rows[feature] += round(weight * (1 << WEIGHT_BITS)) << FIELD_BITS * label

    def step(self, vector: Vector, target: int) -> bool:
        """Correct the weights by one example, unless its label is nearly certain; whether it is."""
        indices, values = self._drop(vector)
        errors = softmax(self._scores(indices, values))
        errors[target] -= 1.0
        if errors[target] > -self._recipe.small_error:
            return True
        least = self._least
        wrong = [(label, error) for label, error in enumerate(errors) if error > least or error < -least]
        for label, error in wrong:
            self._bias[label] -= self._recipe.bias_rate * error
        self._correct(indices, values, wrong)
        return False

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
        return [bias + (field - offset) * unit for bias, field in zip(self._bias, fields, strict=True)]

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

    def learned(self, idf: Sequence[float]) -> Learned:
        """The weights, each multiplied by the idf of its feature."""
        size = FIELD_BITS // 8 * self._labels
        flat = array("d")
        for row, factor in zip(self._rows, idf, strict=True):
            flat.extend([(field - OFFSET) * factor for field in array("Q", row.to_bytes(size, sys.byteorder))])
        largest = max(max(flat, default=0), -min(flat, default=0), 1)
        ratio = LARGEST_WEIGHT / largest
        rounded = array("H", [round(weight * ratio) + ZERO for weight in flat])
        return Learned(rounded, 1 / ratio / (1 << WEIGHT_BITS), self._bias)
