"""What the linear models see of a text: counts of word and character n-grams, weighted; a string in, (index, weight) pairs out."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

WORD = re.compile(r"\w+|[^\w\s]")
CHARACTER_LENGTHS = (2, 3, 4)


def count_ngrams(text: str) -> tuple[Counter[str], Counter[str]]:
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

    @classmethod
    def fit(cls, counts: Sequence[tuple[Counter[str], Counter[str]]]) -> NgramFeatures:
        """The vocabulary of all n-grams in the counts, in alphabetic order."""
        words = _document_frequencies(words for words, _ in counts)
        characters = _document_frequencies(characters for _, characters in counts)
        idf = [math.log((1 + len(counts)) / (1 + n)) + 1 for n in chain(words.values(), characters.values())]
        return cls(list(words), list(characters), idf)

    def vector(self, counts: tuple[Counter[str], Counter[str]]) -> tuple[list[int], list[float]]:
        """Indices and weights of the known n-grams."""
        words, characters = counts
        indices, weights = self._block(words, self._word_index)
        more_indices, more_weights = self._block(characters, self._character_index)
        return indices + more_indices, weights + more_weights

    def _block(self, counts: Counter[str], index: dict[str, int]) -> tuple[list[int], list[float]]:
        idf, log = self.idf, math.log
        indices, weights = [], []
        for gram, count in counts.items():
            i = index.get(gram)
            if i is not None:
                indices.append(i)
                weights.append(idf[i] if count == 1 else (1 + log(count)) * idf[i])
        if not indices:
            return indices, weights
        length = math.sqrt(sum(map(float.__mul__, weights, weights)))
        return indices, [weight / length for weight in weights]


def _document_frequencies(counts: Iterable[Counter[str]]) -> dict[str, int]:
    """{n-gram: number of texts that have it}, sorted by n-gram."""
    return dict(sorted(Counter(chain.from_iterable(counts)).items()))
