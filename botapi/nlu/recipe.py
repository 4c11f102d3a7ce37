"""What trainings in plain Python and with numpy share: the data in numbers and the settings in, quantised weights out.

Multinomial logistic regression by sparse AdaGrad (Duchi, Hazan and Singer, 2011) with feature dropout. An example that
is right already, and nearly certain, rests for 1 epoch, and as long as it still is for 3, 7 and so on, at most for
`longest_rest`.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from botapi.nlu.featurizers import Vector
from botapi.progress import Progress, untold


@dataclass(frozen=True)
class Recipe:
    """Settings of the training, chosen on parts held back from training sets."""

    epochs: int = 10
    learning_rate: float = 0.5
    bias_rate: float = 0.05
    # What stands for the squares of earlier slopes at first: large, so that the first steps are not the largest.
    first_square: float = 0.5
    dropout: float = 0.3
    # With numpy, so many examples correct the weights together: the outcome is the same, and four times as fast.
    batch: int = 64
    longest_rest: int = 15
    # An example whose label lacks less than this of certainty changes nothing.
    small_error: float = 0.02

    def least_error(self, labels: int) -> float:
        """The smallest error that counts in plain Python; just above what each of so many labels begins with.

        PERF: most labels of an example have smaller ones, so most work falls away.
        """
        return min(self.small_error, 1.5 / labels)

    def shortened(self, fraction: float) -> Recipe:
        """The same with a part of the epochs, at least one."""
        return replace(self, epochs=max(1, round(self.epochs * fraction)))


@dataclass(frozen=True)
class Task:
    """What to learn: of each example its vector and the number of its label; how many features and labels there are."""

    vectors: Sequence[Vector]
    targets: Sequence[int]
    features: int
    labels: int
    seed: int = 42
    progress: Progress = untold


class Learned(NamedTuple):
    """As LinearModel has them: weights row-major, features by labels, their scale, and the biases."""

    weights: array[int]
    scale: float
    bias: list[float]


class Rests:
    """Which examples are left alone for how many epochs still."""

    def __init__(self, examples: int, longest: int) -> None:
        self._left, self._last = bytearray(examples), bytearray(examples)
        self._longest = longest

    def awake(self, order: Sequence[int]) -> list[int]:
        """Those of the examples that take part in an epoch; the others have rested one more."""
        left, found = self._left, []
        for n in order:
            if left[n]:
                left[n] -= 1
            else:
                found.append(n)
        return found

    def note(self, example: int, is_certain: bool) -> None:
        rest = min(2 * self._last[example] + 1, self._longest) if is_certain else 0
        self._left[example] = self._last[example] = rest
