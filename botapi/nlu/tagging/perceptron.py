"""The training of a tagger in plain Python: numbered features and labels in, weights out.

An averaged structured perceptron (Collins, 2002): where the best sequence of labels is wrong, the weights of what it
has go down by one and those of what it should have go up; the result is the average of the weights over all steps.
"""

from __future__ import annotations

import random
import sys
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botapi.nlu.tagging.learning import Learned, Sentence

# PERF: about 40,000 words a second; so many in all bound a training to about a minute and a half, whatever the data.
EPOCHS, FEWEST_EPOCHS, MOST_WORDS = 12, 4, 3_000_000
# PERF: of each word only so many labels, the best by its own features, are tried.
CHOICES = 8
# The averages are about so many times what the weights of a random field for the same data are.
TEMPERATURE = 4.0
FIELD_BITS = 64
MIDDLE = 1 << FIELD_BITS - 1


def train(sentences: Sequence[Sentence], size: tuple[int, int], seed: int) -> Learned:
    """Weights by (feature, label) and by (label, label after it); `size` is the number of features and labels."""
    state = _State(*size)
    generator = random.Random(seed)
    order = [number for number, sentence in enumerate(sentences) if sentence.labels]
    words = sum(len(sentence.labels) for sentence in sentences)
    for _ in range(max(FEWEST_EPOCHS, min(EPOCHS, MOST_WORDS // words))):
        generator.shuffle(order)
        for number in order:
            state.step(sentences[number])
    return state.weights()


class _State:
    """What changes during a training.

    PERF: the weights of a feature for all labels are one integer with a field for each label, as in the Tagger. What a
    step changes is added once as it is and once times the number of the step: the average is the difference of both.
    """

    def __init__(self, features: int, labels: int) -> None:
        self._rows, self._late_rows = [0] * features, [0] * features
        self._chain = [[0] * labels for _ in range(labels)]
        self._late_chain = [[0] * labels for _ in range(labels)]
        self._labels = labels
        self._empty = sum(MIDDLE << FIELD_BITS * label for label in range(labels))
        self._steps = 1

    def step(self, sentence: Sentence) -> None:
        """Correct the weights by one sentence."""
        self._steps += 1
        rows = self._rows
        scores = [self._fields(sum([rows[i] for i in word])) for word in sentence.words]
        found = self._best(scores)
        if found == sentence.labels:
            return
        for word, wrong, right in zip(sentence.words, found, sentence.labels, strict=True):
            if wrong != right:
                change = (1 << FIELD_BITS * right) - (1 << FIELD_BITS * wrong)
                late = change * self._steps
                for i in word:
                    rows[i] += change
                    self._late_rows[i] += late
        for labels, change in ((sentence.labels, 1), (found, -1)):
            for before, label in zip(labels, labels[1:], strict=False):
                self._chain[before][label] += change
                self._late_chain[before][label] += change * self._steps

    def _fields(self, row: int) -> array[int]:
        fields = array("Q", (row + self._empty).to_bytes(FIELD_BITS // 8 * self._labels, "little"))
        if sys.byteorder == "big":
            fields.byteswap()
        return fields

    def _best(self, scores: Sequence[Sequence[int]]) -> list[int]:
        """The best sequence of labels."""
        choices = [sorted(range(self._labels), key=row.__getitem__, reverse=True)[:CHOICES] for row in scores]
        sums = [scores[0][label] - MIDDLE for label in choices[0]]
        origins = []
        for before, labels, row in zip(choices, choices[1:], scores[1:], strict=False):
            rows = [self._chain[a] for a in before]
            came, new = [], []
            for label in labels:
                ways = [total + weights[label] for weights, total in zip(rows, sums, strict=True)]
                most = max(ways)
                came.append(ways.index(most))
                new.append(most + row[label] - MIDDLE)
            origins.append(came)
            sums = new
        place = sums.index(max(sums))
        path = [choices[-1][place]]
        for labels, came in zip(reversed(choices[:-1]), reversed(origins), strict=True):
            place = came[place]
            path.append(labels[place])
        return path[::-1]

    def weights(self) -> Learned:
        """The averages."""
        features = {}
        for i, (row, late) in enumerate(zip(self._rows, self._late_rows, strict=True)):
            if row or late:
                for label, (now, then) in enumerate(zip(self._fields(row), self._fields(late), strict=True)):
                    if now != MIDDLE or then != MIDDLE:
                        features[i, label] = self._average(now - MIDDLE, then - MIDDLE)
        places = range(self._labels)
        chain = {(a, b): self._average(self._chain[a][b], self._late_chain[a][b]) for a in places for b in places}
        return features, chain

    def _average(self, now: int, late: int) -> float:
        return (now - late / (self._steps + 1)) / TEMPERATURE
