"""The linear text classifier in use: words in, labels with confidences out; saved as one table and arrays.

A score is bias + sum of weight * feature value, a confidence the softmax of the scores. Weights are unsigned 16-bit
integers: less ZERO, times one scale, they are the real ones, each multiplied by the idf of its feature already.

PERF: scoring is plain Python and fast, because the weights of one feature for all labels are packed into one big
integer with a field of 64 bits for each label, and those of a word with all its pieces are added up once: one addition
for each word and each pair of words then serves all labels. Parsing needs no numpy, whose import alone costs more
memory and time than a small bot needs.
"""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

from botapi.errors import ModelError
from botapi.nlu.arrays import Array, read_arrays, write_arrays
from botapi.nlu.featurizers import Features, Shape, grams_of
from botapi.nlu.tables import ADVICE, has_shape, read_json, write_table

# PERF: 11 of the 16 bits are enough for the same answers, and make an archive a third smaller than 13.
ZERO, LARGEST_WEIGHT = 32768, 1023
FIELD_BYTES = 8
MAX_PACKED_BYTES = 16 << 20
TABLE_MEMBER, ARRAYS_MEMBER = "labels.json", "weights.npz"
TABLE_SHAPES: dict[str, Any] = {
    "labels": list[str], "words": list[str], "pieces": list[str], "shape": dict[str, Any],
}  # fmt: skip


class Packed(NamedTuple):
    """The sum of some rows of weights: a field for each label, how many rows it is of, and the sum of idf * idf."""

    fields: int
    rows: int
    square: float


NOTHING = Packed(0, 0, 0.0)


class Start(NamedTuple):
    """Where a training begins: the weights of each feature, None for zeros, and the biases; both by label."""

    rows: Iterator[list[float] | None]
    bias: list[float]


