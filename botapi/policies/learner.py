"""Learning what follows from a set of features: sets with the labels seen after them in, scores of labels out.

Multinomial logistic regression in plain Python, by AdaGrad (Duchi, Hazan and Singer, 2011) one example a time. A
feature is a tuple of texts and numbers, which a set has or has not. An example that already fits is passed over in the
next round, and of labels only those are corrected that are clearly wrong, so that most weights stay zero.
"""

from __future__ import annotations

import math
import random
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Feature = tuple[str | int | None, ...]

RATE, FIRST_SQUARE = 0.5, 1e-2
# For weights that were learned before: they give way slowly, so that what is new goes to what says nothing yet.
KNOWN_SQUARE = 0.5
# What a feature counts: with about 40 of them in a set, a first step moves a score by about 3.
UNIT = 0.3
# Errors of a label's confidence that are left alone.
SMALLEST_ERROR = 0.05
ROUNDS, MAX_STEPS = 12, 120_000
# For how many rounds an example that fitted again and again is left alone.
LONGEST_REST = 7
# Labels that score so much less than the best one count nothing: confidences below about 1e-4, and while learning those
# that are right to be so small.
RANGE, RANGE_LEARNING = 9.0, 5.0

# PERF: the weights of a feature for all labels are one big integer with a field of 32 bits for each label, in units of
# 1 / PRECISION (saved as 1 / SAVED_PRECISION), so that the scores of all labels cost one addition for each feature.
FIELD_BITS, FIELD_BYTES, FIELD_TYPE = 32, 4, "I"
PRECISION, SAVED_PRECISION = 1 << 16, 1 << 10
OFFSET = 1 << 31
# So many features of the largest weight still fit into a field; real sets and weights are far smaller.
MAX_FEATURES, LARGEST_SAVED = 1 << 11, 1 << 19


class Examples:
    """What to learn from: sets of features with the labels that follow them; of each set one is kept."""

    def __init__(self) -> None:
        self.features: dict[Feature, int] = {}
        # PERF: numbers in bytes take a tenth of the memory of the features themselves.
        self._sets: dict[bytes, set[str]] = {}

    def __len__(self) -> int:
        return len(self._sets)

    def add(self, features: Iterable[Feature], label: str) -> None:
        known = self.features
        numbers = array("i", [known.setdefault(feature, len(known)) for feature in features][:MAX_FEATURES])
        self._sets.setdefault(numbers.tobytes(), set()).add(label)

    def __iter__(self) -> Iterator[tuple[array[int], set[str]]]:
        """(numbers of the features, labels) of each set, in the order in which they came."""
        for numbers, labels in self._sets.items():
            yield array("i", numbers), labels


class Learner:
    """Labels, known features, and what each feature says for and against each label."""

    def __init__(self, labels: Sequence[str], weights: Mapping[Feature, Mapping[int, int]]) -> None:
        """`weights` are {feature: {index of a label: whole number, in 1 / SAVED_PRECISION}}."""
        self.labels = list(labels)
        self._weights = weights
        self._rows = {feature: _packed(row) for feature, row in weights.items()}
        self._base = _packed(dict.fromkeys(range(len(self.labels)), OFFSET))
        self._scale = UNIT / SAVED_PRECISION

    @classmethod
    def learn(cls, examples: Examples, seed: int, rounds: int = ROUNDS) -> Learner:
        """Learn that each label of a set follows it, all equally often. The same each time for a seed."""
        labels = sorted({label for _, found in examples for label in found})
        number = {label: index for index, label in enumerate(labels)}
        training = _Training(len(examples.features), len(labels))
        sets = [(features, tuple(sorted(number[label] for label in found))) for features, found in examples]
        training.run(sets, random.Random(seed), rounds)
        return cls(labels, dict(zip(examples.features, training.weights(), strict=True)))

    def learned_on(self, examples: Examples, seed: int, rounds: int) -> Learner:
        """This learner after learning that the examples' labels follow, too; labels and features may be new."""
        labels = sorted({*self.labels, *(label for _, found in examples for label in found)})
        number = {label: index for index, label in enumerate(labels)}
        place = [number[label] for label in self.labels]
        known = {
            feature: {place[label]: weight for label, weight in row.items()} for feature, row in self._weights.items()
        }
        training = _Training(len(examples.features), len(labels))
        training.begin_with([known.get(feature, {}) for feature in examples.features])
        sets = [(features, tuple(sorted(number[label] for label in found))) for features, found in examples]
        training.run(sets, random.Random(seed), rounds)
        known.update(zip(examples.features, training.weights(), strict=True))
        return Learner(labels, known)

    def __contains__(self, feature: Feature) -> bool:
        return feature in self._rows

    def fits(self, features: Iterable[Feature]) -> list[float]:
        """For each label, its score less the best one's, at most 0; unknown features say nothing."""
        fields = self._fields(features)
        highest, scale = max(fields, default=0), self._scale
        return [(field - highest) * scale for field in fields]

    def confidences(self, features: Iterable[Feature]) -> dict[str, float]:
        """Confidences that add up to 1, of the labels within RANGE of the best one."""
        fields = self._fields(features)
        exp, scale, labels = math.exp, self._scale, self.labels
        highest = max(fields, default=0)
        least = highest - int(RANGE / scale)
        powers = {labels[k]: exp((field - highest) * scale) for k, field in enumerate(fields) if field > least}
        total = sum(powers.values())
        return {label: power / total for label, power in powers.items()}

    def _fields(self, features: Iterable[Feature]) -> array[int]:
        rows = self._rows
        known = [rows[feature] for feature in features if feature in rows]
        total = sum(known[:MAX_FEATURES], self._base)
        return array(FIELD_TYPE, total.to_bytes(FIELD_BYTES * len(self.labels), sys.byteorder))

    def as_json(self) -> dict[str, Any]:
        """The form that `from_json` takes: weights of a feature are [label, weight, label, weight, …]."""
        rows = sorted(self._weights.items(), key=lambda item: repr(item[0]))
        return {
            "labels": self.labels,
            "features": [list(name) for name, _ in rows],
            "weights": [[value for pair in sorted(row.items()) for value in pair] for _, row in rows],
        }

    @classmethod
    def from_json(cls, data: Any) -> Learner:
        """Raises KeyError, TypeError or ValueError when the data have another form."""
        labels, features, rows = data["labels"], data["features"], data["weights"]
        if not all(isinstance(label, str) for label in labels) or len(set(labels)) != len(labels):
            raise ValueError("labels are no list of different texts")
        weights = {}
        for name, row in zip(features, rows, strict=True):
            pairs = dict(zip(row[::2], row[1::2], strict=True))
            if not all(_is_weight(label, weight, len(labels)) for label, weight in pairs.items()):
                raise ValueError(f"wrong weights of the feature {name}")
            weights[tuple(name)] = pairs
        return cls(labels, weights)


