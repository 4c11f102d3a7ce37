"""`RegexFeaturizer`: regexes and lookup tables of the training data in, features of learned parts out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from botapi.data.examples import TrainingData
from botapi.nlu.component import Training
from botapi.nlu.entities import check_pattern, lookup_pattern
from botapi.nlu.featurizers import Shape
from botapi.nlu.message import Message


class RegexFeaturizer:
    """Says that what a text matches is a feature of it; learned parts find that themselves.

    All regexes and lookup tables count, whatever their names. Options are those of Rasa 3.6.
    """

    OPTIONS: Mapping[str, Any] = {
        "case_sensitive": True,
        "use_lookup_tables": True,
        "use_regexes": True,
        "use_word_boundaries": True,
    }

    @classmethod
    def train(cls, options: Mapping[str, Any], data: TrainingData, training: Training) -> RegexFeaturizer:
        return cls()

    @classmethod
    def load(cls, options: Mapping[str, Any], members: Mapping[str, bytes]) -> RegexFeaturizer:
        return cls()

    def save(self) -> dict[str, bytes]:
        return {}

    def process(self, message: Message) -> None:
        """Nothing: the features are made where they are used."""


def with_patterns(shape: Shape, featurizers: Iterable[Mapping[str, Any]], data: TrainingData) -> Shape:
    """The shape with what featurizers with these options ask for; ConfigError for what is no regular expression."""
    found = list(featurizers)
    patterns = dict.fromkeys(pattern for options in found for pattern in _patterns(options, data))
    any_case = any(not options["case_sensitive"] for options in found)
    return replace(shape, patterns=tuple(patterns), any_case=any_case and bool(patterns))


def _patterns(options: Mapping[str, Any], data: TrainingData) -> Iterator[tuple[str, str]]:
    for regex in data.regexes if options["use_regexes"] else ():
        check_pattern(regex)
        yield regex["name"], regex["pattern"]
    for lookup in data.lookups if options["use_lookup_tables"] else ():
        elements = [str(element) for element in lookup["elements"] if element]
        if elements:
            yield lookup["name"], lookup_pattern(elements, options)
