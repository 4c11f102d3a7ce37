"""One text on its way through the pipeline: a string in, each component adds to it, Rasa's parse data out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from botapi.nlu.featurizers import NgramCounts, count_ngrams

# Components look at no more than this many characters, so that the cost of a message is bounded whatever is sent.
# The text in the answer is never cut.
MAX_CHARACTERS = 20_000


@dataclass(frozen=True)
class Token:
    """A word and where it stands: `text[start:end]`, in code points."""

    text: str
    start: int
    end: int


@dataclass
class Message:
    """A text and what is known about it so far.

    `intent` is {name, confidence} once a classifier has spoken. `ranking_shown` says whether the ranking belongs in
    the answer: a keyword classifier gives none, yet the fallback classifier puts its own intent in front of whatever
    ranking there is, as Rasa 3.6 does.
    """

    full_text: str
    tokens: list[Token] | None = None
    intent: dict[str, Any] | None = None
    ranking: list[dict[str, Any]] = field(default_factory=list)
    ranking_shown: bool = False
    entities: list[dict[str, Any]] = field(default_factory=list)
    response_selector: dict[str, Any] = field(default_factory=dict)
    _ngrams: NgramCounts | None = None

    @property
    def text(self) -> str:
        """What components look at: the beginning of the text, at most MAX_CHARACTERS of it."""
        return self.full_text[:MAX_CHARACTERS]

    @property
    def ngrams(self) -> NgramCounts:
        """How often each word and character n-gram occurs; counted once for all learned components."""
        if self._ngrams is None:
            self._ngrams = count_ngrams(self.text)
        return self._ngrams

    def parse_data(self) -> dict[str, Any]:
        """The answer in Rasa's shape and order of keys; keys that no component filled are absent."""
        found: dict[str, Any] = {
            "text": self.full_text,
            "intent": self.intent or {"name": None, "confidence": 0.0},
            "entities": self.entities,
        }
        if self.tokens is not None:
            found["text_tokens"] = [[token.start, token.end] for token in self.tokens]
        if self.ranking_shown:
            found["intent_ranking"] = self.ranking
        if self.response_selector:
            found["response_selector"] = self.response_selector
        return found
