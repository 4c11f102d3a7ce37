"""The training of a tagger with numpy: numbered features and labels in, the weights of a random field out.

A linear-chain conditional random field (Lafferty, McCallum and Pereira, 2001), learned by dual averaging with the step
sizes of AdaGrad (Duchi, Hazan and Singer, 2011), some sentences at a time: the sum of all slopes so far is kept, and
the weights follow from it. Where it is below what the L1 penalty adds up to, the weight is zero: most are. The outcome
is the average of the weights over the second half of the training.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    from botapi.nlu.tagging.learning import Learned, Recipe, Sentence

BATCH = 32  # sentences
LEARNING_RATE, FIRST_SQUARE = 0.5, 1e-2
EPOCHS = 5
# Few sentences have more epochs, up to the iterations of the recipe, until they have made so many steps.
FEWEST_STEPS = 400
# PERF: many words and labels have fewer epochs: so many scores in all bound a training to about two minutes.
FEWEST_EPOCHS, MOST_SCORES = 2, 200_000_000
# PERF: there are two numbers of four bytes for each weight; beyond so many, the rarest features are left out.
MOST_WEIGHTS = 13_000_000
AVERAGED = 64  # weights, at times evenly spread over the second half
ROWS = 4096  # of weights at once, when all are looked at
# Scores are cut this far below the best of their word, so that no probability is zero.
LOWEST_SCORE = -40.0


def train(sentences: Sequence[Sentence], size: tuple[int, int], recipe: Recipe, seed: int) -> Learned:
    """Weights by (feature, label) and by (label, label after it); `size` is the number of features and labels."""
    # PERF: the matrices are small; a second thread would only wait for the first, and use up a core in doing so.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import numpy as np

    corpus = _Corpus(np, sentences, size[0], MOST_WEIGHTS // size[1])
    field = _Field(np, corpus, size[1], recipe)
    # NOTE: of numpy's generators only RandomState promises the same numbers in every version.
    random = np.random.RandomState(seed)
    count = len(corpus.lengths)
    epochs = epochs_within_bounds(count, len(corpus.labels) * size[1], recipe.iterations)
    starts = [first for _ in range(epochs) for first in range(0, count, BATCH)]
    noted = range(len(starts), len(starts) // 2, -max(1, len(starts) // (2 * AVERAGED)))
    for step, first in enumerate(starts, 1):
        if first == 0:
            order = random.permutation(count)
        field.learn(corpus.batch(order[first : first + BATCH], random))
        if step in noted:
            field.note()
    return field.averages()


def epochs_within_bounds(sentences: int, scores: int, most: int) -> int:
    """How many; `scores` is the number of words times that of labels."""
    batches = -(-sentences // BATCH)
    wanted = max(EPOCHS, -(-FEWEST_STEPS // batches))
    return max(1, min(wanted, most, max(FEWEST_EPOCHS, MOST_SCORES // scores)))


class _Batch(NamedTuple):
    """Some sentences, the longest first: their first words, then all second ones, and so on.

    `places` says where each place begins among the words, `matrix` which of the `features` a word has.
    """

    places: list[int]
    labels: np.ndarray
    features: np.ndarray
    matrix: np.ndarray


class _Corpus:
    """The sentences as arrays: `lengths` in words; for all words in order `labels` and how many `features` each has."""

    def __init__(self, numpy: Any, sentences: Sequence[Sentence], features: int, most: int) -> None:
        np = self._np = numpy
        sentences = [sentence for sentence in sentences if sentence.labels]
        self.lengths = np.array([len(sentence.labels) for sentence in sentences])
        self.labels = np.concatenate([np.array(sentence.labels, np.intp) for sentence in sentences])
        rows = [row for sentence in sentences for row in sentence.words]
        numbers = np.concatenate([np.frombuffer(row, np.intc) for row in rows])
        words = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        uses = np.bincount(numbers, minlength=features)
        self.kept = np.sort(np.argsort(-uses, kind="stable")[:most])  # the numbers of those that are not too many
        place = np.full(features, -1, np.int32)
        place[self.kept] = np.arange(len(self.kept))
        known = place[numbers] >= 0
        self._features = place[numbers[known]]
        self._counts = np.bincount(words[known], minlength=len(rows))
        self._starts = np.cumsum(self._counts) - self._counts
        self._first_words = np.cumsum(self.lengths) - self.lengths
        # What few words have, new messages mostly lack: a feature that n words have is there n times out of n + 1.
        uses = uses[self.kept]
        self._chances = (uses / (uses + 1)).astype(np.float32)
        self._column = np.zeros(len(self.kept), np.int32)

    def batch(self, numbers: np.ndarray, random: np.random.RandomState) -> _Batch:
        """The sentences with these numbers; of their features some are left out by chance."""
        np = self._np
        numbers = numbers[np.argsort(-self.lengths[numbers], kind="stable")]
        lengths, first_words = self.lengths[numbers], self._first_words[numbers]
        by_place = [first_words[: np.count_nonzero(lengths > i)] + i for i in range(lengths[0])]
        words = np.concatenate(by_place)
        counts = self._counts[words]
        ends = np.cumsum(counts)
        features = self._features[np.arange(ends[-1]) + np.repeat(self._starts[words] - ends + counts, counts)]
        rows = np.repeat(np.arange(len(words)), counts)
        kept = random.random_sample(len(features)) < self._chances[features]
        features, rows = features[kept], rows[kept]
        # PERF: of each feature, the place where it is written last is its only one: no sorting is needed.
        order = np.arange(len(features), dtype=np.int32)
        self._column[features] = order
        different = features[self._column[features] == order]
        self._column[different] = np.arange(len(different), dtype=np.int32)
        matrix = np.zeros((len(words), len(different)), np.float32)
        matrix[rows, self._column[features]] = 1
        places = [0, *np.cumsum([len(place) for place in by_place]).tolist()]
        return _Batch(places, self.labels[words], different, matrix)


class _Field:
    """What changes during a training: sums of slopes and of their squares, for features and for pairs of labels."""

    def __init__(self, numpy: Any, corpus: _Corpus, labels: int, recipe: Recipe) -> None:
        np = self._np = numpy
        self._kept = corpus.kept
        share = min(BATCH, len(corpus.lengths)) / 1000  # of the penalties, in each step
        self._l1, self._l2 = np.float32(recipe.l1 * share), np.float32(recipe.l2 * share)
        self._least_weight = recipe.least_weight
        self._slopes = np.zeros((len(self._kept), labels), np.float32)
        self._squares = np.full((len(self._kept), labels), FIRST_SQUARE, np.float32)
        self._chain_slopes = np.zeros((labels, labels), np.float32)
        self._chain_squares = np.full((labels, labels), FIRST_SQUARE, np.float32)
        self._steps = self._notes = 0
        # PERF: of the weights noted, most are small: these are the places of others, in order, and their sums.
        self._noted, self._sums = np.zeros(0, np.intp), np.zeros(0)
        self._chain_sums = np.zeros((labels, labels))

    def learn(self, batch: _Batch) -> None:
        """Add the slopes of the log likelihood of some sentences."""
        np = self._np
        slopes, squares = self._slopes[batch.features], self._squares[batch.features]
        weights = self._weights(slopes, squares)
        chain = -LEARNING_RATE * self._chain_slopes / np.sqrt(self._chain_squares)
        errors, chain_errors = _errors(np, batch, batch.matrix @ weights, np.exp(chain))
        found = batch.matrix.T @ errors
        if self._l2:
            found += self._l2 * weights
        slopes += found
        squares += found * found
        self._slopes[batch.features], self._squares[batch.features] = slopes, squares
        self._chain_slopes += chain_errors
        self._chain_squares += chain_errors * chain_errors
        self._steps += 1

    def _weights(self, slopes: np.ndarray, squares: np.ndarray) -> np.ndarray:
        np = self._np
        weights = np.abs(slopes)
        weights -= self._l1 * self._steps
        np.maximum(weights, 0, out=weights)
        weights *= np.float32(LEARNING_RATE)
        weights /= np.sqrt(squares)
        return np.copysign(weights, -slopes, out=weights)

    def note(self) -> None:
        """Let the average have the weights of now."""
        np, size = self._np, self._slopes.shape[1]
        places, values = [self._noted], [self._sums]
        for first in range(0, len(self._slopes), ROWS):
            part = slice(first, first + ROWS)
            weights = self._weights(self._slopes[part], self._squares[part]).ravel()
            found = np.flatnonzero(np.abs(weights) >= self._least_weight)
            places.append(found + first * size)
            values.append(weights[found])
        self._noted, numbers = np.unique(np.concatenate(places), return_inverse=True)
        self._sums = np.bincount(numbers, np.concatenate(values))
        self._chain_sums -= LEARNING_RATE * self._chain_slopes / np.sqrt(self._chain_squares)
        self._notes += 1

    def averages(self) -> Learned:
        """The averages of all weights noted, the smallest left out."""
        np = self._np
        values = self._sums / self._notes
        large = np.abs(values) >= self._least_weight
        features, labels = np.divmod(self._noted[large], self._slopes.shape[1])
        pairs = zip(self._kept[features].tolist(), labels.tolist(), strict=True)
        chain = {pair: float(value) / self._notes for pair, value in np.ndenumerate(self._chain_sums)}
        return dict(zip(pairs, values[large].tolist(), strict=True)), chain


def _errors(np: Any, batch: _Batch, scores: np.ndarray, powers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By how much each label of a word, and each pair of labels of all neighbours, is expected too often.

    `scores` are those of the labels by word, `powers` e to the weights of the pairs; by forward-backward.
    """
    parts = [slice(*ends) for ends in pairwise(batch.places)]
    scores -= scores.max(axis=1, keepdims=True)
    local = np.exp(np.maximum(scores, LOWEST_SCORE))
    forward = np.empty_like(local)
    ways = np.ones((parts[0].stop, 1), np.float32)
    for part in parts:
        ways = ways[: part.stop - part.start] * local[part]
        ways /= ways.sum(axis=1, keepdims=True)
        forward[part] = ways
        ways = ways @ powers
    backward = np.ones_like(local)
    for part, after in zip(parts[-2::-1], parts[:0:-1], strict=True):
        ways = (local[after] * backward[after]) @ powers.T
        backward[part][: len(ways)] = ways / ways.max(axis=1, keepdims=True)
    errors = forward * backward
    errors /= errors.sum(axis=1, keepdims=True)
    errors[np.arange(len(errors)), batch.labels] -= 1
    # The words that have one before them, and those before.
    second = batch.places[1]
    before = np.arange(second, len(local)) - np.repeat(
        [here.stop - here.start for here in parts[:-1]], [after.stop - after.start for after in parts[1:]]
    )
    here = local[second:] * backward[second:]
    here /= ((forward[before] @ powers) * here).sum(axis=1, keepdims=True)
    pairs = (forward[before].T @ here) * powers
    np.subtract.at(pairs, (batch.labels[before], batch.labels[second:]), 1)
    return errors, pairs
