"""`CountVectorsFeaturizer`: its options in, the shape of the features that learned parts make of a text out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from botapi.data.examples import TrainingData
from botapi.errors import ConfigError
from botapi.nlu.component import Training
from botapi.nlu.featurizers import LONGEST_PIECE, Shape
from botapi.nlu.message import Message

WORDS, CHARACTERS = "word", ("char", "char_wb")


class CountVectorsFeaturizer:
    """Says which features there are; learned parts make them themselves, always of words, pairs of words and pieces.

    `min_df`, `max_df`, `max_features`, `lowercase`, `strip_accents`, `stop_words` (a list) and, of character analyzers,
    `max_ngram` mean what they do in Rasa.
    """

    OPTIONS: Mapping[str, Any] = {
        "analyzer": WORDS,
        "min_ngram": 1,
        "max_ngram": 1,
        "min_df": 1.0,
        "max_df": 1.0,
        "max_features": 0,
        "lowercase": True,
        "strip_accents": None,
        "stop_words": (),
    }

    @classmethod
    def train(cls, options: Mapping[str, Any], data: TrainingData, training: Training) -> CountVectorsFeaturizer:
        return cls()

    @classmethod
    def load(cls, options: Mapping[str, Any], members: Mapping[str, bytes]) -> CountVectorsFeaturizer:
        return cls()

    def save(self) -> dict[str, bytes]:
        return {}

    def process(self, message: Message) -> None:
        """Nothing: the features are made where they are used."""


def without_effect(options: Mapping[str, Any], given: Iterable[str]) -> set[str]:
    """Which of the options that are `given` ask for something else than what learned parts do."""
    by_words = options["analyzer"] == WORDS
    shortest, longest = (1, 2) if by_words else (2, min(LONGEST_PIECE, max(Shape.max_piece, options["max_ngram"])))
    found = {
        "min_ngram": options["min_ngram"] != shortest,
        "max_ngram": options["max_ngram"] != longest,
        "stop_words": not by_words or isinstance(options["stop_words"], str),
    }
    return {name for name in given if found.get(name)}


def shape_of(featurizers: Iterable[Mapping[str, Any]]) -> Shape:
    """The shape that featurizers with these options ask for together: what one of them keeps is kept (ConfigError)."""
    found = list(featurizers)
    for options in found:
        if options["analyzer"] not in (WORDS, *CHARACTERS):
            raise ConfigError(
                f"Option 'analyzer' of CountVectorsFeaturizer is {options['analyzer']!r}; "
                f"expected one of {', '.join((WORDS, *CHARACTERS))}"
            )
    if not found:
        return Shape()
    by_words = [options for options in found if options["analyzer"] == WORDS]
    longest = [int(options["max_ngram"]) for options in found if options["analyzer"] != WORDS]
    stops = [options["stop_words"] for options in by_words if not isinstance(options["stop_words"], str)]
    limits = [int(options["max_features"]) for options in found]
    return Shape(
        lowercase=any(options["lowercase"] for options in found),
        strip_accents=all(options["strip_accents"] for options in found),
        max_piece=min(LONGEST_PIECE, max([Shape.max_piece, *longest])),
        min_df=min(options["min_df"] for options in found),
        max_df=max(options["max_df"] for options in found),
        max_features=sum(limits) if all(limits) else 0,
        stop_words=tuple(sorted({str(word) for words in stops for word in words})),
    )
