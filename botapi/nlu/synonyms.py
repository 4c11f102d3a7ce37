"""Replaces what a user wrote by what is meant (`EntitySynonymMapper`): entities in, the same with mapped values out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from botapi.data.examples import TrainingData
from botapi.nlu.component import Training
from botapi.nlu.message import Message
from botapi.nlu.tables import read_table, write_table

log = logging.getLogger(__name__)

NAME = "EntitySynonymMapper"
MEMBER = "synonyms.json"


class EntitySynonymMapper:
    """A table from the lower-cased form to the value; each value also stands for itself in whatever case."""

    OPTIONS: Mapping[str, Any] = {}

    def __init__(self, synonyms: Mapping[str, str]) -> None:
        self.synonyms = synonyms

    @classmethod
    def train(cls, options: Mapping[str, Any], data: TrainingData, training: Training) -> EntitySynonymMapper:
        """Learn the synonyms of the data and the annotated values that differ from their text."""
        synonyms: dict[str, str] = {}
        for written, value in data.synonyms.items():
            _add(synonyms, str(written), str(value))
        for example in data.entity_examples():
            for entity in example.entities:
                _add(synonyms, example.text[entity["start"] : entity["end"]], str(entity.get("value")))
        return cls(synonyms)

    @classmethod
    def load(cls, options: Mapping[str, Any], members: Mapping[str, bytes]) -> EntitySynonymMapper:
        return cls(read_table(members, MEMBER, dict[str, str]))

    def save(self) -> dict[str, bytes]:
        return {MEMBER: write_table(self.synonyms)}

    def process(self, message: Message) -> None:
        for entity in message.entities:
            value = self.synonyms.get(str(entity["value"]).lower())
            if value is not None:
                entity["value"] = value
                entity.setdefault("processors", []).append(NAME)


def _add(synonyms: dict[str, str], written: str, value: str) -> None:
    if written != value:
        before = synonyms.get(written.lower())
        if before is not None and before != value:
            log.warning("Two synonyms for %r: %r is replaced by %r; keep one of them", written.lower(), before, value)
        synonyms[written.lower()] = value
    synonyms.setdefault(value.lower(), value)
