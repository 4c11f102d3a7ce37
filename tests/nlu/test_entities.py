"""Entities by regex and lookup table."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botapi.data.examples import Example, TrainingData
from botapi.errors import ConfigError, ModelError
from botapi.nlu.component import Training
from botapi.nlu.entities import RegexEntityExtractor, lookup_pattern
from botapi.nlu.message import Message
from tests.nlu.nlusamples import shop

LETTERS = st.text(alphabet="aAbB -", min_size=1, max_size=4)


def trained(data=None, **options):
    return RegexEntityExtractor.train({**RegexEntityExtractor.OPTIONS, **options}, data or shop(), Training())


def found(extractor, text):
    message = Message(text)
    extractor.process(message)
    return [(entity["entity"], entity["value"], entity["start"], entity["end"]) for entity in message.entities]


def test_regexes_come_before_lookup_tables_and_offsets_count_code_points():
    assert found(trained(), "😀 a mug to 90210") == [("zip", "90210", 11, 16), ("item", "mug", 4, 7)]


def test_the_answer_has_the_keys_of_the_reference():
    message = Message("a mug")
    trained().process(message)
    assert message.entities == [
        {"entity": "item", "start": 2, "end": 5, "value": "mug", "extractor": "RegexEntityExtractor"}
    ]


def test_only_names_that_are_entities_of_the_examples_count():
    assert found(trained(), "room 12") == []


@pytest.mark.parametrize(
    ("options", "text", "values"),
    [
        ({}, "MUG smug mugs", ["MUG"]),
        ({"case_sensitive": True}, "MUG mug", ["mug"]),
        ({"use_word_boundaries": False}, "smug mugs", ["mug", "mug"]),
        ({"use_lookup_tables": False}, "mug 90210", ["90210"]),
        ({"use_regexes": False}, "mug 90210", ["mug"]),
    ],
)
def test_options(options, text, values):
    assert [value for _, value, _, _ in found(trained(**options), text)] == values


def test_without_any_pattern_the_log_says_so(caplog):
    assert found(trained(TrainingData(examples=[Example("hi", "greet")])), "mug") == []
    assert "finds nothing" in caplog.text


def test_an_empty_lookup_table_finds_nothing():
    data = shop()
    data.lookups[0]["elements"] = [""]
    assert found(trained(data), "a mug") == []


def test_a_wrong_regex_in_the_training_data_is_named():
    data = shop()
    data.regexes[0]["pattern"] = "(90"
    with pytest.raises(ConfigError, match=r"'zip'.*\(90"):
        trained(data)


@given(
    st.lists(LETTERS, min_size=1, max_size=8), st.text(alphabet="aAbB  -", max_size=12), st.booleans(), st.booleans()
)
def test_a_lookup_table_matches_as_a_plain_alternation_does(elements, text, case_sensitive, boundaries):
    options = {"case_sensitive": case_sensitive, "use_word_boundaries": boundaries}
    flags = 0 if case_sensitive else re.IGNORECASE
    edge = r"\b" if boundaries else ""
    plain = "|".join(f"{edge}{re.escape(element)}{edge}" for element in elements)
    spans = [match.span() for match in re.finditer(lookup_pattern(elements, options), text, flags)]
    assert spans == [match.span() for match in re.finditer(plain, text, flags)]


def test_a_table_whose_words_share_long_beginnings_compiles():
    words = ["a" * length for length in range(300, 0, -1)]
    assert re.fullmatch(lookup_pattern(words, RegexEntityExtractor.OPTIONS), "a" * 250)


def test_saved_and_loaded_it_answers_the_same():
    extractor = trained()
    loaded = RegexEntityExtractor.load(RegexEntityExtractor.OPTIONS, extractor.save())
    assert found(loaded, "a cap to 12345") == found(extractor, "a cap to 12345") != []


@pytest.mark.parametrize(
    "value", [{}, [{"name": "x"}], [{"pattern": "x"}], [{"name": "x", "pattern": "("}], [{"name": 1, "pattern": "x"}]]
)
def test_a_damaged_member_is_refused(value):
    with pytest.raises(ModelError, match=r"patterns\.json"):
        RegexEntityExtractor.load(RegexEntityExtractor.OPTIONS, {"patterns.json": json.dumps(value).encode()})
