"""Learning a tagger: training data in, a Tagger out; with numpy where it is installed, else in plain Python."""

from __future__ import annotations

import importlib.util
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from botapi.data.examples import TrainingData
from botapi.errors import ConfigError
from botapi.nlu.message import MAX_CHARACTERS
from botapi.nlu.tagging import field, perceptron
from botapi.nlu.tagging.features import TagFeatures
from botapi.nlu.tagging.gazetteer import Gazetteer, collect
from botapi.nlu.tagging.labels import NOTHING, Label, encode, told_apart
from botapi.nlu.tagging.segments import segments
from botapi.nlu.tagging.tagger import Tagger
from botapi.nlu.tagging.weights import LARGEST_REAL_WEIGHT, LARGEST_WEIGHT, MAX_LABELS, ZERO, Weights

# The phrases that a training example is marked with are those of the other folds: those of its own would teach the
# tagger to trust marks that no new message has.
FOLDS = 5


@dataclass(frozen=True)
class Recipe:
    """How to learn: how often to go through few examples, and the weights of both penalties, L1 and L2.

    The penalties count once for each thousand examples.
    """

    iterations: int = 60
    l1: float = 0.03
    l2: float = 0.0
    least_weight: float = 0.01  # PERF: smaller ones of features change no answer, and are most of all
    separate: bool = True  # whether neighbouring entities of one kind are told apart
    with_intents: bool = True  # whether messages have an intent when they are tagged


@dataclass(frozen=True)
class Sentence:
    """One example: for each word the numbers of its features, and the number of its label."""

    words: Sequence[array[int]]
    labels: Sequence[int]


# Real weights: by (feature, label), and by (label, label after it).
Learned = tuple[dict[tuple[int, int], float], dict[tuple[int, int], float]]


def learn(
    data: TrainingData,
    lists: Sequence[Sequence[str]],
    recipe: Recipe,
    *,
    seed: int,
    report: Callable[[str], None],
    by_numpy: bool | None = None,
) -> Tagger | None:
    """A tagger for the entities of the examples, None where there are none; `lists` as in DEFAULT_FEATURES.

    `report` gets a line when annotations begin or end inside words, and when numpy is missing; `by_numpy` says whether
    to use it, None means: where it is installed. Raises ConfigError for too many kinds of entity.
    """
    if not data.entities:
        return None
    features = TagFeatures(lists)
    reader = _Reader(data, features, recipe)
    sentences = [reader.sentence(number) for number in range(len(data.examples))]
    if len(reader.labels) == 1:
        return None
    if len(reader.labels) > MAX_LABELS:
        raise ConfigError(
            f"The examples have entities of {len(reader.labels) // 2} kinds or more (names, roles and groups); "
            f"the tagger takes {MAX_LABELS // 2}, use EntitySynonymMapper to tell values apart"
        )
    if reader.misfits:
        report(
            f"{len(reader.misfits)} examples have an entity that begins or ends inside a word, such as "
            f"{reader.misfits[0]!r}; the tagger learns the whole word"
        )
    size = (len(reader.features), len(reader.labels))
    if by_numpy is None:
        by_numpy = importlib.util.find_spec("numpy") is not None
    if by_numpy:
        learned = field.train(sentences, size, recipe, seed)
    else:
        report("Entities are learned by a perceptron; `pip install 'botapi[nlu]'` brings what learns them better.")
        learned = perceptron.train(sentences, size, seed)
    weights = _rounded(learned, list(reader.labels), list(reader.features), recipe.least_weight)
    return Tagger(weights, features, reader.known)


class _Reader:
    """Numbers features and labels in the order of their first appearance."""

    def __init__(self, data: TrainingData, features: TagFeatures, recipe: Recipe) -> None:
        self.features: dict[str, int] = {}
        self.labels: dict[Label, int] = {NOTHING: 0}
        self._data, self._features, self._recipe = data, features, recipe
        numbers = range(len(data.examples))
        self.known = self._collect(numbers)
        self._words = [segments(example.text[:MAX_CHARACTERS]) for example in data.examples]
        encoded = [encode(words, example.entities) for words, example in zip(self._words, data.examples, strict=True)]
        self._labels = [labels for labels, _ in encoded]
        self.misfits = [example.text for example, (_, fits) in zip(data.examples, encoded, strict=True) if not fits]
        self._told_apart = told_apart(self._labels) if recipe.separate else set()
        self._folds = [self._collect([number for number in numbers if number % FOLDS != fold]) for fold in range(FOLDS)]

    def _collect(self, numbers: Sequence[int]) -> Gazetteer:
        uses = self._features
        return collect(self._data, numbers, entities=uses.uses_phrases, tables=uses.uses_patterns)

    def sentence(self, number: int) -> Sentence:
        example = self._data.examples[number]
        text, words = example.text[:MAX_CHARACTERS], self._words[number]
        written = [word.text for word in words]
        marks = self._folds[number % FOLDS].marks(text, words, [word.lower() for word in written])
        intent = example.base_intent if self._recipe.with_intents else None
        number_of = self.features
        rows = [
            array("i", [number_of.setdefault(name, len(number_of)) for name in row])
            for row in self._features.all(written, marks, intent)
        ]
        return Sentence(rows, [self._label(label) for label in self._labels[number]])

    def _label(self, label: Label) -> int:
        if label.begins and label.kind not in self._told_apart:
            label = replace(label, begins=False)
        return self.labels.setdefault(label, len(self.labels))


def _rounded(learned: Learned, labels: list[Label], features: list[str], least_weight: float) -> Weights:
    """The weights as a Tagger has them; the smallest, and features without any, are left out."""
    by_feature, by_pair = learned
    largest = max(map(abs, [*by_feature.values(), *by_pair.values()]), default=0.0)
    scale = min(largest, LARGEST_REAL_WEIGHT) / LARGEST_WEIGHT or 1 / LARGEST_WEIGHT

    def whole(weight: float) -> int:
        return ZERO + max(-LARGEST_WEIGHT, min(LARGEST_WEIGHT, round(weight / scale)))

    rows: dict[int, list[tuple[int, int]]] = {}
    for (feature, label), weight in sorted(by_feature.items()):
        if abs(weight) >= least_weight:
            rows.setdefault(feature, []).append((label, whole(weight)))
    pairs = [pair for row in rows.values() for pair in row]
    places = range(len(labels))
    return Weights(
        labels,
        [features[number] for number in rows],
        array("H", map(len, rows.values())),
        array("H", [label for label, _ in pairs]),
        array("H", [weight for _, weight in pairs]),
        array("H", [whole(by_pair.get((a, b), 0.0)) for a in places for b in places]),
        scale,
    )