class _Training:
    """What changes while learning."""

    def __init__(self, features: int, labels: int) -> None:
        self._labels = labels
        self._rows = [0] * features
        self._squares: list[dict[int, float]] = [{} for _ in range(features)]
        self._base = _packed(dict.fromkeys(range(labels), OFFSET))

    def begin_with(self, rows: Sequence[Mapping[int, int]]) -> None:
        """Take what is known: for each feature its weights, in 1 / SAVED_PRECISION."""
        ratio = PRECISION // SAVED_PRECISION
        for number, row in enumerate(rows):
            self._rows[number] = _packed({label: weight * ratio for label, weight in row.items()})
            self._squares[number] = dict.fromkeys(row, KNOWN_SQUARE)

    def run(self, examples: Sequence[tuple[array[int], tuple[int, ...]]], chance: random.Random, rounds: int) -> None:
        """Go through the examples until all fit, `rounds` times or MAX_STEPS at most."""
        order = list(range(len(examples)))
        # Rounds for which an example is still left alone, and for how many it was the last time.
        rest, rested = bytearray(len(examples)), bytearray(len(examples))
        steps = 0
        for _ in range(rounds):
            chance.shuffle(order)
            has_changed = False
            for n in order:
                if rest[n]:
                    rest[n] -= 1
                    continue
                steps += 1
                features, targets = examples[n]
                errors = self._errors(features, targets)
                if errors:
                    has_changed = True
                    rested[n] = 0
                    self._correct(features, errors)
                else:
                    rest[n] = rested[n] = min(2 * rested[n] + 1, LONGEST_REST)
            if steps > MAX_STEPS or not (has_changed or any(rest)):
                break

    def _errors(self, features: array[int], targets: tuple[int, ...]) -> list[tuple[int, float]]:
        """(label, how much too high its confidence is) for labels that are clearly wrong."""
        total = sum(map(self._rows.__getitem__, features), self._base)
        fields = array(FIELD_TYPE, total.to_bytes(FIELD_BYTES * self._labels, sys.byteorder))
        highest, scale, exp = max(fields), UNIT / PRECISION, math.exp
        least = highest - int(RANGE_LEARNING / scale)
        powers = [(label, exp((field - highest) * scale)) for label, field in enumerate(fields) if field > least]
        whole = sum([power for _, power in powers])
        share = 1 / len(targets)
        errors = dict.fromkeys(targets, -share)
        for label, power in powers:
            errors[label] = errors.get(label, 0.0) + power / whole
        return [(label, error) for label, error in errors.items() if not -SMALLEST_ERROR < error < SMALLEST_ERROR]

    def _correct(self, features: array[int], errors: Sequence[tuple[int, float]]) -> None:
        rows, squares, root = self._rows, self._squares, math.sqrt
        steps = [(label, label * FIELD_BITS, error * UNIT) for label, error in errors]
        rate = -RATE * PRECISION
        for feature in features:
            seen = squares[feature]
            change = 0
            for label, shift, slope in steps:
                square = seen[label] = seen.get(label, FIRST_SQUARE) + slope * slope
                change += int(rate * slope / root(square)) << shift
            rows[feature] += change

    def weights(self) -> Iterable[dict[int, int]]:
        """For each feature, its weights that are not zero."""
        size, ratio = FIELD_BYTES * self._labels, PRECISION // SAVED_PRECISION
        for row, seen in zip(self._rows, self._squares, strict=True):
            fields = array(FIELD_TYPE, (row + self._base).to_bytes(size, sys.byteorder))
            found = {label: round((fields[label] - OFFSET) / ratio) for label in sorted(seen)}
            yield {label: weight for label, weight in found.items() if weight}


def _packed(weights: Mapping[int, int]) -> int:
    return sum(weight << FIELD_BITS * label for label, weight in weights.items())


def _is_weight(label: Any, weight: Any, labels: int) -> bool:
    if type(label) is not int or type(weight) is not int:
        return False
    return 0 <= label < labels and -LARGEST_SAVED < weight < LARGEST_SAVED
