"""What is known of words before a tagger sees them: phrases and patterns in, marks for each word of a text out."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence

from botapi.data.examples import TrainingData
from botapi.errors import ModelError
from botapi.nlu.entities import check_pattern
from botapi.nlu.message import Token
from botapi.nlu.tables import ADVICE, read_table, write_table
from botapi.nlu.tagging.segments import segments

LONGEST = 7  # words
MEMBERS = PHRASES_MEMBER, PATTERNS_MEMBER = "phrases.json", "patterns.json"


class Gazetteer:
    """`phrases` maps words in lower case, joined by blanks, to names; `patterns` are {name, pattern}.

    Raises re.error, OverflowError or RecursionError for a pattern that is no regular expression.
    """

    def __init__(self, phrases: Mapping[str, Sequence[str]], patterns: Sequence[Mapping[str, str]]) -> None:
        self.phrases, self._patterns = phrases, patterns
        # PERF: most words begin no phrase, and then no longer ones are looked for.
        self._beginnings = {phrase[:end] for phrase in phrases for end in _ends(phrase)}
        self._compiled = [(f"regex:{item['name']}", re.compile(item["pattern"], re.IGNORECASE)) for item in patterns]

    def marks(self, text: str, words: Sequence[Token], lowered: Sequence[str]) -> list[list[str]]:
        """The marks of each word: `U:name` for a phrase of one word; `B:name`, `I:name` and `L:name` for those of more.

        Words that a pattern matches are marked alike, with the name `regex:name`.
        """
        marks: list[list[str]] = [[] for _ in words]
        for first, phrase in enumerate(lowered):
            last = first
            while phrase in self._beginnings:
                for name in self.phrases.get(phrase, ()):
                    _mark(marks, first, last, name)
                last += 1
                if last == len(lowered) or last - first == LONGEST:
                    break
                phrase = f"{phrase} {lowered[last]}"
        if self._compiled:
            starts, ends = [word.start for word in words], [word.end for word in words]
        for name, pattern in self._compiled:
            for match in pattern.finditer(text):
                first, last = bisect_right(ends, match.start()), bisect_left(starts, match.end()) - 1
                if first <= last:
                    _mark(marks, first, last, name)
        return marks

    def save(self) -> dict[str, bytes]:
        return {PHRASES_MEMBER: write_table(self.phrases), PATTERNS_MEMBER: write_table(list(self._patterns))}

    @classmethod
    def load(cls, members: Mapping[str, bytes]) -> Gazetteer:
        """What `save` wrote (ModelError)."""
        phrases = read_table(members, PHRASES_MEMBER, dict[str, list[str]])
        patterns = read_table(members, PATTERNS_MEMBER, list[dict[str, str]])
        # SECURITY: all beginnings of a phrase are kept.
        if any(phrase.count(" ") >= LONGEST for phrase in phrases):
            raise ModelError(f"Member {PHRASES_MEMBER!r} of the model has a phrase that is too long; {ADVICE}")
        try:
            return cls(phrases, patterns)
        except (re.error, OverflowError, RecursionError, KeyError) as error:
            raise ModelError(
                f"Member {PATTERNS_MEMBER!r} of the model has a wrong pattern: {error}; {ADVICE}"
            ) from error


def collect(data: TrainingData, numbers: Iterable[int], *, entities: bool = True, tables: bool = True) -> Gazetteer:
    """Phrases of the `entities` of the examples with these numbers, and of the lookup `tables`, with the regexes."""
    found: dict[str, set[str]] = {}
    for number in numbers if entities else ():
        example = data.examples[number]
        for entity in example.entities:
            _add(found, example.text[entity["start"] : entity["end"]], str(entity["entity"]))
    for lookup in data.lookups if tables else ():
        for element in lookup["elements"]:
            _add(found, str(element), f"lookup:{lookup['name']}")
    patterns = [{"name": item["name"], "pattern": item["pattern"]} for item in data.regexes if tables]
    for pattern in patterns:
        check_pattern(pattern)
    return Gazetteer({phrase: sorted(names) for phrase, names in found.items()}, patterns)


def _add(found: dict[str, set[str]], text: str, name: str) -> None:
    words = segments(text)
    if 0 < len(words) <= LONGEST:
        found.setdefault(" ".join(word.text.lower() for word in words), set()).add(name)


def _ends(phrase: str) -> list[int]:
    return [i for i, character in enumerate(phrase) if character == " "] + [len(phrase)]


def _mark(marks: list[list[str]], first: int, last: int, name: str) -> None:
    if first == last:
        marks[first].append(f"U:{name}")
        return
    marks[first].append(f"B:{name}")
    marks[last].append(f"L:{name}")
    for i in range(first + 1, last):
        marks[i].append(f"I:{name}")
