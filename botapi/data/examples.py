"""Training data for understanding, in memory: what the NLU reader gives and the pipeline trains on; text and dicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Example:
    """One sentence with what it means.

    `entities` are {start, end, value, entity} dicts, with `role` and `group` where given; `start` and `end` count
    characters of `text`, which has no annotation marks any more. `intent` may be a full one: `faq/ask_name`.
    """

    text: str
    intent: str | None = None
    entities: tuple[dict[str, Any], ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    file: str | None = None
    line: int | None = None

    @property
    def base_intent(self) -> str | None:
        """The intent without the response key: `faq` of `faq/ask_name`."""
        return self.intent.split("/", 1)[0] if self.intent else self.intent


@dataclass
class TrainingData:
    """All training data for understanding.

    synonyms: {written form: value}; regexes: [{name, pattern}]; lookups: [{name, elements: [text]}];
    responses: {"utter_faq/ask_name": [response]} as given in NLU files.
    """

    examples: list[Example] = field(default_factory=list)
    synonyms: dict[str, str] = field(default_factory=dict)
    regexes: list[dict[str, str]] = field(default_factory=list)
    lookups: list[dict[str, Any]] = field(default_factory=list)
    responses: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def merge(self, other: TrainingData) -> TrainingData:
        """A new TrainingData with the parts of both; of two synonyms for the same text the later one wins."""
        return TrainingData(
            self.examples + other.examples,
            {**self.synonyms, **other.synonyms},
            self.regexes + other.regexes,
            self.lookups + other.lookups,
            {**self.responses, **other.responses},
        )

    @property
    def intents(self) -> list[str]:
        """Intent names (without response keys), each once, in the order of first appearance."""
        return list(dict.fromkeys(e.base_intent for e in self.examples if e.base_intent))

    @property
    def retrieval_intents(self) -> list[str]:
        """Names of intents of which an example has a response key."""
        return list(dict.fromkeys(e.base_intent for e in self.examples if e.base_intent and "/" in (e.intent or "")))

    @property
    def entities(self) -> list[str]:
        """Entity names in the examples, each once, in the order of first appearance."""
        return list(dict.fromkeys(str(e["entity"]) for example in self.examples for e in example.entities))

    def intent_examples(self) -> Iterator[Example]:
        """Examples that have an intent and text."""
        return (e for e in self.examples if e.intent and e.text)

    def entity_examples(self) -> Iterator[Example]:
        """Examples that have at least one entity."""
        return (e for e in self.examples if e.entities)


def merge_all(parts: Iterable[TrainingData]) -> TrainingData:
    """The parts in one, in order."""
    merged = TrainingData()
    for part in parts:
        merged = merged.merge(part)
    return merged
