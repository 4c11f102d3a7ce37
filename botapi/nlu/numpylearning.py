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
    all_indices = np.concatenate([np.asarray(indices, np.int32) for indices, _ in vectors])
    all_values = np.concatenate([np.asarray(values, np.float32) for _, values in vectors])
    ends = np.cumsum([len(indices) for indices, _ in vectors])
    places = np.zeros(len(all_indices) + 1, np.int32)
    keep, least = 1 - recipe.dropout, recipe.least_error(labels)
    rate, bias_rate = np.float32(recipe.learning_rate), np.float32(recipe.bias_rate)
    for _ in range(recipe.epochs):
        # PERF: what each example drops in this epoch is drawn at once.
        kept = random.random_sample(len(all_indices)) < keep
        indices_kept, values_kept = all_indices[kept].astype(np.intp), all_values[kept] / np.float32(keep)
        np.cumsum(kept, out=places[1:])
        last = places[ends].tolist()
        first = [0, *last[:-1]]
        for n in random.permutation(len(vectors)).tolist():
            part = slice(first[n], last[n])
            indices, values = indices_kept[part], values_kept[part]
            errors = values @ table.take(indices, axis=0)
            errors += bias
            errors -= np.maximum.reduce(errors)
            np.exp(errors, errors)
            errors /= np.add.reduce(errors)
            errors[targets[n]] -= 1
            wrong = (np.abs(errors) > least).nonzero()[0]
            error = errors.take(wrong)
            bias[wrong] -= bias_rate * error
            cells = (indices * labels)[:, None] + wrong
            slopes = values[:, None] * error
            grown = squares.take(cells)
            grown += slopes * slopes
            squares[cells] = grown
            slopes *= rate
            slopes /= np.sqrt(grown, grown)
            weights[cells] -= slopes
    scale = max(float(weights.max(initial=0)), -float(weights.min(initial=0))) / LARGEST_WEIGHT or 1.0 / LARGEST_WEIGHT
    weights /= np.float32(scale)
    np.rint(weights, weights)
    weights += ZERO
    return array("H", weights.astype(np.uint16).tobytes()), scale, [float(b) for b in bias]
