"""Entities marked in sentences: what they mean, faults, and writing them back."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botapi.data import markup
from botapi.errors import DataError


def entity(start, end, value, name, **labels):
    return {"start": start, "end": end, "value": value, "entity": name, **labels}


SENTENCES = [
    pytest.param("no marks", "no marks", [], id="plain"),
    pytest.param("to [Rome](city)", "to Rome", [entity(3, 7, "Rome", "city")], id="short"),
    pytest.param("[NYC](city:New York)!", "NYC!", [entity(0, 3, "New York", "city")], id="short with value"),
    pytest.param(
        'from [Oslo]{"entity": "city", "role": "from"} to [Rome]{"entity": "city", "role": "to", "group": "1"} now',
        "from Oslo to Rome now",
        [entity(5, 9, "Oslo", "city", role="from"), entity(13, 17, "Rome", "city", role="to", group="1")],
        id="roles and groups",
    ),
    pytest.param('[2]{"entity": "n", "value": 2}', "2", [entity(0, 1, 2, "n")], id="number as a value"),
    pytest.param(
        '[a b][{"entity": "x"}, {"entity": "y", "value": "c"}]',
        "a b",
        [entity(0, 3, "a b", "x"), entity(0, 3, "c", "y")],
        id="several on one text",
    ),
    pytest.param("[a][b] and [c] (d)", "[a][b] and [c] (d)", [], id="brackets that mark nothing"),
    pytest.param('[é😀]{"entity": "e", "value": "\\u00e9"}x', "é😀x", [entity(0, 2, "é", "e")], id="escapes"),
]


@pytest.mark.parametrize(("sentence", "text", "entities"), SENTENCES)
def test_marks_are_read(sentence, text, entities):
    assert markup.read(sentence) == (text, tuple(entities))


@pytest.mark.parametrize(
    ("sentence", "message"),
    [
        ("[a]{entity: x}", "not valid JSON"),
        ('[a]{"role": "x"}', "has no name"),
        ('[a]{"entity": ""}', "has no name"),
        ('[a]{"entity": "x", "role": 1}', "role that is not text"),
        ('[a]{"entity": "x", "value": null}', "value that is not text"),
        ('[a]{"entity": "x", "value": NaN}', "value that is not text"),
    ],
)
def test_a_broken_mark_names_file_and_line(sentence, message):
    with pytest.raises(DataError, match=rf"{message}.*\(nlu\.yml, line 7\)"):
        markup.read(sentence, "nlu.yml", 7)


def test_writing_uses_the_short_form_where_it_can():
    entities = [entity(3, 7, "Rome", "city"), entity(12, 15, "New York", "city", role="to")]
    assert markup.write("to Rome via NYC", entities) == (
        'to [Rome](city) via [NYC]{"entity": "city", "role": "to", "value": "New York"}'
    )


def test_writing_several_entities_of_one_text():
    found = markup.write("a b", [entity(0, 3, "a b", "x"), entity(0, 3, "c", "y")])
    assert found == '[a b][{"entity": "x"}, {"entity": "y", "value": "c"}]'


def test_entities_without_a_place_or_that_overlap_are_not_written():
    entities = [{"entity": "x", "value": "y"}, entity(0, 2, "ab", "e"), entity(1, 3, "bc", "f"), entity(2, 9, "c", "g")]
    assert markup.write("abc", entities) == "[ab](e)c"


def test_messages_that_name_their_intent_stay_as_they_are():
    assert markup.write('/go{"city": "Rome"}', [entity(3, 19, "Rome", "city")]) == '/go{"city": "Rome"}'


def test_entities_of_messages_that_name_their_intent():
    text = '/go@0.5{"city": ["Rome", "Oslo"], "n": 2}'
    assert markup.intent_message_entities(text) == (
        entity(7, 41, "Rome", "city"),
        entity(7, 41, "Oslo", "city"),
        entity(7, 41, 2, "n"),
    )
    for other in ("go", "/go", "/go{broken}", "/go{" + '"a":{' * 5000 + "}"):
        assert markup.intent_message_entities(other) == ()


WORDS = st.text("abcé😀 ", min_size=1).filter(str.strip)
NAMES = st.text("abc_", min_size=1)


@settings(deadline=None)
@given(st.lists(st.tuples(WORDS, st.none() | st.tuples(NAMES, st.none() | WORDS, st.none() | NAMES))))
def test_what_is_written_reads_back(parts):
    text, entities = "", []
    for word, mark in parts:
        if mark:
            name, value, role = mark
            labels = {"role": role} if role else {}
            entities.append(entity(len(text), len(text) + len(word), value or word, name, **labels))
        text += word
    assert markup.read(markup.write(text, entities)) == (text, tuple(entities))


@pytest.mark.parametrize("piece", ["[", "[a](", "[a](b", "[a](b:", "[a]{", "[a][{", "[a][ ", '[a]{"entity":'])
def test_marks_that_never_end_are_passed_over_in_time(piece):
    started = time.monotonic()
    assert markup.read(piece * 20_000) == (piece * 20_000, ())
    assert time.monotonic() - started < 20
