"""The linear text classifier in use: n-gram counts in, labels with confidences out; saved as one table and arrays.

A score is bias + sum of weight * feature value, a confidence the softmax of the scores. Weights are 16-bit integers times one scale.

PERF: scoring is plain Python and fast, because the weights of one feature for all labels are packed into one big
integer with a field of 64 bits for each label: one multiplication and one addition of big integers then serve all
labels at once. Parsing needs no numpy, whose import alone costs more memory and time than a small bot needs.
"""

from __future__ import annotations

import math
import sys
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import repeat

from botapi.errors import ModelError
from botapi.nlu.arrays import Array, read_arrays, write_arrays
from botapi.nlu.featurizers import NgramFeatures
from botapi.nlu.tables import ADVICE, read_table, write_table

LARGEST_WEIGHT = 32767
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

    @classmethod
    def quantised(
        cls, labels: Sequence[str], features: NgramFeatures, weights: Sequence[float], bias: Sequence[float]
    ) -> LinearModel:
        """The model with its real weights (row-major, features by labels) rounded to 16 bits."""
        scale = max(max(weights, default=0.0), -min(weights, default=0.0)) / LARGEST_WEIGHT or 1.0
        rounded = array("h", map(round, (weight / scale for weight in weights)))
        return cls(labels, features, rounded, scale, bias)

    def confidences(self, counts: tuple[Counter[str], Counter[str]]) -> list[float]:
        """One confidence for each label; they add up to 1."""
        return softmax(self.scores(*self.features.vector(counts)))

    def ranking(self, counts: tuple[Counter[str], Counter[str]]) -> list[tuple[str, float]]:
        """(label, confidence), best first; equal ones in the order of the labels."""
        confidences = self.confidences(counts)
        order = sorted(range(len(self.labels)), key=lambda i: -confidences[i])
        return [(self.labels[i], confidences[i]) for i in order]

    def scores(self, indices: Sequence[int], values: Sequence[float]) -> list[float]:
        """One score for each label, for the features with these indices and values (0 to 1)."""
        whole = [round(value * (1 << VALUE_BITS)) for value in values]
        packed = self._packed
        total = 0
        for i, value in zip(indices, whole, strict=True):
            row = packed.get(i)
            total += (self._pack(i) if row is None else row) * value
        fields = array("Q", total.to_bytes(FIELD_BYTES * len(self.labels), sys.byteorder))
        offset = sum(whole) << 15
        unit = self._scale / (1 << VALUE_BITS)
        return [bias + (field - offset) * unit for bias, field in zip(self._bias, fields, strict=True)]

    def _pack(self, feature: int) -> int:
        """The weights of one feature in one integer, each raised by 2**15 so that it is never negative."""
        size = len(self.labels)
        row = self._weights[feature * size : (feature + 1) * size]
        packed = int.from_bytes(array("Q", map(int.__add__, row, repeat(1 << 15))).tobytes(), sys.byteorder)
        if len(self._packed) >= self._most_packed:
            self._packed.clear()
        self._packed[feature] = packed
        return packed

    def save(self) -> dict[str, bytes]:
        """A table and arrays; equal models give equal bytes."""
        labels, features = len(self.labels), len(self.features)
        table = {"labels": list(self.labels), "words": list(self.features.words), "characters": list(self.features.characters)}
        arrays = {
            "weights": Array((features, labels), self._weights),
            "scale": Array((1,), array("d", [self._scale])),
            "bias": Array((labels,), array("d", self._bias)),
            "idf": Array((features,), array("d", self.features.idf)),
        }
        return {TABLE_MEMBER: write_table(table), ARRAYS_MEMBER: write_arrays(arrays)}

    @classmethod
    def load(cls, members: Mapping[str, bytes]) -> LinearModel:
        """The model that `save` wrote (ModelError)."""
        table = read_table(members, TABLE_MEMBER, dict[str, list[str]])
        if table.keys() != {"labels", "words", "characters"}:
            raise ModelError(f"Member {TABLE_MEMBER!r} of the model has unexpected contents; {ADVICE}")
        words, characters = table["words"], table["characters"]
        labels, features = len(table["labels"]), len(words) + len(characters)
        shapes = {"weights": ("h", (features, labels)), "scale": ("d", (1,)), "bias": ("d", (labels,)), "idf": ("d", (features,))}
        arrays = {name: value.data for name, value in read_arrays(members, ARRAYS_MEMBER, shapes).items()}
        return cls(
            table["labels"], NgramFeatures(words, characters, arrays["idf"]),
            arrays["weights"], arrays["scale"][0], arrays["bias"],
        )  # fmt: skip


def softmax(scores: Sequence[float]) -> list[float]:
    """Scores as confidences that add up to 1; an empty list for none."""
    highest = max(scores, default=0.0)
    powers = [math.exp(score - highest) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]
