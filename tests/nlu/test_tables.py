"""Tables in a model: what comes back is what went in, and nothing else comes back."""

from __future__ import annotations

from typing import Any

import pytest

from botapi.errors import ModelError
from botapi.nlu.tables import has_shape, read_table, write_table


@pytest.mark.parametrize(
    ("value", "shape"),
    [({"ä": "ü"}, dict[str, str]), ([["a"], []], list[list[str]]), ({"a": [1, 2.5]}, dict[str, list[float]])],
)
def test_round_trip(value, shape):
    assert read_table({"t.json": write_table(value)}, "t.json", shape) == value


@pytest.mark.parametrize(
    ("value", "shape", "fits"),
    [
        (True, float, False), (True, bool, True), (1, float, True), (1.0, int, False), (None, str, False),
        (None, Any, True), ({"a": 1}, dict[str, str], False), ([1], list[str], False), ({}, list[str], False),
    ],
)  # fmt: skip
def test_shapes(value, shape, fits):
    assert has_shape(value, shape) is fits


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"[NaN]", b"[1e999", b"9" * 5000, b"[]"])
def test_anything_else_is_refused(body):
    with pytest.raises(ModelError, match=r"'t\.json'"):
        read_table({"t.json": body}, "t.json", dict[str, str])


def test_a_missing_table_is_named():
    with pytest.raises(ModelError, match=r"lacks the member 't\.json'"):
        read_table({}, "t.json", list[str])
