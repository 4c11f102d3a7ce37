"""The JSON format of training data: text in; examples, synonyms, regexes and lookup tables, or one sentence, out."""

from __future__ import annotations

import json

import pytest

from botapi.data import nlujson
from botapi.errors import DataError

WHOLE = {
    "rasa_nlu_data": {
        "common_examples": [
            {
                "text": "to rome by noon",
                "intent": "travel",
                "entities": [
                    {"start": 3, "end": 7, "value": "Rome", "entity": "city", "role": "to"},
                    {"start": 11, "end": 15, "entity": "time"},
                ],
            },
            {"text": "your name", "intent": "faq/name"},
            {"text": "nothing meant"},
        ],
        "entity_synonyms": [{"value": "Rome", "synonyms": ["roma", "eternal city"]}],
        "regex_features": [{"name": "zip", "pattern": "[0-9]{5}"}],
        "lookup_tables": [{"name": "city", "elements": ["Rome", "Oslo"]}],
    }
}


def test_every_part_is_read():
    data = nlujson.read(json.dumps(WHOLE))
    first, second, third = data.examples
    assert first.entities == (
        {"start": 3, "end": 7, "value": "Rome", "entity": "city", "role": "to"},
        {"start": 11, "end": 15, "value": "noon", "entity": "time"},
    )
    assert (second.intent, second.base_intent, third.intent) == ("faq/name", "faq", None)
    assert data.synonyms == {"roma": "Rome", "eternal city": "Rome", "rome": "Rome"}
    assert data.regexes == [{"name": "zip", "pattern": "[0-9]{5}"}]
    assert data.lookups == [{"name": "city", "elements": ["Rome", "Oslo"]}]


def test_parts_may_be_missing():
    assert nlujson.read('{"rasa_nlu_data": {}}').examples == []


def example(**changes):
    return {"common_examples": [{"text": "to rome", "intent": "a", **changes}]}


@pytest.mark.parametrize(
    "part, why",
    [
        pytest.param(example(text=""), "The text of common example 1", id="no text"),
        pytest.param(example(text=5), "The text of common example 1", id="a number"),
        pytest.param(example(intent=["a"]), "The intent of common example 1", id="intents"),
        pytest.param(example(entities="city"), "'entities' is no list", id="entities"),
        pytest.param(example(entities=[{"start": 3, "end": 9, "entity": "city"}]), "from 3 to 9", id="outside"),
        pytest.param(example(entities=[{"start": True, "end": 2, "entity": "x"}]), "from True", id="no place"),
        pytest.param(example(entities=[{"start": 0, "end": 2}]), "The entity of common example 1", id="no name"),
        pytest.param(example(entities=[{"start": 0, "end": 2, "entity": "x", "value": []}]), "The value", id="value"),
        pytest.param({"common_examples": [5]}, "'common_examples' is no list of objects", id="no object"),
        pytest.param({"entity_synonyms": [{"value": "x", "synonyms": "y"}]}, "The synonyms", id="synonyms"),
        pytest.param({"regex_features": [{"name": "x"}]}, "The pattern of a regex", id="no pattern"),
        pytest.param({"lookup_tables": [{"name": "x", "elements": "file.txt"}]}, "The elements", id="a file"),
    ],
)
def test_what_is_wrong_is_named(part, why):
    with pytest.raises(DataError, match=f"{why}.*\\(body\\)"):
        nlujson.read(json.dumps({"rasa_nlu_data": part}), "body")


@pytest.mark.parametrize("text", ["", "[1]", '{"common_examples": []}', "{" * 100_000, b"\xff", '{"rasa_nlu_data": 1}'])
def test_other_documents_are_refused(text):
    with pytest.raises(DataError):
        nlujson.read(text)
