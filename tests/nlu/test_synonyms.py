"""Synonyms: what is learned from data, what is replaced in a message."""

from __future__ import annotations

import pytest

from botapi.data.examples import TrainingData
from botapi.errors import ModelError
from botapi.nlu.component import Training
from botapi.nlu.message import Message
from botapi.nlu.synonyms import EntitySynonymMapper
from tests.nlu.nlusamples import shop


def mapped(mapper, value):
    message = Message("", entities=[{"entity": "x", "value": value}])
    mapper.process(message)
    return message.entities[0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [("cap", "poster"), ("CAP", "poster"), ("Poster", "poster"), ("nyc", "New York"), ("NEW YORK", "New York")],
)
def test_a_value_is_replaced_whatever_its_case(value, expected):
    mapper = EntitySynonymMapper.train({}, shop(), Training())
    assert mapped(mapper, value) == {"entity": "x", "value": expected, "processors": ["EntitySynonymMapper"]}


@pytest.mark.parametrize("value", ["bike", 7, None, {"a": 1}])
def test_an_unknown_value_stays(value):
    assert mapped(EntitySynonymMapper({"cap": "poster"}), value) == {"entity": "x", "value": value}


def test_a_number_has_synonyms_too():
    assert mapped(EntitySynonymMapper({"7": "seven"}), 7)["value"] == "seven"


def test_of_two_synonyms_the_later_wins_with_a_log_line(caplog):
    mapper = EntitySynonymMapper.train({}, TrainingData(synonyms={"Cap": "hat", "cap": "poster"}), Training())
    assert mapped(mapper, "cap")["value"] == "poster"
    assert "'cap'" in caplog.text


def test_saved_and_loaded_it_maps_the_same():
    mapper = EntitySynonymMapper.train({}, shop(), Training())
    assert EntitySynonymMapper.load({}, mapper.save()).synonyms == mapper.synonyms


def test_a_missing_member_is_refused():
    with pytest.raises(ModelError, match=r"synonyms\.json"):
        EntitySynonymMapper.load({}, {})
