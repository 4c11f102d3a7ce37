"""One text on its way through the pipeline: a string in, each component adds to it, Rasa's parse data out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from botapi.nlu.featurizers import Shape

# Components look at no more than this many characters, so that the cost of a message is bounded whatever is sent.
# The text in the answer is never cut.
MAX_CHARACTERS = 20_000


class Token(NamedTuple):
    """A word and where it stands: `text[start:end]`, in code points."""

    text: str
    start: int
    end: int


@dataclass
class Message:
    """A text and what is known about it so far.

    `intent` is {name, confidence} once a classifier has spoken. `ranking_shown` says whether the ranking belongs in
    the answer: a keyword classifier gives none, yet the fallback classifier puts its own intent in front of whatever
    ranking there is, as Rasa 3.6 does. `suggested_threshold` is the confidence below which a classifier would not rely
    on its own answer. `vector` is what a sentence encoder says the text means, a numpy array.
    """

    full_text: str
    tokens: list[Token] | None = None
    intent: dict[str, Any] | None = None
    ranking: list[dict[str, Any]] = field(default_factory=list)
    ranking_shown: bool = False
    entities: list[dict[str, Any]] = field(default_factory=list)
    response_selector: dict[str, Any] = field(default_factory=dict)
    suggested_threshold: float | None = None
    vector: Any = None
    _words: dict[Shape, list[str]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What components look at: the beginning of the text, at most MAX_CHARACTERS of it."""
        return self.full_text[:MAX_CHARACTERS]

    def words(self, shape: Shape) -> list[str]:
        """The words as learned components see them; found once for all components of the same shape."""
        if shape not in self._words:
            self._words[shape] = shape.words(self.text)
        return self._words[shape]

    def add_entities(self, found: Iterable[dict[str, Any]]) -> None:
        """Add the entities of one extractor, except where an earlier one has found the same name at the same place.

        One with a role or group takes the place of one without.
        """
        known = {_place(entity): number for number, entity in enumerate(self.entities)}
        for entity in found:
            number = known.get(_place(entity))
            if number is None:
                self.entities.append(entity)
            elif _is_detailed(entity) and not _is_detailed(self.entities[number]):
                self.entities[number] = entity

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


def _place(entity: Mapping[str, Any]) -> tuple[str, int, int]:
    return entity["entity"], entity["start"], entity["end"]


def _is_detailed(entity: Mapping[str, Any]) -> bool:
    return "role" in entity or "group" in entity
