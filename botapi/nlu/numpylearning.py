"""The training of a linear classifier with numpy: sparse vectors and labels in, weights and biases out."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING

from botapi.nlu.featurizers import Vector
from botapi.nlu.linear import LARGEST_WEIGHT, ZERO

if TYPE_CHECKING:
    from botapi.nlu.learning import Recipe


def train(
    vectors: Sequence[Vector], targets: Sequence[int], size: tuple[int, int], recipe: Recipe, seed: int
) -> tuple[array[int], float, list[float]]:
    """Weights (row-major, features by labels) as LinearModel has them, their scale, and biases: train_plain's steps."""
    import numpy as np

    features, labels = size
    # NOTE: of numpy's generators only RandomState promises the same numbers in every version.
    random = np.random.RandomState(seed)
    weights = np.zeros(features * labels, np.float32)
    squares = np.full(features * labels, recipe.first_square, np.float32)
    bias = np.zeros(labels, np.float32)
    table = weights.reshape(features, labels)
    examples = [(np.array(indices, np.intp), np.array(values, np.float32)) for indices, values in vectors]
    keep, least = 1 - recipe.dropout, recipe.least_error(labels)
    for _ in range(recipe.epochs):
        for n in random.permutation(len(examples)):
            indices, values = examples[n]
            kept = (random.random_sample(len(indices)) < keep).nonzero()[0]
            indices, values = indices.take(kept), values.take(kept) / np.float32(keep)
            scores = values @ table.take(indices, axis=0) + bias
            scores -= scores.max()
            errors = np.exp(scores, scores)
            errors /= errors.sum()
            errors[targets[n]] -= 1
            wrong = (np.abs(errors) > least).nonzero()[0]
            if not len(wrong):
                continue
            error = errors.take(wrong)
            bias[wrong] -= np.float32(recipe.bias_rate) * error
            cells = (indices * labels)[:, None] + wrong
            slopes = values[:, None] * error
            grown = squares.take(cells) + slopes * slopes
            squares[cells] = grown
            slopes *= np.float32(recipe.learning_rate)
            slopes /= np.sqrt(grown, grown)
            weights[cells] -= slopes
    scale = float(np.abs(weights).max(initial=0)) / LARGEST_WEIGHT or 1.0 / LARGEST_WEIGHT
    rounded = array("H", (np.rint(weights / np.float32(scale)) + ZERO).astype(np.uint16).tobytes())
    return rounded, scale, [float(b) for b in bias]
