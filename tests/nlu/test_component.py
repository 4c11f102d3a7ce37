"""Options of components: defaults, and what is refused."""

from __future__ import annotations

import pytest

from botapi.errors import ConfigError
from botapi.nlu.component import read_options

DEFAULTS = {"threshold": 0.3, "ranking_length": 10, "case_sensitive": True, "token_pattern": None}


def test_what_is_not_given_has_its_default_and_what_is_unknown_is_left_out():
    assert read_options("X", DEFAULTS, {"name": "X", "threshold": 1, "epochs": 5}) == {**DEFAULTS, "threshold": 1}


def test_null_means_the_default():
    assert read_options("X", DEFAULTS, {"ranking_length": None}) == DEFAULTS


@pytest.mark.parametrize(
    ("option", "value"),
    [("threshold", "0.3"), ("threshold", True), ("case_sensitive", "yes"), ("case_sensitive", 1), ("token_pattern", 3),
     ("ranking_length", [10]), ("ranking_length", -1), ("ranking_length", 1.5), ("threshold", float("nan"))],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused_by_name(option, value):
    with pytest.raises(ConfigError, match=f"'{option}' of X"):
        read_options("X", DEFAULTS, {option: value})
