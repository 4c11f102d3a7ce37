"""Formats of other services: parse data in; objects as those services answer out."""

from __future__ import annotations

from botapi.web.emulation import as_dialogflow, as_luis, as_rasa, as_wit

DATA = {
    "text": "two mugs",
    "intent": {"name": "order", "confidence": 0.9},
    "entities": [
        {"entity": "item", "value": "mug", "start": 4, "end": 8, "extractor": "Lookup"},
        {"entity": "number", "role": "count", "value": 2, "start": 0, "end": 3},
    ],
    "intent_ranking": [{"name": "order", "confidence": 0.9}, {"name": "bye", "confidence": 0.1}],
}
BARE = {"text": "?", "intent": {"name": None, "confidence": 0.0}, "entities": []}


def test_rasa_is_the_data_itself():
    assert as_rasa(DATA) is DATA


def test_wit_groups_entities_by_name_and_role():
    found = as_wit(DATA)
    assert found["intents"] == [DATA["intent"]]
    assert set(found["entities"]) == {"item:item", "number:count"}
    assert found["entities"]["item:item"][0] == {
        "confidence": 1,
        "name": "item",
        "value": "mug",
        "body": "mugs",
        "start": 4,
        "end": 8,
        "role": "item",
        "entities": [],
    }


def test_luis_scores_all_intents_and_keys_entities_by_role():
    found = as_luis(DATA)["prediction"]
    assert found["topIntent"] == "order"
    assert found["intents"] == {"order": {"score": 0.9}, "bye": {"score": 0.1}}
    assert found["entities"]["count"] == [2]
    assert found["entities"]["$instance"]["item"][0]["length"] == 4
    assert found["entities"]["$instance"]["item"][0]["modelType"] == "Lookup"


def test_luis_without_a_ranking_knows_the_top_intent_only():
    assert as_luis({**DATA, "intent_ranking": []})["prediction"]["intents"] == {"order": {"score": 0.9}}


def test_dialogflow_lists_values_by_entity():
    found = as_dialogflow(DATA)["queryResult"]
    assert found["parameters"] == {"item": ["mug"], "number": [2]}
    assert found["intent"] == {"name": "order", "displayName": "order"}
    assert found["intentDetectionConfidence"] == 0.9


def test_nothing_understood_is_no_error():
    assert as_wit(BARE)["entities"] == {}
    assert as_luis(BARE)["prediction"]["topIntent"] is None
    assert as_dialogflow(BARE)["queryResult"]["parameters"] == {}
