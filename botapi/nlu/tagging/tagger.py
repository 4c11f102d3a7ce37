"""The tagger in use, a linear chain over words: texts in, entities with confidences out; saved as tables and arrays.

The score of a label at a word is the sum of the weights that the word's features have for it; a Chain makes the best
sequence of labels out of those.

PERF: all sums are of integers, so they are the same everywhere; the weights of one feature for all labels are packed
into one big integer with a field of 32 bits for each label, and those of all features of one word are summed up once.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from botapi.nlu.message import Token
from botapi.nlu.tagging.chain import Chain
from botapi.nlu.tagging.features import TagFeatures
from botapi.nlu.tagging.gazetteer import Gazetteer
from botapi.nlu.tagging.labels import Label, Span, decode
from botapi.nlu.tagging.segments import segments
from botapi.nlu.tagging.weights import ZERO, Weights

FIELD_BYTES = 4
FIELD_BITS = 8 * FIELD_BYTES
MAX_CACHED_BYTES = 16 << 20


@dataclass(frozen=True)
class Found:
    """An entity in a text, `text[start:end]`, and how likely its name, role and group are (0 to 1)."""

    start: int
    end: int
    label: Label
    entity_confidence: float
    role_confidence: float
    group_confidence: float


class Tagger:
    """Finds entities in texts; `features` says what it looks at, `gazetteer` what is known of words."""

    def __init__(self, weights: Weights, features: TagFeatures, gazetteer: Gazetteer) -> None:
        self.weights, self.gazetteer, self._features = weights, gazetteer, features
        self._labels = weights.labels
        size = len(self._labels)
        rows = [weights.chain[first : first + size] for first in range(0, size * size, size)]
        self._chain = Chain([[weight - ZERO for weight in row] for row in rows], weights.scale)
        self._index = {name: i for i, name in enumerate(weights.features)}
        self._starts = [0, *accumulate(weights.counts)]
        self._middle = sum(1 << FIELD_BITS * i + FIELD_BITS - 1 for i in range(size))
        # By part of a label, that of each; empty where all have the same, such as no role.
        self._names: dict[str, list[str]] = {}
        for part in ("entity", "role", "group"):
            names = [getattr(label, part) for label in self._labels]
            self._names[part] = names if len(set(names)) > 1 else []
        self._places = list(features.places)
        # PERF: sums of words, by place, and rows of features are kept, since the same words come again and again.
        self._sums: dict[str | None, list[int]] = {}
        self._rows: dict[int, int] = {}
        self._most_kept = max(256, MAX_CACHED_BYTES // (FIELD_BYTES * size))

    @classmethod
    def load(cls, members: Mapping[str, bytes], features: TagFeatures) -> Tagger:
        """The tagger that `save` wrote (ModelError)."""
        return cls(Weights.load(members), features, Gazetteer.load(members))

    def save(self) -> dict[str, bytes]:
        return {**self.weights.save(), **self.gazetteer.save()}

    def find(self, text: str, intent: str | None) -> list[Found]:
        """The entities of the most likely sequence of labels, in order; `intent` is the message's, if it is known."""
        words = segments(text)
        if not words:
            return []
        scores = self.scores(text, words, intent)
        path, choices = self._chain.best(scores)
        if not any(path):
            return []
        likely = self._chain.probabilities(scores, choices)
        return [self._found(span, words, choices, likely) for span in decode([self._labels[i] for i in path])]

    def scores(self, text: str, words: Sequence[Token], intent: str | None) -> list[array[int]]:
        """For each word one number for each label: the sum of weights, and half of what fits into a field."""
        written = [word.text for word in words]
        lowered = [word.lower() for word in written]
        marks = self.gazetteer.marks(text, words, lowered)
        totals = [self._middle + self._sum(features) for features in self._features.in_context(lowered, marks, intent)]
        for number, place in enumerate(self._places):
            for i, word in enumerate(shifted(written, place)):
                totals[i] += (self._sums.get(word) or self._sums_of_word(word))[number]
        return list(map(self._fields, totals))

    def _sums_of_word(self, word: str | None) -> list[int]:
        """The weights of all features that a word has by itself, for each place that it may stand at."""
        if len(self._sums) * len(self._places) >= self._most_kept:
            self._sums.clear()
        known = self._sums[word] = [self._sum(self._features.of_word(place, word)) for place in self._places]
        return known

    def _sum(self, features: Sequence[str]) -> int:
        """The weights of these features in one integer, a field for each label; they may be negative."""
        index, rows = self._index, self._rows
        numbers = [i for name in features if (i := index.get(name)) is not None]
        return sum([rows[i] if i in rows else self._row(i) for i in numbers])

    def _row(self, feature: int) -> int:
        """The weights of one feature in one integer."""
        weights = self.weights
        part = slice(self._starts[feature], self._starts[feature + 1])
        pairs = zip(weights.numbers[part], weights.values[part], strict=True)
        if len(self._rows) >= self._most_kept:
            self._rows.clear()
        row = self._rows[feature] = sum([(value - ZERO) << FIELD_BITS * label for label, value in pairs])
        return row

    def _fields(self, total: int) -> array[int]:
        fields = array("I", total.to_bytes(FIELD_BYTES * len(self._labels), "little"))
        if sys.byteorder == "big":
            fields.byteswap()
        return fields

    def _found(
        self, span: Span, words: Sequence[Token], choices: Sequence[Sequence[int]], likely: Sequence[Sequence[float]]
    ) -> Found:
        """An entity is as likely as its least likely word."""
        places = range(span.first, span.last + 1)

        def confidence(part: str) -> float:
            names, name = self._names[part], getattr(span.label, part)
            if not names:
                return 1.0
            return min(sum([p for i, p in zip(choices[n], likely[n], strict=True) if names[i] == name]) for n in places)

        start, end = words[span.first].start, words[span.last].end
        return Found(start, end, span.label, *map(confidence, self._names))


def shifted(words: Sequence[str], place: int) -> list[str | None]:
    """For each place of a text the word `place` further on, None outside of the text."""
    outside = [None] * min(abs(place), len(words))
    if place < 0:
        return [*outside, *words[: len(words) - len(outside)]]
    return [*words[place:], *outside]
