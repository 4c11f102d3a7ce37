"""A linear chain: scores of labels for each place in, the best sequence and the probabilities of labels out.

The score of a sequence is the sum of the scores at its places and of the weights of its neighbouring labels; its
probability is the softmax over all sequences (a conditional random field: Lafferty, McCallum and Pereira, 2001).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from operator import add, mul

# Labels whose best sequence up to a word is less than e^-MARGIN as likely as the best of all are left out there. What
# follows could still speak for them, but never by so much, in hundreds of messages that this was tried with.
MARGIN = 5.0
CERTAIN = [1.0]  # of a place with one choice


class Chain:
    """`weights[a][b]`, whole numbers, is for label b after label a; a number times `scale` is a real score.

    PERF: sums of whole numbers are the same everywhere and fast; and few labels are possible at a place, so that plain
    Python goes through their pairs faster than numpy through all.
    """

    def __init__(self, weights: Sequence[Sequence[int]], scale: float) -> None:
        self._after = [list(row) for row in weights]
        self._powers = [[math.exp(weight * scale) for weight in row] for row in weights]
        self._scale = scale
        self._margin = int(MARGIN / scale)
        self._most = [max(column) for column in zip(*weights, strict=True)]  # that any label before can add

    def best(self, scores: Sequence[Sequence[int]]) -> tuple[list[int], list[list[int]]]:
        """The labels of the sequence with the highest score (Viterbi), and the labels considered at each place.

        Of equal sequences the one with the first labels, seen from its end, is the best.
        """
        choices: list[list[int]] = []
        totals: list[list[int]] = []  # of the best sequence up to each choice, less that of the best choice
        for row in map(list, scores):  # PERF: an array would make its numbers anew each time
            labels: Sequence[int] = range(len(row))
            sums: Sequence[int] = row
            if choices:
                sums = list(map(add, row, self._after[choices[-1][totals[-1].index(0)]]))
            if choices and len(choices[-1]) > 1:
                # PERF: what can't come near what follows the best so far is left out before all ways are looked at.
                least = max(sums) - self._margin
                labels = [label for label, most in enumerate(map(add, row, self._most)) if most >= least]
                ways = self._best_ways(choices[-1], totals[-1], labels)
                sums = [row[label] + way for label, way in zip(labels, ways, strict=True)]
            most = max(sums)
            least = most - self._margin
            kept = [place for place, total in enumerate(sums) if total >= least]
            choices.append([labels[place] for place in kept])
            totals.append([sums[place] - most for place in kept])
        return self._path(choices, totals), choices

    def _best_ways(self, before: Sequence[int], totals: Sequence[int], labels: Sequence[int]) -> Sequence[int]:
        """For each label the most that a sequence up to the place before it has, its weight after that included."""
        ways = []
        for label, total in zip(before, totals, strict=True):
            after = self._after[label]
            ways.append([total + after[label] for label in labels])
        return list(map(max, *ways))

    def _path(self, choices: Sequence[Sequence[int]], totals: Sequence[Sequence[int]]) -> list[int]:
        sums = totals[-1]
        label = choices[-1][sums.index(max(sums))]
        path = [label]
        for labels, before in zip(reversed(choices[:-1]), reversed(totals[:-1]), strict=True):
            ways = [total + self._after[a][label] for a, total in zip(labels, before, strict=True)]
            label = labels[ways.index(max(ways))]
            path.append(label)
        return path[::-1]

    def probabilities(self, scores: Sequence[Sequence[int]], choices: Sequence[Sequence[int]]) -> list[list[float]]:
        """For each place the probability of each of its choices (forward-backward)."""
        local = [self._local(row, labels) for row, labels in zip(scores, choices, strict=True)]
        steps = [self._step(before, labels) for before, labels in pairwise(choices)]
        forward = [_shared(local[0])]
        for step, here in zip(steps, local[1:], strict=True):
            if len(here) == 1:
                forward.append(CERTAIN)
                continue
            ways = [sum(map(mul, forward[-1], column)) for column in zip(*step, strict=True)]
            forward.append(_shared(list(map(mul, ways, here))))
        backward = [1.0] * len(choices[-1])
        found = [forward[-1]]
        for step, here, before in zip(reversed(steps), reversed(local), forward[-2::-1], strict=False):
            if len(before) == 1:
                backward = CERTAIN
                found.append(CERTAIN)
                continue
            after = list(map(mul, backward, here))
            backward = _shared([sum(map(mul, row, after)) for row in step])
            found.append(_shared(list(map(mul, before, backward))))
        return found[::-1]

    def _step(self, before: Sequence[int], labels: Sequence[int]) -> list[list[float]]:
        """How likely each label is after each before it, by their neighbourhood alone; nothing where both are known."""
        if len(before) == len(labels) == 1:
            return []
        rows = [self._powers[label] for label in before]
        return [[row[label] for label in labels] for row in rows]

    def _local(self, row: Sequence[int], labels: Sequence[int]) -> list[float]:
        if len(labels) == 1:
            return CERTAIN
        highest = max([row[label] for label in labels])
        return [math.exp((row[label] - highest) * self._scale) for label in labels]


def _shared(values: list[float]) -> list[float]:
    """The values, divided by their sum."""
    total = sum(values)
    return [value / total for value in values]
