"""Words and meaning together: scores of a linear model and the vector of a text in, scores of both out.

Three opinions are added up: that of words, that of a linear model of vectors, and that of the examples whose vectors
are nearest (as k-nearest neighbours beside a model: Khandelwal et al. 2020). So the confidences are the geometric mean
of theirs.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from botapi.errors import ModelError
from botapi.nlu.arrays import Array, read_arrays, write_arrays
from botapi.nlu.calibration import HeldOut, parts
from botapi.nlu.embedding import meaning
from botapi.nlu.embedding.encoder import load_numpy
from botapi.nlu.tables import ADVICE, read_table, write_table

TABLE_MEMBER, ARRAYS_MEMBER = "meaning.json", "meaning.npz"
MEMBERS = (TABLE_MEMBER, ARRAYS_MEMBER)
MOST_NUMBERS = 1 << 24
# PERF: every message is compared with so many examples at most, taken evenly.
MOST_EXAMPLES = 12_000
NEIGHBOURS, WIDTH_OF_NEAR = 20, 0.05
# What a label without a near example has of the best one's votes.
NO_VOTES = 1e-4
# Numbers of vectors, from -1 to 1, are kept as unsigned bytes: less ZERO, divided by the largest one's.
ZERO, LARGEST = 128, 127


class Shares(NamedTuple):
    """How much each opinion counts."""

    words: float
    weights: float
    neighbours: float


# With few examples a label, words tell little. Chosen on parts held back from training sets.
FEW_EXAMPLES = 30
OF_FEW, OF_MANY = Shares(0.1, 0.7, 0.2), Shares(0.36, 0.24, 0.4)


class Examples:
    """Vectors of examples, as bytes (examples, width), and the number of the label of each."""

    def __init__(self, numbers: Any, scale: float, labels: Any) -> None:
        self.numbers, self.scale, self.labels = numbers, scale, labels
        self._vectors = (numbers.astype("f4") - ZERO) * load_numpy().float32(scale)

    @classmethod
    def of(cls, vectors: Any, labels: Any) -> Examples:
        numpy = load_numpy()
        chosen = slice(None, None, -(-len(vectors) // MOST_EXAMPLES))
        scale = float(abs(vectors).max()) / LARGEST
        numbers = numpy.round(vectors[chosen] / scale + ZERO).astype("u1")
        return cls(numbers, scale, labels[chosen])

    def votes(self, vector: Any, size: int) -> Any:
        """Logarithms of the votes for each of `size` labels by the nearest examples."""
        numpy = load_numpy()
        near = self._vectors @ vector
        nearest = numpy.argpartition(near, -NEIGHBOURS)[-NEIGHBOURS:] if len(near) > NEIGHBOURS else slice(None)
        powers = numpy.exp((near[nearest] - near.max()) / WIDTH_OF_NEAR)
        votes = numpy.bincount(self.labels[nearest], powers, minlength=size)
        return numpy.log(votes + NO_VOTES * votes.max())


class Meaning:
    """Weights (labels, width) and biases for vectors, and examples; `factor` sharpens what all say together."""

    def __init__(self, weights: Any, bias: Any, examples: Examples, shares: Shares, factor: float = 1.0) -> None:
        self._weights, self._bias, self._examples = weights, bias, examples
        self._shares, self._factor = shares, factor
        self._numpy = load_numpy()

    @classmethod
    def learn(cls, vectors: Any, targets: Any, labels: int, shares: Shares) -> Meaning:
        """Of vectors, one a row, and the number of the label of each."""
        weights, bias = meaning.learn(load_numpy(), vectors, targets, labels)
        return cls(weights, bias, Examples.of(vectors, targets), shares)

    def join(self, scores: Sequence[float], vector: Any) -> list[float]:
        """The scores of all labels by words and by meaning; by words alone where the vector is of another encoder."""
        if len(vector) != self._weights.shape[1]:
            return list(scores)
        shares = self._shares
        joined = shares.words * self._numpy.array(scores)
        joined += shares.weights * (self._weights @ vector + self._bias)
        joined += shares.neighbours * self._examples.votes(vector, len(joined))
        found: list[float] = (self._factor * joined).tolist()
        return found

    def sharpen(self, factor: float) -> None:
        """Multiply all scores."""
        self._factor *= factor

    def save(self) -> dict[str, bytes]:
        labels, width = self._weights.shape
        examples = self._examples
        mixture = (*self._shares, self._factor, examples.scale)
        arrays = {
            "weights": Array((labels, width), array("f", self._weights.tobytes())),
            "bias": Array((labels,), array("f", self._bias.tobytes())),
            "mixture": Array((len(mixture),), array("d", mixture)),
            "examples": Array(examples.numbers.shape, array("B", examples.numbers.tobytes())),
            "labels": Array((len(examples.labels),), array("H", examples.labels.astype("u2").tobytes())),
        }
        table = {"width": width, "examples": len(examples.labels)}
        return {TABLE_MEMBER: write_table(table), ARRAYS_MEMBER: write_arrays(arrays)}

    @classmethod
    def load(cls, members: Mapping[str, bytes], labels: int) -> Meaning:
        """What `save` wrote (ModelError)."""
        table = read_table(members, TABLE_MEMBER, dict[str, int])
        width, size = table.get("width", 0), table.get("examples", 0)
        if not (width > 0 < size and width * max(labels, size) <= MOST_NUMBERS):
            raise ModelError(f"Member {TABLE_MEMBER!r} of the model has no fitting width; {ADVICE}")
        shapes = {
            "weights": ("f", (labels, width)),
            "bias": ("f", (labels,)),
            "mixture": ("d", (len(Shares._fields) + 2,)),
            "examples": ("B", (size, width)),
            "labels": ("H", (size,)),
        }
        arrays = {name: value.data for name, value in read_arrays(members, ARRAYS_MEMBER, shapes).items()}
        *shares, factor, scale = arrays["mixture"]
        # Outside these bounds, which no training reaches, scores would overflow.
        largest = max(map(abs, chain(arrays["weights"], arrays["bias"])))
        if not (min(shares) >= 0 and max(shares) <= 2 and 0 < factor < 1e3 and 0 < scale < 1 and largest < 1e6):
            raise ModelError(f"Member {ARRAYS_MEMBER!r} of the model has numbers out of range; {ADVICE}")
        if max(arrays["labels"]) >= labels:
            raise ModelError(f"Member {ARRAYS_MEMBER!r} of the model names a label that it lacks; {ADVICE}")
        numpy = load_numpy()
        weights = numpy.frombuffer(arrays["weights"], "f4").reshape(labels, width)
        numbers = numpy.frombuffer(arrays["examples"], "u1").reshape(size, width)
        examples = Examples(numbers, scale, numpy.frombuffer(arrays["labels"], "u2").astype("i8"))
        return cls(weights, numpy.frombuffer(arrays["bias"], "f4"), examples, Shares(*shares), factor)


def learn(
    labels: Sequence[str], targets: Sequence[str], vectors: Any, by_words: HeldOut, seed: int
) -> tuple[Meaning, HeldOut]:
    """The model of examples with the labels `targets`, and what it says together with words of those held back."""
    number = {label: index for index, label in enumerate(labels)}
    wanted = load_numpy().array([number[label] for label in targets])
    shares = OF_FEW if len(targets) < FEW_EXAMPLES * len(labels) else OF_MANY
    held_out, answers = HeldOut(), iter(by_words.answers)
    for part in parts(targets, seed):
        model = Meaning.learn(vectors[part.learned], wanted[part.learned], len(labels), shares)
        for vector in vectors[part.asked]:
            scores, right = next(answers)
            held_out.add(model.join(scores, vector), right)
    # The scores of the words' own model are multiplied by its factor; the shares are for those before.
    shares = shares._replace(words=shares.words / by_words.factor(len(targets)))
    model = Meaning.learn(vectors, wanted, len(labels), shares)
    model.sharpen(1 / held_out.temperature())
    return model, held_out
