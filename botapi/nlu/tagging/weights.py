"""What a tagger has learned: labels, features and weights; saved as a table and arrays, and back with all checked."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botapi.errors import ModelError
from botapi.nlu.arrays import Array, read_arrays, write_arrays
from botapi.nlu.tables import ADVICE, has_shape, read_table, write_table
from botapi.nlu.tagging.labels import NOTHING, OUTSIDE, Label

ZERO, LARGEST_WEIGHT = 32768, 32767
SMALLEST_REAL_WEIGHT, LARGEST_REAL_WEIGHT = 1e-9, 100.0  # no training comes near
MAX_LABELS = 2_000
MEMBERS = TABLE_MEMBER, ARRAYS_MEMBER = "tags.json", "tags.npz"


@dataclass(frozen=True)
class Weights:
    """What is learned, for `labels` and `features`; ZERO is added to all weights.

    Of the weights of features only some are there: `counts` says how many for each feature; `numbers` are the labels
    they are for and `values` the weights, feature by feature. `chain` is row-major: of a label after another.
    """

    labels: Sequence[Label]
    features: Sequence[str]
    counts: array[int]
    numbers: array[int]
    values: array[int]
    chain: array[int]
    scale: float

    def save(self) -> dict[str, bytes]:
        """A table and arrays; equal weights give equal bytes."""
        size = len(self.labels)
        labels = [[label.entity, label.role, label.group, "begins" * label.begins] for label in self.labels]
        arrays = {
            "counts": Array((len(self.counts),), self.counts),
            "labels": Array((len(self.numbers),), self.numbers),
            "weights": Array((len(self.values),), self.values),
            "chain": Array((size, size), self.chain),
            "scale": Array((1,), array("d", [self.scale])),
        }
        table = {"labels": labels, "features": list(self.features), "weights": len(self.values)}
        return {TABLE_MEMBER: write_table(table), ARRAYS_MEMBER: write_arrays(arrays)}

    @classmethod
    def load(cls, members: Mapping[str, bytes]) -> Weights:
        """What `save` wrote (ModelError)."""
        table = read_table(members, TABLE_MEMBER, dict[str, Any])
        shape = {"labels": list[list[str]], "features": list[str], "weights": int}
        if table.keys() != shape.keys() or not all(has_shape(table[key], shape[key]) for key in shape):
            raise ModelError(f"Member {TABLE_MEMBER!r} of the model has unexpected contents; {ADVICE}")
        labels = _read_labels(table["labels"])
        size, pairs = len(labels), table["weights"]
        shapes = {
            "counts": ("H", (len(table["features"]),)),
            "labels": ("H", (pairs,)),
            "weights": ("H", (pairs,)),
            "chain": ("H", (size, size)),
            "scale": ("d", (1,)),
        }
        arrays = {name: value.data for name, value in read_arrays(members, ARRAYS_MEMBER, shapes).items()}
        counts, numbers, scale = arrays["counts"], arrays["labels"], arrays["scale"][0]
        # Outside these bounds, which no training reaches, weights of other labels or none would be read.
        if (
            sum(counts) != pairs
            or max(numbers, default=0) >= size
            or not SMALLEST_REAL_WEIGHT < scale * LARGEST_WEIGHT <= LARGEST_REAL_WEIGHT * 1.001
        ):
            raise ModelError(f"Member {ARRAYS_MEMBER!r} of the model has numbers out of range; {ADVICE}")
        return cls(labels, table["features"], counts, numbers, arrays["weights"], arrays["chain"], scale)


def _read_labels(written: Sequence[Sequence[str]]) -> list[Label]:
    if not 1 < len(written) <= MAX_LABELS or any(len(label) != 4 for label in written):
        raise ModelError(f"Member {TABLE_MEMBER!r} of the model has wrong labels; {ADVICE}")
    labels = [Label(entity, role, group, bool(begins)) for entity, role, group, begins in written]
    if labels[OUTSIDE] != NOTHING or len(set(labels)) < len(labels) or not all(label.entity for label in labels[1:]):
        raise ModelError(f"Member {TABLE_MEMBER!r} of the model has wrong labels; {ADVICE}")
    return labels
