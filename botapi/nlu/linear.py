"""The linear text classifier in use: n-gram counts in, labels with confidences out; saved as one table and arrays.

A score is bias + sum of weight * feature value, a confidence the softmax of the scores. Weights are unsigned 16-bit
integers: less ZERO, times one scale, they are the real ones.

PERF: scoring is plain Python and fast, because the weights of one feature for all labels are packed into one big
integer with a field of 64 bits for each label: one multiplication and one addition of big integers then serve all
labels at once. Parsing needs no numpy, whose import alone costs more memory and time than a small bot needs.
"""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Mapping, Sequence
from operator import mul

from botapi.errors import ModelError
from botapi.nlu.arrays import Array, read_arrays, write_arrays
from botapi.nlu.featurizers import NgramCounts, NgramFeatures
from botapi.nlu.tables import ADVICE, read_table, write_table

ZERO, LARGEST_WEIGHT = 32768, 32767
# Feature values are at most 1: 30 fractional bits keep them within one digit of CPython's integers.
VALUE_BITS = 30
FIELD_BYTES = 8
MAX_PACKED_BYTES = 16 << 20
TABLE_MEMBER, ARRAYS_MEMBER = "labels.json", "weights.npz"


class LinearModel:
    """Labels, features and weights; `weights` has a row for each feature and a column for each label."""

    def __init__(
        self, labels: Sequence[str], features: NgramFeatures, weights: array[int], scale: float, bias: Sequence[float]
    ) -> None:
        self.labels, self.features = labels, features
        self._weights, self._scale, self._bias = weights, scale, bias
        self._packed: dict[int, int] = {}
        self._most_packed = max(256, MAX_PACKED_BYTES // (FIELD_BYTES * max(1, len(labels))))

    def confidences(self, counts: NgramCounts) -> list[float]:
        """One confidence for each label; they add up to 1."""
        return softmax(self.scores(*self.features.vector(counts)))

    def ranking(self, counts: NgramCounts) -> list[tuple[str, float]]:
        """(label, confidence), best first; equal ones in the order of the labels."""
        confidences = self.confidences(counts)
        order = sorted(range(len(confidences)), key=confidences.__getitem__, reverse=True)
        return [(self.labels[i], confidences[i]) for i in order]

    def scores(self, indices: Sequence[int], values: Sequence[float]) -> list[float]:
        """One score for each label, for the features with these indices and values (0 to 1)."""
        whole = [int(value * (1 << VALUE_BITS)) for value in values]
        packed = self._packed
        rows = [packed.get(i) or self._pack(i) for i in indices]
        total = sum(map(mul, rows, whole))
        fields = array("Q", total.to_bytes(FIELD_BYTES * len(self.labels), sys.byteorder))
        offset = sum(whole) * ZERO
        unit = self._scale / (1 << VALUE_BITS)
        return [bias + (field - offset) * unit for bias, field in zip(self._bias, fields, strict=True)]

    def _pack(self, feature: int) -> int:
        """The weights of one feature in one integer."""
        size = len(self.labels)
        row = self._weights[feature * size : (feature + 1) * size]
        packed = int.from_bytes(array("Q", row).tobytes(), sys.byteorder)
        if len(self._packed) >= self._most_packed:
            self._packed.clear()
        self._packed[feature] = packed
        return packed

    def save(self) -> dict[str, bytes]:
        """A table and arrays; equal models give equal bytes."""
        labels, features = len(self.labels), len(self.features)
        words, characters = list(self.features.words), list(self.features.characters)
        arrays = {
            "weights": Array((features, labels), self._weights),
            "scale": Array((1,), array("d", [self._scale])),
            "bias": Array((labels,), array("d", self._bias)),
            "idf": Array((features,), array("d", self.features.idf)),
        }
        table = {"labels": list(self.labels), "words": words, "characters": characters}
        return {TABLE_MEMBER: write_table(table), ARRAYS_MEMBER: write_arrays(arrays)}

    @classmethod
    def load(cls, members: Mapping[str, bytes]) -> LinearModel:
        """The model that `save` wrote (ModelError)."""
        table = read_table(members, TABLE_MEMBER, dict[str, list[str]])
        if table.keys() != {"labels", "words", "characters"} or not table["labels"]:
            raise ModelError(f"Member {TABLE_MEMBER!r} of the model has unexpected contents; {ADVICE}")
        words, characters = table["words"], table["characters"]
        labels, features = len(table["labels"]), len(words) + len(characters)
        shapes = {
            "weights": ("H", (features, labels)),
            "scale": ("d", (1,)),
            "bias": ("d", (labels,)),
            "idf": ("d", (features,)),
        }
        arrays = {name: value.data for name, value in read_arrays(members, ARRAYS_MEMBER, shapes).items()}
        scale, bias, idf = arrays["scale"][0], arrays["bias"], arrays["idf"]
        # Outside these bounds, which no training reaches, scores would overflow.
        if not (0 < scale < 1 and all(abs(b) < 1e6 for b in bias) and all(1 <= value < 100 for value in idf)):
            raise ModelError(f"Member {ARRAYS_MEMBER!r} of the model has numbers out of range; {ADVICE}")
        return cls(table["labels"], NgramFeatures(words, characters, idf), arrays["weights"], scale, bias)


def softmax(scores: Sequence[float]) -> list[float]:
    """Scores as confidences that add up to 1; an empty list for none."""
    highest = max(scores, default=0.0)
    powers = [math.exp(score - highest) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]
