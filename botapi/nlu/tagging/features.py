"""What the tagger sees of each word of a text: words and what is known of them in, names of features out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

from botapi.errors import ConfigError

# Of each word from two before to two after, the names of its features: those of Rasa's CRFEntityExtractor, and
# `shape`; at the word itself also `before` and `after` (it and its neighbour), `before2` and `after2` (the two words
# before and after it), `known` (phrases that are entities of the examples or in a lookup table) and `intent`.
DEFAULT_FEATURES = [
    ["low"],
    ["low"],
    ["bias", "low", "shape", *(f"{end}{size}" for size in range(1, 5) for end in ("prefix", "suffix")),
     "before", "after", "before2", "after2", "pattern", "known", "intent"],
    ["low"],
    ["low"],
]  # fmt: skip
IN_CONTEXT = {"before", "after", "before2", "after2", "pattern", "known", "intent"}
# Features of Rasa that need a language model or another featurizer.
WITHOUT_EFFECT = {"pos", "pos2", "text_dense_features"}
NOWHERE = "none"  # the feature of places before the first word and after the last

LETTER, DIGIT, REPEATED = re.compile(r"[^\W\d_]"), re.compile(r"\d"), re.compile(r"(.)\1{2,}")
LONGEST_SHAPE = 8
# SECURITY: more different marks than a word has; the sums of weights are made for fewer features than would overflow.
MOST_MARKS = 1_000


def shape(word: str) -> str:
    """The kinds of characters, runs of them cut to two: `Xxdd` of `Abc123`."""
    if word.isalpha() and word.islower():  # PERF: nearly all words
        return "xx"[: len(word)]
    kinds = LETTER.sub(lambda match: "X" if match.group().isupper() else "x", word)
    return REPEATED.sub(r"\1\1", DIGIT.sub("d", kinds))[:LONGEST_SHAPE]


def prefix(word: str, size: int) -> str | None:
    return word[:size].lower() if len(word) > size else None


def suffix(word: str, size: int) -> str | None:
    return word[-size:].lower() if len(word) > size else None


OF_WORD: dict[str, Callable[[str], str | None]] = {
    "bias": lambda word: "",
    "low": str.lower,
    "title": lambda word: "1" if word.istitle() else None,
    "upper": lambda word: "1" if word.isupper() else None,
    "digit": lambda word: "1" if word.isdigit() else None,
    "shape": shape,
    **{f"prefix{size}": partial(prefix, size=size) for size in range(1, 6)},
    **{f"suffix{size}": partial(suffix, size=size) for size in range(1, 6)},
}


class TagFeatures:
    """The features of words in their places; `lists` names those of each place, as DEFAULT_FEATURES does."""

    def __init__(self, lists: Sequence[Sequence[str]]) -> None:
        half = len(lists) // 2
        # By place: of the word there, the names of what to look at.
        self.places = {
            place: [name for name in names if name in OF_WORD] for place, names in enumerate(lists, -half) if names
        }
        own = set(lists[half]) if lists else set()
        self._before, self._after, self._intent = (name in own for name in ("before", "after", "intent"))
        self._before2, self._after2 = "before2" in own, "after2" in own
        self.uses_phrases, self.uses_patterns = "known" in own, "pattern" in own

    def of_word(self, place: int, word: str | None) -> list[str]:
        """Features of the word at `place` (…, -1, 0, 1, …) beside the one that is tagged; None outside of the text."""
        if word is None:
            return [f"{place}:{NOWHERE}"]
        values = [(name, OF_WORD[name](word)) for name in self.places[place]]
        return [f"{place}:{name}={value}" for name, value in values if value is not None]

    def in_context(
        self, words: Sequence[str], known: Sequence[Sequence[str]], intent: str | None
    ) -> Iterator[list[str]]:
        """The features of each word (in lower case) that depend on more than the word; `known` are marks of phrases."""
        common = [f"intent={intent}"] if self._intent and intent is not None else []
        last = len(words) - 1
        for i, word in enumerate(words):
            found = common.copy()
            if self._before and i:
                found.append(f"before={words[i - 1]} {word}")
            if self._after and i < last:
                found.append(f"after={word} {words[i + 1]}")
            if self._before2 and i > 1:
                found.append(f"before2={words[i - 2]} {words[i - 1]}")
            if self._after2 and i + 1 < last:
                found.append(f"after2={words[i + 1]} {words[i + 2]}")
            if known[i]:
                found += [f"known={mark}" for mark in islice(dict.fromkeys(known[i]), MOST_MARKS)]
            yield found

    def all(self, words: Sequence[str], known: Sequence[Sequence[str]], intent: str | None) -> list[list[str]]:
        """All features of each word."""
        found = list(self.in_context([word.lower() for word in words], known, intent))
        for i, features in enumerate(found):
            for place in self.places:
                features += self.of_word(place, words[i + place] if 0 <= i + place < len(words) else None)
        return found


def read_features(lists: Any) -> list[list[str]]:
    """The option `features`, checked; ConfigError with the names that are known."""
    known = OF_WORD.keys() | IN_CONTEXT | WITHOUT_EFFECT
    if not isinstance(lists, list) or len(lists) % 2 == 0 or not all(map(_are_names, lists)):
        raise ConfigError(
            f"Option 'features' is {lists!r}; expected an odd number of lists of names, the middle one for the word"
        )
    unknown = [name for names in lists for name in names if name not in known]
    if unknown:
        raise ConfigError(f"Option 'features' has {unknown[0]!r}; expected names out of {', '.join(sorted(known))}")
    return lists


def _are_names(names: Any) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)
