"""Words and names by spaCy (`SpacyTokenizer`, `SpacyEntityExtractor`): a local spaCy model in; tokens, entities out.

`SpacyNLP`, which stands before them in a pipeline, names the model; both open it by the options of that item.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from botapi.data.examples import TrainingData
from botapi.errors import ConfigError
from botapi.nlu.component import Training
from botapi.nlu.local import require_named
from botapi.nlu.message import Message, Token
from botapi.nlu.tokenizers import WhitespaceTokenizer, read_pattern, split_further

# What no UTF-8 can say, and spaCy takes nothing else.
SURROGATES = re.compile("[\ud800-\udfff]")


class SpacyTokenizer:
    """The tokens of the model, those of blanks left out; it sees lower case unless `case_sensitive`, as in Rasa 3.6."""

    OPTIONS: Mapping[str, Any] = {**WhitespaceTokenizer.OPTIONS, "model": None, "case_sensitive": False}

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._pattern = read_pattern(options["token_pattern"])
        self._is_lower = not options["case_sensitive"]
        self._model = _open("SpacyTokenizer", options["model"])

    @classmethod
    def train(cls, options: Mapping[str, Any], data: TrainingData, training: Training) -> SpacyTokenizer:
        return cls(options)

    @classmethod
    def load(cls, options: Mapping[str, Any], members: Mapping[str, bytes]) -> SpacyTokenizer:
        return cls(options)

    def save(self) -> dict[str, bytes]:
        return {}

    def process(self, message: Message) -> None:
        text = message.text
        parsed = self._model(_readable(_lower(text) if self._is_lower else text))
        places = [(word.idx, word.idx + len(word)) for word in parsed if word.text.strip()]
        message.tokens = split_further([Token(text[start:end], start, end) for start, end in places], self._pattern)


class SpacyEntityExtractor:
    """The named entities of the model; `dimensions` lists those that are wanted, by default all."""

    NAME = "SpacyEntityExtractor"
    OPTIONS: Mapping[str, Any] = {"dimensions": [], "model": None}

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._dimensions = options["dimensions"]
        self._model = _open(self.NAME, options["model"])

    @classmethod
    def train(cls, options: Mapping[str, Any], data: TrainingData, training: Training) -> SpacyEntityExtractor:
        return cls(options)

    @classmethod
    def load(cls, options: Mapping[str, Any], members: Mapping[str, bytes]) -> SpacyEntityExtractor:
        return cls(options)

    def save(self) -> dict[str, bytes]:
        return {}

    def process(self, message: Message) -> None:
        """Add the entities in Rasa's shape; the model sees the text as it is, since names begin with capitals."""
        text = message.text
        message.add_entities(
            {
                "entity": found.label_,
                "value": text[found.start_char : found.end_char],
                "start": found.start_char,
                "confidence": None,
                "end": found.end_char,
                "extractor": self.NAME,
            }
            for found in self._model(_readable(text)).ents
            if not self._dimensions or found.label_ in self._dimensions
        )


def _open(component: str, model: str | None) -> Any:
    if not model:
        raise ConfigError(
            f"{component} has no model; put SpacyNLP with `model:`, the name or folder of a spaCy model, before it"
        )
    # SECURITY: models are packages that are imported, or folders that name code.
    require_named(model, "The spaCy model")
    return _opened(model)


@lru_cache(maxsize=1)
def _opened(model: str) -> Any:
    """PERF: several components, and a bot model that replaces another, have the same spaCy model."""
    try:
        spacy = importlib.import_module("spacy")
    except ImportError as error:
        raise ConfigError("SpacyTokenizer and SpacyEntityExtractor need spaCy: pip install 'botapi[spacy]'.") from error
    try:
        return spacy.load(model, disable=["parser"])
    except (OSError, ValueError, ImportError) as error:
        raise ConfigError(
            f"The spaCy model {model!r} can't be loaded ({error}); expected a folder, or a package that is installed, "
            "as by `python -m spacy download en_core_web_md`"
        ) from error


def _lower(text: str) -> str:
    """The text in lower case; a character whose lower case is two stays, so that offsets mean the same in both."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(small if len(small := one.lower()) == 1 else one for one in text)


def _readable(text: str) -> str:
    return SURROGATES.sub("\ufffd", text)
