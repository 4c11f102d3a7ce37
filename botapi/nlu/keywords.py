"""Intents by keyword (`KeywordIntentClassifier`), which each example is: a message in, an intent or none out."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

from botapi.data.examples import TrainingData
from botapi.nlu.component import Training
from botapi.nlu.message import Message
from botapi.nlu.tables import read_table, write_table

log = logging.getLogger(__name__)

MEMBER = "keywords.json"
PLAIN = re.compile(r"[\w\s'\",:;!@#%&/<>=~`-]*", re.ASCII)


class Keyword:
    """One example between word boundaries: a regular expression, as in Rasa 3.6, or plain text if it can't be one."""

    def __init__(self, text: str, intent: str, flags: int) -> None:
        self.text, self.intent, self._flags = text, intent, flags
        # PERF: for plain ASCII a substring test excludes nearly all keywords, and no expression need be compiled.
        self._needle = (text.lower() if flags else text) if PLAIN.fullmatch(text) else None
        self._pattern: re.Pattern[str] | None = None

    def occurs_in(self, text: str, folded: str) -> bool:
        """Whether it is in the text; `folded` is the text in lower case, or "" where that could hide a match."""
        if self._needle is not None and folded and self._needle not in folded:
            return False
        if self._pattern is None:
            self._pattern = self._compile()
        return self._pattern.search(text) is not None

    def _compile(self) -> re.Pattern[str]:
        try:
            return re.compile(rf"\b{self.text}\b", self._flags)
        except (re.error, OverflowError, RecursionError):
            return re.compile(rf"\b{re.escape(self.text)}\b", self._flags)


class KeywordIntentClassifier:
    """The intent of the first keyword, in the order of the training data, that the message has; confidence 1.0."""

    OPTIONS: Mapping[str, Any] = {"case_sensitive": True}

    def __init__(self, options: Mapping[str, Any], intents: Mapping[str, str]) -> None:
        self._flags = 0 if options["case_sensitive"] else re.IGNORECASE
        self.keywords = [Keyword(text, intent, self._flags) for text, intent in intents.items()]

    @classmethod
    def train(cls, options: Mapping[str, Any], data: TrainingData, training: Training) -> KeywordIntentClassifier:
        """Collect the keywords; those that speak for two intents are left out, with a log line."""
        classifier = cls(options, _unique(data))
        ambiguous = {keyword.text for keyword in classifier._ambiguous()}
        classifier.keywords = [keyword for keyword in classifier.keywords if keyword.text not in ambiguous]
        return classifier

    @classmethod
    def load(cls, options: Mapping[str, Any], members: Mapping[str, bytes]) -> KeywordIntentClassifier:
        return cls(options, read_table(members, MEMBER, dict[str, str]))

    def save(self) -> dict[str, bytes]:
        return {MEMBER: write_table({keyword.text: keyword.intent for keyword in self.keywords})}

    def process(self, message: Message) -> None:
        """Set the intent; without a match an earlier classifier's intent stays, else the intent is None."""
        text = message.text
        intent = next((keyword.intent for keyword in self._found_in(text)), None)
        if intent is not None or message.intent is None:
            message.intent = {"name": intent, "confidence": 0.0 if intent is None else 1.0}

    def _found_in(self, text: str) -> Iterator[Keyword]:
        folded = text if not self._flags else text.lower() if text.isascii() else ""
        return (keyword for keyword in self.keywords if keyword.occurs_in(text, folded))

    def _ambiguous(self) -> Iterator[Keyword]:
        """Keywords that occur in a keyword of another intent."""
        for longer in self.keywords:
            for keyword in self._found_in(longer.text):
                if keyword.intent != longer.intent:
                    log.warning(
                        "Keyword %r of intent %r occurs in %r of intent %r; it is left out, remove one of them",
                        keyword.text, keyword.intent, longer.text, longer.intent,
                    )  # fmt: skip
                    yield keyword


def _unique(data: TrainingData) -> dict[str, str]:
    """{example: intent} without the examples that two intents have."""
    intents: dict[str, str] = {}
    doubtful = set()
    for example in data.intent_examples():
        intent = str(example.base_intent)
        if intents.setdefault(example.text, intent) != intent:
            log.warning(
                "Keyword %r stands for intents %r and %r; it is left out of both",
                example.text, intents[example.text], intent,
            )  # fmt: skip
            doubtful.add(example.text)
    return {text: intent for text, intent in intents.items() if text not in doubtful}
