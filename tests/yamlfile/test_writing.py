"""Writing values: text that looks like something else is quoted, and everything reads back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botapi import yamlfile
from botapi.errors import DataError


@pytest.mark.parametrize(
    "text", ["true", "10", "010", "1e3", "0x1f", "", "~", "null", "2024-01-01", "<<", "${HOME}", "-"]
)
def test_text_that_looks_like_something_else_is_quoted(text):
    written = yamlfile.dump({"key": text})
    assert yamlfile.load(written, environment={}) == {"key": text}


def test_text_of_several_lines_becomes_a_block():
    assert yamlfile.dump({"a": "x\ny\n", "b": 1}) == "a: |\n  x\n  y\nb: 1\n"
    assert yamlfile.dump({"a": "x\ny"}, blocks=False) == 'a: "x\\ny"\n'
    assert yamlfile.dump({"a": yamlfile.Block("x")}, blocks=False) == "a: |-\n  x\n"


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), "\0", "\ud800", object(), {("a",): 1}, 10**1000, b"x"],
    ids=["nan", "inf", "NUL", "surrogate", "object", "tuple key", "huge", "bytes"],
)
def test_what_can_not_be_read_back_is_not_written(value):
    with pytest.raises(DataError, match="can't be written"):
        yamlfile.dump([value])


def test_endless_values_are_not_written():
    endless: list = []
    endless.append(endless)
    with pytest.raises(DataError, match="deeper"):
        yamlfile.dump(endless)


def test_shared_values_are_written_out():
    shared = ["x"]
    assert "&" not in yamlfile.dump([shared, shared])


TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\r\t\x85", exclude_characters="\ufffe\uffff")
)
LIKELY = st.sampled_from(
    [
        "true",
        "No",
        "~",
        "",
        "010",
        "1_0",
        "0x1F",
        ".5e-3",
        "1e3",
        ".nan",
        "12:30",
        "2024-01-01",
        "=",
        "<<",
        "'",
        " x",
        "x ",
        "- a",
        "a: b",
        "#",
        "|",
        "x\n",
        "\n",
        " \n x",
        "é\u2028",
    ]
)
SIMPLE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS | LIKELY
VALUES = st.recursive(
    SIMPLE, lambda inner: st.lists(inner) | st.dictionaries(TEXTS | LIKELY | st.integers(), inner), max_leaves=15
)


@settings(deadline=None)
@given(VALUES, st.booleans())
def test_what_is_written_reads_back_equal(value, blocks):
    found = yamlfile.load(yamlfile.dump(value, blocks=blocks))
    assert found == value
    assert repr(found) == repr(value)
