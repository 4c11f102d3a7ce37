"""What linear models see of a text, weighted counts of n-grams: a string in, indices and weights out."""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from operator import mul

WORD = re.compile(r"\w+|[^\w\s]")

NgramCounts = tuple[Counter[str], Counter[str]]  # of words, of characters
Vector = tuple[Sequence[int], Sequence[float]]  # indices of features, their weights


def count_ngrams(text: str) -> NgramCounts:
    """Count the n-grams of the lower-cased text: words and pairs of words, and 2 to 4 characters within words.

    Character n-grams are those of scikit-learn's `char_wb` analyzer: each word padded by one space on both sides.
    """
    text = text.lower()
    words = WORD.findall(text)
    grams = Counter(words)
    grams.update(map(" ".join, zip(words, words[1:], strict=False)))
    return grams, Counter(chain.from_iterable(map(_characters, text.split())))


def _characters(word: str) -> list[str]:
    """The 2- to 4-grams of one padded word; a length longer than the word gives the word itself, once."""
    padded = f" {word} "
    size = len(padded)
    grams = [padded[i : i + 2] for i in range(size - 1)]
    grams += [padded[i : i + 3] for i in range(size - 2)]
    if size > 3:
        grams += [padded[i : i + 4] for i in range(size - 3)]
    return grams


class NgramFeatures:
    """A vocabulary with inverse document frequencies: turns n-gram counts into a sparse vector.

    Each block (words, characters) is (1 + ln count) * idf and has length 1, as scikit-learn's TfidfVectorizer with
    `sublinear_tf` and smooth idf gives it. N-grams outside the vocabulary are ignored.
    """

    def __init__(self, words: Sequence[str], characters: Sequence[str], idf: Sequence[float]) -> None:
        self.words, self.characters, self.idf = words, characters, idf
        self._word_index = {gram: i for i, gram in enumerate(words)}
        self._character_index = {gram: i for i, gram in enumerate(characters, len(words))}

    def __len__(self) -> int:
        return len(self.idf)

    def vector(self, counts: NgramCounts) -> Vector:
        """Indices and weights of the known n-grams."""
        words, characters = counts
        indices, weights = self._block(words, self._word_index)
        more_indices, more_weights = self._block(characters, self._character_index)
        return indices + more_indices, weights + more_weights

    def _block(self, counts: Mapping[str, int], index: Mapping[str, int]) -> tuple[list[int], list[float]]:
        known = [(i, count) for gram, count in counts.items() if (i := index.get(gram)) is not None]
        return [i for i, _ in known], weigh(known, self.idf)


def weigh(counts: Iterable[tuple[int, int]], idf: Sequence[float]) -> list[float]:
    """The weights of one block of (index, count) pairs; their squares add up to 1."""
    weights = [idf[i] if count == 1 else (1 + math.log(count)) * idf[i] for i, count in counts]
    length = math.sqrt(sum(map(mul, weights, weights)))
    return [weight / length for weight in weights]


def fit(texts: Iterable[str]) -> tuple[NgramFeatures, list[Vector]]:
    """The features of all n-grams in the texts, and the vector of each text; indices in order of first appearance."""
    # PERF: numbers take a tenth of the memory of the n-grams themselves while all texts are looked at.
    indices: tuple[dict[str, int], dict[str, int]] = {}, {}
    counted = []
    for text in texts:
        blocks = zip(count_ngrams(text), indices, strict=True)
        counted.append([_number(counts, index) for counts, index in blocks])
    frequencies = [
        Counter(chain.from_iterable(numbers for numbers, _ in block)) for block in zip(*counted, strict=True)
    ]
    idf = [
        [math.log((1 + len(counted)) / (1 + frequency[i])) + 1 for i in range(len(index))]
        for frequency, index in zip(frequencies, indices, strict=False)
    ]
    first = (0, len(indices[0]))
    vectors = [_join(blocks, idf, first) for blocks in counted]
    return NgramFeatures(list(indices[0]), list(indices[1]), list(chain.from_iterable(idf))), vectors


def _number(counts: Mapping[str, int], index: dict[str, int]) -> tuple[array[int], array[int]]:
    """The n-grams by their numbers, with their counts; n-grams that are new get the next number."""
    return array("i", [index.setdefault(gram, len(index)) for gram in counts]), array("i", counts.values())


def _join(
    blocks: Sequence[tuple[array[int], array[int]]], idf: Sequence[Sequence[float]], first: Sequence[int]
) -> Vector:
    numbers, weights = array("i"), array("d")
    for (indices, counts), block_idf, start in zip(blocks, idf, first, strict=False):
        numbers.extend(i + start for i in indices)
        weights.extend(weigh(zip(indices, counts, strict=True), block_idf))
    return numbers, weights
