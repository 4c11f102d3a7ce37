"""What linear models see of a text: words in, numbers of features with weights out.

Features are words, pairs of neighbouring words, and pieces of words, each with its inverse document frequency (idf).
Both kinds, words with their pairs and pieces, form a block; a block's weights are count * idf, divided by the root of
the sum of idf * idf over all that occurs in the text. So a block is a sum over words and pairs, divided by one number:
what is known of a word can be summed up once for all texts.
"""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any

from botapi.nlu.words import pieces_of, words_of

Vector = tuple[Sequence[int], Sequence[float]]  # numbers of features, their weights

LONGEST_PIECE = 8
MATCHED = ":"


@dataclass(frozen=True)
class Shape:
    """Which features there are: Rasa's options of CountVectorsFeaturizer, as far as they mean something here.

    `min_df` and `max_df` are numbers of texts, or parts of them where below 1 (`max_df` 1.0: all); `max_features` 0
    means no limit. `patterns` are (name, regular expression); with `any_case` they match whatever the case.
    """

    lowercase: bool = True
    strip_accents: bool = False
    max_piece: int = 4
    min_df: float = 1
    max_df: float = 1.0
    max_features: int = 0
    stop_words: tuple[str, ...] = ()
    patterns: tuple[tuple[str, str], ...] = ()
    any_case: bool = False

    def words(self, text: str) -> list[str]:
        """The words of the text, and `:name` for each pattern that it matches: no text has such a word."""
        found = words_of(text, self.lowercase, self.strip_accents)
        if self.stop_words:
            found = [word for word in found if word not in self.stop_words]
        if self.patterns:
            found += [word for word, pattern in self._compiled if pattern.search(text)]
        return found

    def pieces(self, word: str) -> list[str]:
        if word.startswith(MATCHED) and len(word) > 1:
            return []
        return pieces_of(word, longest=self.max_piece)

    @cached_property
    def _compiled(self) -> list[tuple[str, re.Pattern[str]]]:
        flags = re.IGNORECASE if self.any_case else 0
        return [(MATCHED + name, re.compile(pattern, flags)) for name, pattern in self.patterns]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Shape:
        """Raises TypeError or ValueError for anything that `as_json` did not give."""
        shape = cls(**data)
        if not all(type(value) in KINDS[name] for name, value in data.items()):
            raise TypeError("an option has another type")
        if not 2 <= shape.max_piece <= LONGEST_PIECE or not all(isinstance(word, str) for word in shape.stop_words):
            raise ValueError("an option is out of range")
        patterns = tuple((str(name), str(pattern)) for name, pattern in shape.patterns)
        shape = replace(shape, stop_words=tuple(shape.stop_words), patterns=patterns)
        try:
            shape.words("")
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"a pattern is no regular expression: {error}") from error
        return shape


KINDS: dict[str, set[type]] = {
    "lowercase": {bool},
    "strip_accents": {bool},
    "max_piece": {int},
    "min_df": {int, float},
    "max_df": {int, float},
    "max_features": {int},
    "stop_words": {list, tuple},
    "patterns": {list, tuple},
    "any_case": {bool},
}


class Features:
    """Known words, pairs and pieces with their numbers; `idf` of each number, words before pieces."""

    def __init__(self, grams: Sequence[str], pieces: Sequence[str], idf: Sequence[float], shape: Shape) -> None:
        self.grams = {gram: number for number, gram in enumerate(grams)}
        self.pieces = {piece: number for number, piece in enumerate(pieces, len(self.grams))}
        self.idf, self.shape = idf, shape
        self._squares = [value * value for value in idf]

    def __len__(self) -> int:
        return len(self.idf)

    def idfs(self, numbers: Mapping[str, int]) -> dict[str, float]:
        """The idf of features by their names."""
        return {name: self.idf[number] for name, number in numbers.items()}

    def pieces_in(self, word: str) -> list[int]:
        """Numbers of the known pieces of a word."""
        known = self.pieces
        return [known[piece] for piece in self.shape.pieces(word) if piece in known]

    def squares(self, numbers: Iterable[int]) -> float:
        """The sum of idf * idf."""
        return sum(map(self._squares.__getitem__, numbers))

    def vector(self, words: Sequence[str]) -> Vector:
        """The weights of the known features of a text with these words."""
        grams = [self.grams[gram] for gram in grams_of(words) if gram in self.grams]
        pieces = [number for word in words for number in self.pieces_in(word)]
        return self.weigh(grams, pieces)

    def weigh(self, grams: Sequence[int], pieces: Sequence[int]) -> Vector:
        """The weights of features, each number as often as it occurs."""
        numbers, weights, idf = array("i"), array("f"), self.idf
        for block in (grams, pieces):
            counts = Counter(block)
            norm = math.sqrt(self.squares(block))
            numbers.extend(counts)
            weights.extend([count * idf[number] / norm for number, count in counts.items()])
        return numbers, weights


