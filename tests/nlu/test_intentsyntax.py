"""Messages that name their intent: the answers of Rasa 3.6 where it was asked, and what no text may do."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botapi.nlu import intentsyntax

INTENTS = ["hello", "inform"]
ENTITIES = ["item", "qty", "tag"]


def read(text):
    return intentsyntax.read(text, INTENTS, ENTITIES)


@pytest.mark.parametrize(
    ("text", "name", "confidence"),
    [
        pytest.param("/hello", "hello", 1.0, id="bare"),
        pytest.param("/ hello", "hello", 1.0, id="blank after the slash"),
        pytest.param("  /hello\n", "hello", 1.0, id="blanks around"),
        pytest.param("/hello@0.42", "hello", 0.42, id="confidence"),
        pytest.param("/hello@1", "hello", 1.0, id="whole confidence"),
        pytest.param("/hello@7", "hello", 1.0, id="confidence above one"),
        pytest.param("/hello@1.2.3", "hello", 0.0, id="confidence that is no number"),
        pytest.param("/hello@high", "hello", 1.0, id="confidence in words"),
        pytest.param("/hello{}", "hello", 1.0, id="no entities"),
        pytest.param("/inform{item}", "inform", 1.0, id="broken JSON"),
        pytest.param("/inform{'item': 'x'}", "inform", 1.0, id="single quotes"),
        pytest.param('/inform{"nope": 1}', "inform", 1.0, id="unknown entity"),
        pytest.param('/inform{"nope": 1} trailing', "inform", 1.0, id="text after the entities"),
    ],
)
def test_the_intent_and_its_confidence(text, name, confidence):
    intent = {"name": name, "confidence": confidence}
    assert read(text) == {"text": text.strip(), "intent": intent, "entities": [], "intent_ranking": [intent]}


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "",
        "/",
        "/nope",
        "/hello and more",
        '/inform[{"entity": "item"}]',
        "/faq/ask_x",
        "/{}",
        "/@1",
        "say /hello",
    ],
)
def test_ordinary_text(text):
    assert read(text) is None


def test_entities_stand_where_the_braces_stand():
    text = '/inform@0.42{"item": "müg ☕", "qty": 3}'
    place = {"start": 12, "end": len(text), "extractor": "RegexMessageHandler"}
    assert read(text)["entities"] == [
        {"entity": "item", "value": "müg ☕", **place},
        {"entity": "qty", "value": 3, **place},
    ]


def test_a_list_gives_one_entity_for_each_item():
    found = read('/inform{"tag": ["a", {"b": 1}], "item": null}')["entities"]
    assert [(entity["entity"], entity["value"]) for entity in found] == [
        ("tag", "a"),
        ("tag", {"b": 1}),
        ("item", None),
    ]


def test_every_name_is_known_where_no_list_is_given():
    found = intentsyntax.read('/nope{"any": 1}')
    assert (found["intent"]["name"], found["entities"][0]["entity"]) == ("nope", "any")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("[" * 200 + "]" * 200, id="nested too deep"),
        pytest.param("[" * 100_000 + "]" * 100_000, id="nested absurdly deep"),
        pytest.param("9" * 5000, id="number with 5,000 digits"),
        pytest.param("1e999", id="infinite float"),
        pytest.param("NaN", id="NaN"),
        pytest.param("-Infinity", id="Infinity"),
    ],
)
def test_values_that_json_writers_refuse_leave_the_intent_without_entities(value):
    found = read(f'/inform{{"item": {value}}}')
    assert (found["intent"]["name"], found["entities"]) == ("inform", [])


def test_a_lone_surrogate_in_a_value_is_replaced():
    assert read('/inform{"item": "a\\ud800b"}')["entities"][0]["value"] == "a\ufffdb"


@given(st.text(alphabet=st.characters(), max_size=40))
def test_no_text_raises(text):
    for message in (text, f"/{text}", f"/inform{text}", f'/inform{{"item": {text}}}', f"/inform@{text}"):
        found = read(message)
        assert found is None or json.dumps(found, allow_nan=False)
