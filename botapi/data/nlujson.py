"""Training data for understanding in Rasa's JSON format: `{"rasa_nlu_data": …}` as text in, a TrainingData out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from botapi.data.examples import Example, TrainingData
from botapi.errors import DataError

ROOT = "rasa_nlu_data"


def read(text: str | bytes, source: str | None = None) -> TrainingData:
    """Training data from the text of a JSON file; DataError says which entry is wrong."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"The training data is no JSON ({error}).", file=source) from error
    return from_dict(content, source)


def from_dict(content: Any, source: str | None = None) -> TrainingData:
    """Training data from parsed JSON: common_examples, entity_synonyms, regex_features and lookup_tables."""
    reader = _Reader(source)
    data = content.get(ROOT) if isinstance(content, Mapping) else None
    if not isinstance(data, Mapping):
        reader.refuse(f'The training data has no "{ROOT}"; expected {{"{ROOT}": {{"common_examples": [...]}}}}.')
    examples = [reader.example(item, number) for number, item in enumerate(reader.items(data, "common_examples"), 1)]
    synonyms = {
        written: reader.text(item, "value", "a synonym")
        for item in reader.items(data, "entity_synonyms")
        for written in reader.texts(item, "synonyms", "a synonym")
    }
    for example in examples:
        for entity in example.entities:
            written = example.text[entity["start"] : entity["end"]]
            if written != entity["value"]:
                synonyms[written] = entity["value"]
    regexes = [
        {"name": reader.text(item, "name", "a regex"), "pattern": reader.text(item, "pattern", "a regex")}
        for item in reader.items(data, "regex_features")
    ]
    lookups = [
        {"name": reader.text(item, "name", "a lookup table"), "elements": reader.texts(item, "elements", "a lookup")}
        for item in reader.items(data, "lookup_tables")
    ]
    return TrainingData(examples, synonyms, regexes, lookups)


class _Reader:
    """Checks values and refuses wrong ones in the name of their source."""

    def __init__(self, source: str | None) -> None:
        self.source = source

    def refuse(self, message: str) -> NoReturn:
        raise DataError(message, file=self.source)

    def items(self, container: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
        found = container.get(key) or []
        if not isinstance(found, list) or not all(isinstance(item, Mapping) for item in found):
            self.refuse(f"'{key}' is no list of objects.")
        return found

    def text(self, container: Mapping[str, Any], key: str, owner: str) -> str:
        found = container.get(key)
        if not isinstance(found, str) or not found.strip():
            self.refuse(f"The {key} of {owner} is {found!r}; expected text.")
        return found.strip()

    def texts(self, container: Mapping[str, Any], key: str, owner: str) -> list[str]:
        found = container.get(key) or []
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            self.refuse(f"The {key} of {owner} are no list of texts.")
        return list(found)

    def example(self, item: Mapping[str, Any], number: int) -> Example:
        owner = f"common example {number}"
        text = item.get("text")
        if not isinstance(text, str) or not text.strip():
            self.refuse(f"The text of {owner} is {text!r}; expected text.")
        intent = self.text(item, "intent", owner) if item.get("intent") else None
        entities = tuple(self.entity(entity, text, owner) for entity in self.items(item, "entities"))
        return Example(text, intent, entities, file=self.source)

    def entity(self, item: Mapping[str, Any], text: str, owner: str) -> dict[str, Any]:
        start, end = item.get("start"), item.get("end")
        if not (type(start) is int and type(end) is int and 0 <= start < end <= len(text)):
            self.refuse(f"An entity of {owner} is from {start!r} to {end!r}; expected a place in its text.")
        value = item.get("value", text[start:end])
        if not isinstance(value, (str, int, float)):
            self.refuse(f"The value of an entity of {owner} is {value!r}; expected text.")
        entity = {"start": start, "end": end, "value": value, "entity": self.text(item, "entity", owner)}
        entity.update((key, self.text(item, key, owner)) for key in ("role", "group") if item.get(key))
        return entity