def grams_of(words: Sequence[str]) -> list[str]:
    """The words and the pairs of neighbouring ones."""
    return [*words, *map(" ".join, zip(words, words[1:], strict=False))]


def fit(
    texts: Sequence[str], shape: Shape, most: int, earlier: Features | None = None
) -> tuple[Features, list[Vector]]:
    """The features of the texts, at most `most`, those in most texts, and the vector of each text.

    Those of `earlier` are kept, whether a text has them or not.
    """
    grams = _Counted(earlier.idfs(earlier.grams) if earlier else {})
    pieces = _Counted(earlier.idfs(earlier.pieces) if earlier else {})
    cut: dict[str, array[int]] = {}
    for text in texts:
        words = shape.words(text)
        # PERF: each word is cut into pieces once.
        for word in words:
            if word not in cut:
                cut[word] = pieces.numbers(shape.pieces(word))
        grams.add(grams.numbers(grams_of(words)))
        pieces.add(array("i", chain.from_iterable(map(cut.__getitem__, words))))
    least = shape.min_df * len(texts) if shape.min_df < 1 else shape.min_df
    largest = shape.max_df * len(texts) if shape.max_df <= 1 else shape.max_df
    most = min(most, shape.max_features or most)
    kept = [(counted, number) for counted in (grams, pieces) for number in counted.between(least, largest)]
    if len(kept) > most:
        kept = sorted(kept, key=lambda item: -item[0].seen[item[1]])[:most]
    idf: list[float] = []
    for counted in (grams, pieces):
        idf += counted.keep({number for owner, number in kept if owner is counted}, first=len(idf))
    features = Features(list(grams.known), list(pieces.known), idf, shape)
    return features, [features.weigh(*both) for both in zip(grams.texts(), pieces.texts(), strict=True)]


class _Counted:
    """Features of one kind while all texts are looked at.

    PERF: numbers take a tenth of the memory of the features themselves.
    """

    def __init__(self, earlier: Mapping[str, float]) -> None:
        """`earlier` has the features that are kept in any case, with their idf."""
        self._earlier = earlier
        self.known: dict[str, int] = {name: number for number, name in enumerate(earlier)}
        self.seen: Counter[int] = Counter()
        self._texts: list[array[int]] = []

    def numbers(self, names: Iterable[str]) -> array[int]:
        """The numbers of features; those that are new get the next numbers."""
        known = self.known
        return array("i", [known.setdefault(name, len(known)) for name in names])

    def add(self, numbers: array[int]) -> None:
        self._texts.append(numbers)
        self.seen.update(set(numbers))

    def between(self, least: float, largest: float) -> list[int]:
        """The features that are in at least and at most so many texts."""
        return [number for number, texts in self.seen.items() if least <= texts <= largest]

    def keep(self, numbers: Container[int], first: int) -> list[float]:
        """Forget the other features; number these anew, and give the idf of each."""
        size, seen, earlier = len(self._texts), self.seen, self._earlier
        kept = {name: number for name, number in self.known.items() if number in numbers or name in earlier}
        self._anew = {number: first + place for place, number in enumerate(kept.values())}
        self.known = kept
        return [
            math.log((1 + size) / (1 + seen[number])) + 1 if number in seen else earlier[name]
            for name, number in kept.items()
        ]

    def texts(self) -> Iterator[Sequence[int]]:
        """The new numbers of what is in each text."""
        anew = self._anew
        if all(anew.get(number) == number for number in self.seen):
            return iter(self._texts)
        return ([anew[number] for number in numbers if number in anew] for numbers in self._texts)
