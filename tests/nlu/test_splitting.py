"""Commas within entities: when one becomes several, and several one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botapi.data import nlu
from botapi.nlu.splitting import Splitting, names_with_commas
from botapi.nlu.tagging.labels import Label
from botapi.nlu.tagging.tagger import Found


def entity(text, part, name="item", confidence=1.0):
    start = text.index(part)
    return Found(start, start + len(part), Label(name), confidence, confidence, confidence)


@pytest.mark.parametrize(
    ("option", "whole", "expected"),
    [
        ({}, [], ["10 High St", "Leeds"]),
        (True, ["item"], ["10 High St", "Leeds"]),
        ({"item": True}, ["item"], ["10 High St", "Leeds"]),
        ({}, ["item"], ["10 High St, Leeds"]),
        (False, [], ["10 High St, Leeds"]),
        ({"item": False}, [], ["10 High St, Leeds"]),
        ({"other": False}, [], ["10 High St", "Leeds"]),
    ],
)
def test_an_entity_with_a_comma(option, whole, expected):
    text = "to 10 High St, Leeds"
    found = Splitting(option, whole).apply(text, [entity(text, "10 High St, Leeds")])
    assert [text[part.start : part.end] for part in found] == expected


@pytest.mark.parametrize(
    ("text", "option", "expected"),
    [
        ("eggs, ham", False, ["eggs, ham"]),
        ("eggs., ham", {"item": False}, ["eggs., ham"]),
        ("eggs, ham", {}, ["eggs", "ham"]),
        ("eggs and ham", False, ["eggs", "ham"]),
        ("eggs ham", False, ["eggs", "ham"]),
    ],
)
def test_two_entities_of_one_kind(text, option, expected):
    found = Splitting(option, []).apply(
        text, [entity(text, "eggs", confidence=0.9), entity(text, "ham", confidence=0.8)]
    )
    assert [text[part.start : part.end] for part in found] == expected
    assert found[-1].entity_confidence == 0.8


def test_entities_of_different_kinds_are_never_joined():
    text = "eggs, ham"
    given_entities = [entity(text, "eggs"), entity(text, "ham", name="meat")]
    assert Splitting(False, []).apply(text, given_entities) == given_entities


@given(st.text(alphabet="ab ,.", max_size=20), st.booleans())
def test_parts_lie_within_the_entity_and_have_no_splitting_comma(text, option):
    text = f"x{text}x"
    found = Splitting(option, []).apply(text, [Found(0, len(text), Label("item"), 1, 1, 1)])
    assert [found[0].start, found[-1].end] == [0, len(text)]
    for part in found:
        assert text[part.start : part.end].strip(" ,") != ""
        assert not option or ", " not in text[part.start : part.end].strip(" ,")


def test_names_of_entities_with_commas_in_the_examples():
    data = nlu.read(
        "nlu:\n- intent: go\n  examples: |\n    - [5 Elm Rd, York](address)\n    - buy [1,000](number) [figs](item)\n"
    )
    assert names_with_commas(data) == ["address"]
