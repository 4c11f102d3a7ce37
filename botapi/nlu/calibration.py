"""Confidences that mean something: what a model says of examples it has not seen in, a temperature and threshold out.

Temperature scaling: Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, 2017.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from botapi.nlu.linear import softmax

# A fifth of the examples is held back; as many fifths, one after the other, as are needed for so many answers.
FOLDS, ENOUGH = 5, 150
# PERF: what holds for so many examples, taken evenly from all labels, holds for more.
MOST_EXAMPLES = 3_000
# So many answers' worth is what speaks for leaving the confidences as they are.
PRIOR = 10.0
LOWEST, HIGHEST = 0.25, 1.25
STEPS = 20
# Threshold: of right answers, at most this part is taken for not understood. Below so many of them it says nothing.
LOST = 0.05
ENOUGH_RIGHT = 100
DEFAULT_THRESHOLD, HIGHEST_THRESHOLD = 0.3, 0.6


class Part(NamedTuple):
    """Numbers of examples: those to learn from and those to ask about."""

    learned: list[int]
    asked: list[int]


def parts(labels: Sequence[str], seed: int) -> list[Part]:
    """One to five ways to hold back a fifth of the examples; none if all have the same label.

    Of each label about a fifth is held back, and never its only example.
    """
    if len(set(labels)) < 2:
        return []
    order = list(range(len(labels)))
    random.Random(seed).shuffle(order)
    order.sort(key=labels.__getitem__)
    order = order[:: math.ceil(len(order) / MOST_EXAMPLES)]
    counts = Counter(labels[n] for n in order)
    found = []
    for fold in range(min(FOLDS, math.ceil(ENOUGH * FOLDS / len(order)))):
        asked = [n for place, n in enumerate(order) if place % FOLDS == fold and counts[labels[n]] > 1]
        if asked:
            held_back = set(asked)
            found.append(Part([n for n in sorted(order) if n not in held_back], asked))
    return found


class HeldOut:
    """What a model said of examples held back."""

    def __init__(self) -> None:
        self._scores: list[tuple[list[float], int]] = []
        self._temperature: float | None = None

    def add(self, scores: list[float], right: int) -> None:
        """Scores of all labels, best first or not, and the number of the right one."""
        self._scores.append((scores, right))
        self._temperature = None

    @property
    def answers(self) -> Sequence[tuple[list[float], int]]:
        """Scores and right label of each example, in the order of `parts`."""
        return self._scores

    def temperature(self) -> float:
        """What to divide scores by, that the confidences are the most likely ones; 1.0 if nothing is known."""
        if self._temperature is None:
            self._temperature = self._found_temperature() if self._scores else 1.0
        return self._temperature

    def _found_temperature(self) -> float:
        """By golden section search, since the loss has one minimum."""
        ratio = (math.sqrt(5) - 1) / 2
        low, high = math.log(LOWEST), math.log(HIGHEST)
        first, second = high - ratio * (high - low), low + ratio * (high - low)
        loss, next_loss = self.loss(math.exp(first)), self.loss(math.exp(second))
        for _ in range(STEPS):
            if loss <= next_loss:
                high, second, next_loss = second, first, loss
                first = high - ratio * (high - low)
                loss = self.loss(math.exp(first))
            else:
                low, first, loss = first, second, next_loss
                second = low + ratio * (high - low)
                next_loss = self.loss(math.exp(second))
        return math.exp((low + high) / 2)

    def factor(self, examples: int) -> float:
        """What to multiply the scores by of a model that has learned from so many examples.

        The more it has seen beyond those of the parts, the less its confidences need to change.
        """
        return (1 / self.temperature()) ** min(1.0, MOST_EXAMPLES / examples)

    def loss(self, temperature: float) -> float:
        """How far the confidences are from certainty of what is right; the unit means nothing."""
        return PRIOR * math.log(temperature) ** 2 - sum(
            math.log(max(1e-12, softmax([score / temperature for score in found])[right]))
            for found, right in self._scores
        )

    def confidences(self, temperature: float) -> Iterator[tuple[list[float], bool]]:
        """Of each answer the confidences of all labels, and whether the best one is right."""
        for scores, right in self._scores:
            yield softmax([score / temperature for score in scores]), scores[right] == max(scores)

    def threshold(self) -> float:
        """The confidence that 95 % of the right answers have, 0.6 at most; Rasa's 0.3 where too few are known."""
        sure = sorted(max(found) for found, is_right in self.confidences(self.temperature()) if is_right)
        if len(sure) < ENOUGH_RIGHT:
            return DEFAULT_THRESHOLD
        return round(min(HIGHEST_THRESHOLD, sure[int(LOST * len(sure))]), 3)
