"""Phrases and patterns that are known: which words of a text they mark."""

from __future__ import annotations

import json

import pytest

from botapi.data.examples import Example, TrainingData
from botapi.errors import ConfigError, ModelError
from botapi.nlu.tagging.gazetteer import LONGEST, Gazetteer, collect
from botapi.nlu.tagging.segments import segments


def marks(gazetteer, text):
    words = segments(text)
    return gazetteer.marks(text, words, [word.text.lower() for word in words])


def test_words_of_a_phrase_are_marked_by_their_place_in_it():
    known = Gazetteer({"new york": ["city"], "new york times": ["paper"], "new": ["word"]}, [])
    assert marks(known, "New York Times") == [
        ["U:word", "B:city", "B:paper"],
        ["L:city", "I:paper"],
        ["L:paper"],
    ]


def test_words_that_a_pattern_matches_are_marked():
    known = Gazetteer({}, [{"name": "zip", "pattern": r"\d{5}"}])
    assert marks(known, "to 90210 now") == [[], ["U:regex:zip"], []]


def test_collected_from_examples_lookup_tables_and_regexes():
    city = {"start": 3, "end": 11, "entity": "city", "value": "NYC"}
    data = TrainingData(
        examples=[Example("to New York", "go", (city,)), Example("to New York", "go", ({**city, "entity": "place"},))],
        lookups=[{"name": "fruit", "elements": ["red apple", "x " * (LONGEST + 1), ""]}],
        regexes=[{"name": "zip", "pattern": r"\d{5}"}],
    )
    assert collect(data, [0]).phrases == {"new york": ["city"], "red apple": ["lookup:fruit"]}
    assert collect(data, [0, 1], tables=False).phrases == {"new york": ["city", "place"]}
    assert collect(data, [0], entities=False).phrases == {"red apple": ["lookup:fruit"]}
    assert marks(collect(data, []), "12345") == [["U:regex:zip"]]


def test_a_wrong_regex_of_the_training_data_is_named():
    with pytest.raises(ConfigError, match="'zip'"):
        collect(TrainingData(regexes=[{"name": "zip", "pattern": "("}]), [])


def test_saved_and_loaded_it_marks_the_same():
    known = Gazetteer({"new york": ["city"]}, [{"name": "zip", "pattern": r"\d+"}])
    assert marks(Gazetteer.load(known.save()), "new york 5") == marks(known, "new york 5") != [[], [], []]


@pytest.mark.parametrize("patterns", [[{"name": "x"}], [{"name": "x", "pattern": "("}], {}])
def test_a_damaged_member_is_refused(patterns):
    members = {**Gazetteer({}, []).save(), "patterns.json": json.dumps(patterns).encode()}
    with pytest.raises(ModelError, match=r"patterns\.json"):
        Gazetteer.load(members)


def test_a_phrase_of_more_words_than_are_looked_at_is_refused():
    longest = " ".join("abcdefg")
    assert Gazetteer.load(Gazetteer({longest: ["x"]}, []).save()).phrases == {longest: ["x"]}
    members = {**Gazetteer({}, []).save(), "phrases.json": json.dumps({" " * 100_000: ["x"]}).encode()}
    with pytest.raises(ModelError, match=r"phrases\.json"):
        Gazetteer.load(members)
