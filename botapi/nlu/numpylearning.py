"""The training of a linear classifier with numpy: a task in, weights and biases out, some examples at a time."""

from __future__ import annotations

import os
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from botapi.nlu.linear import LARGEST_WEIGHT, ZERO, Start
from botapi.nlu.recipe import Learned, Recipe, Rests, Task

if TYPE_CHECKING:
    import numpy as np


def train(task: Task, recipe: Recipe, start: Start | None, idf: Sequence[float]) -> Learned:
    """Learn from `start` on, or from zeros."""
    # PERF: the matrices are small; a second thread would only wait for the first, and use up a core in doing so.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import numpy as np

    state = _State(np, task, recipe)
    if start:
        state.begin(start)
    rests = Rests(len(task.vectors), recipe.longest_rest)
    for epoch in range(recipe.epochs):
        order = rests.awake(state.random.permutation(len(task.vectors)).tolist())
        for first in range(0, len(order), recipe.batch):
            examples = order[first : first + recipe.batch]
            for n, is_certain in zip(examples, state.step(examples), strict=True):
                rests.note(n, is_certain)
        task.progress((epoch + 1) / recipe.epochs)
    return state.learned(idf)


class _State:
    """What changes during a training.

    PERF: a step looks only at the features of its examples: their rows of weights make a small matrix, and so do the
    examples, so that numpy's matrix product does nearly all of the work.
    """

    def __init__(self, numpy: Any, task: Task, recipe: Recipe) -> None:
        self._np, self._recipe = numpy, recipe
        # NOTE: of numpy's generators only RandomState promises the same numbers in every version.
        self.random = numpy.random.RandomState(task.seed)
        self._weights = numpy.zeros((task.features, task.labels), numpy.float32)
        self._squares = numpy.full((task.features, task.labels), recipe.first_square, numpy.float32)
        self._bias = numpy.zeros(task.labels, numpy.float32)
        self._targets = numpy.asarray(task.targets, numpy.intp)
        self._vectors = [
            (numpy.asarray(indices, numpy.int32), numpy.asarray(values, numpy.float32))
            for indices, values in task.vectors
        ]
        self._column = numpy.zeros(task.features, numpy.int32)

    def begin(self, start: Start) -> None:
        self._bias[:] = start.bias
        for feature, row in enumerate(start.rows):
            if row is not None:
                self._weights[feature] = row

    def step(self, examples: Sequence[int]) -> list[bool]:
        """Correct the weights by some examples; whether the label of each was nearly certain."""
        np = self._np
        features, matrix = self._matrix(examples)
        weights = self._weights[features]
        errors = matrix @ weights
        errors += self._bias
        errors -= errors.max(axis=1, keepdims=True)
        np.exp(errors, errors)
        errors /= errors.sum(axis=1, keepdims=True)
        own = np.arange(len(examples)), self._targets[list(examples)]
        errors[own] -= 1
        certain = errors[own] > -self._recipe.small_error
        if certain.any():
            errors, matrix = errors[~certain], matrix[~certain]
        self._correct(features, weights, matrix, errors)
        found: list[bool] = certain.tolist()
        return found

    def _matrix(self, examples: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """The features that the examples have after dropout, and the values: a row an example, a column a feature."""
        np, keep = self._np, 1 - self._recipe.dropout
        vectors = [self._vectors[n] for n in examples]
        rows = np.repeat(np.arange(len(vectors)), [len(indices) for indices, _ in vectors])
        indices = np.concatenate([indices for indices, _ in vectors])
        values = np.concatenate([values for _, values in vectors])
        kept = self.random.random_sample(len(indices)) < keep
        rows, indices, values = rows[kept], indices[kept], values[kept]
        # PERF: of each feature, the place where it is written last is its only one: no sorting is needed.
        places = np.arange(len(indices), dtype=np.int32)
        self._column[indices] = places
        features = indices[self._column[indices] == places]
        self._column[features] = np.arange(len(features), dtype=np.int32)
        matrix = np.zeros((len(vectors), len(features)), np.float32)
        matrix[rows, self._column[indices]] = values / np.float32(keep)
        return features, matrix

    def _correct(self, features: np.ndarray, weights: np.ndarray, matrix: np.ndarray, errors: np.ndarray) -> None:
        np = self._np
        self._bias -= np.float32(self._recipe.bias_rate) * errors.sum(axis=0)
        squares = self._squares[features]
        squares += (matrix * matrix).T @ (errors * errors)
        self._squares[features] = squares
        slopes = matrix.T @ errors
        slopes *= np.float32(self._recipe.learning_rate)
        slopes /= np.sqrt(squares, squares)
        weights -= slopes
        self._weights[features] = weights

    def learned(self, idf: Sequence[float]) -> Learned:
        """The weights, each multiplied by the idf of its feature."""
        np, weights = self._np, self._weights
        weights *= np.asarray(idf, np.float32)[:, None]
        largest = max(float(weights.max(initial=0)), -float(weights.min(initial=0))) or 1.0
        weights *= np.float32(LARGEST_WEIGHT / largest)
        np.rint(weights, weights)
        weights += ZERO
        rounded = array("H", weights.astype(np.uint16).tobytes())
        return Learned(rounded, largest / LARGEST_WEIGHT, [float(bias) for bias in self._bias])