class LinearModel:
    """Labels, features and weights; `weights` has a row for each feature and a column for each label."""

    def __init__(
        self, labels: Sequence[str], features: Features, weights: array[int], scale: float, bias: Sequence[float]
    ) -> None:
        self.labels, self.features = labels, features
        self.weights, self.scale, self.bias = weights, scale, bias
        # What words and pairs of words, and the pieces of words, add to the scores.
        self._grams: dict[str, Packed] = {}
        self._pieces: dict[str, Packed] = {}
        self._most_packed = max(128, MAX_PACKED_BYTES // (2 * FIELD_BYTES * max(1, len(labels))))

    def ranking(self, words: Sequence[str]) -> list[tuple[str, float]]:
        """(label, confidence), best first; equal ones in the order of the labels."""
        return self.ranked(self.scores(words))

    def ranked(self, scores: Sequence[float]) -> list[tuple[str, float]]:
        """The same for scores of all labels, wherever they are from."""
        return sorted(zip(self.labels, softmax(scores), strict=True), key=itemgetter(1), reverse=True)

    def scores(self, words: Sequence[str]) -> list[float]:
        """One score for each label."""
        grams, pieces = self._grams, self._pieces
        in_text = [grams.get(gram) or self._pack_gram(gram) for gram in grams_of(words)]
        in_words = [pieces.get(word) or self._pack_pieces(word) for word in words]
        first, first_offset, first_unit = self._block(in_text)
        second, second_offset, second_unit = self._block(in_words)
        return [
            bias + (a - first_offset) * first_unit + (b - second_offset) * second_unit
            for bias, a, b in zip(self.bias, first, second, strict=True)
        ]

    def sharpen(self, factor: float) -> None:
        """Multiply all scores: the ranking stays, confidences differ more (above 1) or less (below)."""
        self.scale, self.bias = self.scale * factor, [bias * factor for bias in self.bias]

    def taken_over(self, labels: Sequence[str], features: Features) -> Start:
        """What is known of other labels and features, where a training may go on."""
        number = {label: index for index, label in enumerate(self.labels)}
        columns = [number.get(label) for label in labels]
        bias = [0.0 if column is None else self.bias[column] for column in columns]
        names = chain(
            (self.features.grams.get(gram) for gram in features.grams),
            (self.features.pieces.get(piece) for piece in features.pieces),
        )
        rows = (None if row is None else self._row(row, columns) for row in names)
        return Start(rows, bias)

    def _row(self, feature: int, columns: Sequence[int | None]) -> list[float]:
        start, unit = feature * len(self.labels), self.scale / self.features.idf[feature]
        return [0.0 if column is None else (self.weights[start + column] - ZERO) * unit for column in columns]

    def _block(self, parts: Sequence[Packed]) -> tuple[array[int], int, float]:
        """The sums of weights for each label, what to take off each, and what one unit of them is in scores."""
        packed, rows, squares = zip(*parts or [NOTHING], strict=True)
        square = sum(squares)
        fields = array("Q", sum(packed).to_bytes(FIELD_BYTES * len(self.labels), sys.byteorder))
        unit = self.scale / math.sqrt(square) if square else 0.0
        return fields, ZERO * sum(rows), unit

    def _pack_gram(self, gram: str) -> Packed:
        number = self.features.grams.get(gram)
        return self._keep(self._grams, gram, NOTHING if number is None else self._pack([number]))

    def _pack_pieces(self, word: str) -> Packed:
        return self._keep(self._pieces, word, self._pack(self.features.pieces_in(word)))

    def _keep(self, packed: dict[str, Packed], name: str, value: Packed) -> Packed:
        if len(packed) >= self._most_packed:
            packed.clear()
        packed[name] = value
        return value

    def _pack(self, numbers: Sequence[int]) -> Packed:
        size = len(self.labels)
        fields = sum([in_fields(self.weights[number * size : (number + 1) * size]) for number in numbers])
        return Packed(fields, len(numbers), self.features.squares(numbers))

    def save(self) -> dict[str, bytes]:
        """A table and arrays; equal models give equal bytes."""
        labels, features = len(self.labels), len(self.features)
        arrays = {
            "weights": Array((features, labels), self.weights),
            "scale": Array((1,), array("d", [self.scale])),
            "bias": Array((labels,), array("d", self.bias)),
            "idf": Array((features,), array("d", self.features.idf)),
        }
        table = {
            "labels": list(self.labels),
            "words": list(self.features.grams),
            "pieces": list(self.features.pieces),
            "shape": self.features.shape.as_json(),
        }
        return {TABLE_MEMBER: write_table(table), ARRAYS_MEMBER: write_arrays(arrays)}

    @classmethod
    def load(cls, members: Mapping[str, bytes]) -> LinearModel:
        """The model that `save` wrote (ModelError)."""
        table, shape = _read_table(members)
        labels, features = len(table["labels"]), len(table["words"]) + len(table["pieces"])
        shapes = {
            "weights": ("H", (features, labels)),
            "scale": ("d", (1,)),
            "bias": ("d", (labels,)),
            "idf": ("d", (features,)),
        }
        arrays = {name: value.data for name, value in read_arrays(members, ARRAYS_MEMBER, shapes).items()}
        scale, bias, idf = arrays["scale"][0], arrays["bias"], arrays["idf"]
        # Outside these bounds, which no training reaches, scores would overflow.
        if not (0 < scale < 1 and all(abs(b) < 1e6 for b in bias) and _between(idf, 1, 100)):
            raise ModelError(f"Member {ARRAYS_MEMBER!r} of the model has numbers out of range; {ADVICE}")
        known = Features(table["words"], table["pieces"], idf, shape)
        if len(known.grams) + len(known.pieces) != features:
            raise ModelError(f"Member {TABLE_MEMBER!r} of the model names a feature twice; {ADVICE}")
        return cls(table["labels"], known, arrays["weights"], scale, bias)


def _read_table(members: Mapping[str, bytes]) -> tuple[dict[str, Any], Shape]:
    table = read_json(members, TABLE_MEMBER)
    try:
        if table.keys() != TABLE_SHAPES.keys() or not table["labels"]:
            raise ValueError("other keys or no labels")
        if not all(has_shape(table[key], shape) for key, shape in TABLE_SHAPES.items()):
            raise TypeError("a value has another type")
        return table, Shape.from_json(table["shape"])
    except (AttributeError, TypeError, ValueError) as error:
        raise ModelError(f"Member {TABLE_MEMBER!r} of the model has unexpected contents: {error}; {ADVICE}") from error


def _between(values: Sequence[float], least: float, limit: float) -> bool:
    return not values or least <= min(values) and max(values) < limit


def in_fields(row: array[int]) -> int:
    """16-bit numbers as one integer with a field for each.

    PERF: bytes are put in place by slices, which takes a third of the time that an array of wider numbers would.
    """
    narrow, wide = row.tobytes(), bytearray(FIELD_BYTES * len(row))
    low = 0 if sys.byteorder == "little" else FIELD_BYTES - 2
    wide[low::FIELD_BYTES], wide[low + 1 :: FIELD_BYTES] = narrow[::2], narrow[1::2]
    return int.from_bytes(wide, sys.byteorder)


def softmax(scores: Iterable[float]) -> list[float]:
    """Scores as confidences that add up to 1; an empty list for none."""
    scores = list(scores)
    highest = max(scores, default=0.0)
    exp = math.exp
    powers = [exp(score - highest) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]
