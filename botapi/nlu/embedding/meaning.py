"""Labels told by meaning: vectors of texts with their labels in, weights out.

Multinomial logistic regression with a quadratic penalty, by L-BFGS (Liu and Nocedal 1989) in numpy.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

# Weight of the examples against the penalty (C of scikit-learn): chosen on parts held back from training sets.
EXAMPLES_COUNT = 10.0
STEPS = 100
REMEMBERED = 8
# The search ends when the gradient is this much smaller than at its beginning.
CLOSE_ENOUGH = 1e-4


def learn(numpy: Any, vectors: Any, targets: Any, labels: int) -> tuple[Any, Any]:
    """Weights (labels, width) and biases of a model; `targets` has the number of each vector's label."""
    examples, width = vectors.shape
    wanted = numpy.zeros((examples, labels), "f4")
    wanted[numpy.arange(examples), targets] = 1
    penalty = numpy.float32(1 / (EXAMPLES_COUNT * examples))

    def loss(flat: Any) -> tuple[float, Any]:
        weights, bias = flat[: labels * width].reshape(labels, width), flat[labels * width :]
        scores = vectors @ weights.T + bias
        scores -= scores.max(axis=1, keepdims=True)
        powers = numpy.exp(scores)
        totals = powers.sum(axis=1, keepdims=True)
        error = (powers / totals - wanted) / examples
        value = (numpy.log(totals[:, 0]) - (scores * wanted).sum(axis=1)).mean() + penalty / 2 * (weights**2).sum()
        return float(value), numpy.concatenate([(error.T @ vectors + penalty * weights).ravel(), error.sum(axis=0)])

    flat = _minimum(numpy, loss, numpy.zeros(labels * width + labels, "f4"))
    return flat[: labels * width].reshape(labels, width), flat[labels * width :]


def _minimum(numpy: Any, loss: Callable[[Any], tuple[float, Any]], point: Any) -> Any:
    """Where the loss, which gives value and gradient, is smallest."""
    value, gradient = loss(point)
    close_enough = CLOSE_ENOUGH * numpy.linalg.norm(gradient)
    known: deque[tuple[Any, Any, float]] = deque(maxlen=REMEMBERED)
    for _ in range(STEPS):
        direction = _direction(gradient, known)
        slope, length = float(gradient @ direction), 1.0
        while True:
            new_point = point + numpy.float32(length) * direction
            new_value, new_gradient = loss(new_point)
            if new_value <= value + 1e-4 * length * slope:
                break
            length /= 2
            if length < 1e-6:
                return point
        step, change = new_point - point, new_gradient - gradient
        curvature = float(step @ change)
        if curvature > 0:
            known.append((step, change, curvature))
        point, value, gradient = new_point, new_value, new_gradient
        if numpy.linalg.norm(gradient) < close_enough:
            break
    return point


def _direction(gradient: Any, known: deque[tuple[Any, Any, float]]) -> Any:
    direction, taken = -gradient, []
    for step, change, curvature in reversed(known):
        part = float(step @ direction) / curvature
        direction = direction - part * change
        taken.append(part)
    if known:
        step, change, curvature = known[-1]
        direction = direction * (curvature / float(change @ change))
    for (step, change, curvature), part in zip(known, reversed(taken), strict=True):
        direction = direction + (part - float(change @ direction) / curvature) * step
    return direction
