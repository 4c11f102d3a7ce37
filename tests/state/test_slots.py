"""Slot types: what is kept of a value, what policies see of it, and wrong definitions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botapi.errors import ConfigError, DataError
from botapi.state import slots
from botapi.yamlfile import load_with_lines

FEATURES = [
    ("text", {}, None, (0.0,)),
    ("text", {}, "", (1.0,)),
    ("text", {}, "x", (1.0,)),
    ("text", {}, 3, (1.0,)),
    ("bool", {}, None, (0.0, 0.0)),
    ("bool", {}, True, (1.0, 1.0)),
    ("bool", {}, False, (1.0, 0.0)),
    ("bool", {}, "True", (1.0, 1.0)),
    ("bool", {}, " false ", (1.0, 0.0)),
    ("bool", {}, "1", (1.0, 1.0)),
    ("bool", {}, "01", (1.0, 1.0)),
    ("bool", {}, "9" * 5000, (1.0, 0.0)),
    ("bool", {}, 1.0, (1.0, 1.0)),
    ("bool", {}, 2, (1.0, 0.0)),
    ("bool", {}, "maybe", (0.0, 0.0)),
    ("bool", {}, [], (0.0, 0.0)),
    ("float", {}, None, (0.0, 0.0)),
    ("float", {}, 0.25, (1.0, 0.25)),
    ("float", {}, "0.25", (1.0, 0.25)),
    ("float", {}, 7, (1.0, 1.0)),
    ("float", {}, -7, (1.0, 0.0)),
    ("float", {}, "much", (0.0, 0.0)),
    ("float", {}, "nan", (0.0, 0.0)),
    ("float", {}, 10**400, (0.0, 0.0)),
    ("float", {"min_value": 10, "max_value": 20}, 15, (1.0, 0.5)),
    ("list", {}, None, (0.0,)),
    ("list", {}, [], (0.0,)),
    ("list", {}, ["a"], (1.0,)),
    ("categorical", {"values": ["Low", "high"]}, None, (0.0, 0.0, 0.0)),
    ("categorical", {"values": ["Low", "high"]}, "LOW", (1.0, 0.0, 0.0)),
    ("categorical", {"values": ["Low", "high"]}, "high", (0.0, 1.0, 0.0)),
    ("categorical", {"values": ["Low", "high"]}, "gigantic", (0.0, 0.0, 1.0)),
    ("categorical", {"values": ["a", "__other__"]}, "b", (0.0, 1.0)),
    ("categorical", {"values": [1, True, None]}, 1, (1.0, 0.0, 0.0)),
    ("categorical", {}, "x", (1.0,)),
]


@pytest.mark.parametrize(("kind", "options", "value", "vector"), FEATURES)
def test_what_policies_see_of_a_value(kind, options, value, vector):
    slot = slots.from_dict("s", {"type": kind, **options})
    assert slot.vector(value) == vector
    assert slot.features(value) == (vector if any(vector) else None)


@pytest.mark.parametrize("kind", ["text", "bool", "float", "list", "categorical"])
def test_a_slot_without_influence_has_no_features(kind):
    slot = slots.from_dict("s", {"type": kind, "influence_conversation": False})
    assert slot.vector("1") == ()
    assert slot.features("1") is None


def test_a_slot_of_type_any_has_no_features():
    assert slots.from_dict("s", {"type": "any"}).features({"a": 1}) is None


@pytest.mark.parametrize("kind", [kind for kind in slots.SLOT_TYPES if kind != "list"])
@pytest.mark.parametrize("value", ["3", 99, "gigantic", None, {"a": [1]}, True])
def test_values_are_kept_raw(kind, value):
    assert slots.from_dict("s", {"type": kind}).stored(value) is value


@pytest.mark.parametrize(
    ("value", "stored"),
    [("a", ["a"]), (["a"], ["a"]), ([], []), (None, None), ("", ""), (0, 0), ({"a": 1}, [{"a": 1}])],
)
def test_a_list_slot_makes_a_list_of_a_single_value(value, stored):
    assert slots.from_dict("s", {"type": "list"}).stored(value) == stored


@settings(deadline=None)
@given(
    st.sampled_from(sorted(slots.SLOT_TYPES)),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    ),
)
def test_any_value_has_features_between_0_and_1(kind, value):
    slot = slots.from_dict("s", {"type": kind})
    vector = slot.vector(slot.stored(value))
    assert all(0.0 <= number <= 1.0 for number in vector)
    assert len(vector) == len(slot.vector(None))


@pytest.mark.parametrize("kind", slots.SLOT_TYPES)
def test_a_definition_comes_out_as_it_went_in(kind):
    slot = slots.from_dict("s", {"type": kind, "initial_value": "x", "mappings": [{"type": "custom"}]})
    assert slots.from_dict("s", slot.as_dict()).as_dict() == slot.as_dict()
    assert slot.initial_value == "x"


def test_a_float_slot_tells_its_range():
    found = slots.from_dict("s", {"type": "float", "max_value": 5}).as_dict()
    assert (found["min_value"], found["max_value"]) == (0.0, 5)


WRONG = [
    pytest.param("{mappings: []}", "no type", id="no type"),
    pytest.param("{type: number}", "unknown type 'number'", id="unknown type"),
    pytest.param("{type: [text]}", "unknown type", id="type is a list"),
    pytest.param("{type: text, initial: x}", "unknown key 'initial'", id="unknown key"),
    pytest.param("{type: text, values: [a]}", "unknown key 'values'", id="key of another type"),
    pytest.param("{type: float, min_value: 5, max_value: 5}", "smaller", id="empty range"),
    pytest.param("{type: float, min_value: low}", "expected a number", id="minimum is text"),
    pytest.param("{type: float, max_value: true}", "expected a number", id="maximum is a boolean"),
    pytest.param("{type: categorical, values: a}", "expected a list", id="values are text"),
    pytest.param("{type: text, influence_conversation: maybe}", "true or false", id="influence is text"),
    pytest.param("{type: any, influence_conversation: true}", "policies can't read", id="any with influence"),
]


@pytest.mark.parametrize(("written", "message"), WRONG)
def test_a_wrong_definition_names_file_and_line(written, message):
    content = load_with_lines(f"slots:\n  size:\n    {written}\n", "domain.yml")
    with pytest.raises(DataError, match=message) as caught:
        slots.from_dict("size", content["slots"]["size"])
    assert (caught.value.file, caught.value.line) == ("domain.yml", 3)
    assert "size" in str(caught.value)


def test_a_class_of_ones_own_is_refused_with_what_to_do_instead():
    with pytest.raises(ConfigError, match=r"'mine\.Slot'.*not supported.*Use one of text"):
        slots.from_dict("s", {"type": "mine.Slot"})
