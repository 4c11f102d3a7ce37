"""What unquoted scalars mean: the table of YAML 1.2 as Rasa reads it."""

from __future__ import annotations

import pytest
import yaml

from botapi import yamlfile
from botapi.yamlfile import reading

SCALARS = [
    ("yes", "yes"),
    ("No", "No"),
    ("on", "on"),
    ("off", "off"),
    ("y", "y"),
    ("true", True),
    ("True", True),
    ("FALSE", False),
    ("tRUE", "tRUE"),
    ("null", None),
    ("Null", None),
    ("NULL", None),
    ("~", None),
    ("", None),
    ("nUll", "nUll"),
    ("12:30", "12:30"),
    ("190:20:30", "190:20:30"),
    ("010", 10),
    ("08", 8),
    ("-010", -10),
    ("+12", 12),
    ("1_000", 1000),
    ("1_", 1),
    ("_1", "_1"),
    ("0o17", 15),
    ("0o8", "0o8"),
    ("0b101", 5),
    ("0b2", "0b2"),
    ("0x1F", 31),
    ("0x", "0x"),
    ("1e3", 1000.0),
    ("1E+3", 1000.0),
    ("1e", "1e"),
    ("e3", "e3"),
    ("1.", 1.0),
    ("1.e3", 1000.0),
    ("-1e-3", -0.001),
    (".5", 0.5),
    (".5e-3", 0.0005),
    (".5e3", ".5e3"),
    ("3.1", 3.1),
    ("1.2.3", "1.2.3"),
    ("1,000", "1,000"),
    ("2024-01-01", "2024-01-01"),
    ("2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z"),
    ("=", "="),
    ("<<", "<<"),
    ("'1'", "1"),
    ('"true"', "true"),
    ("!!str 12", "12"),
    ("!!int 12", 12),
    ("!!float 12", 12.0),
    ("! 12", "12"),
]


@pytest.fixture(params=["as installed", "without libyaml"])
def parser(request, monkeypatch):
    """Both parsers: libyaml's, where PyYAML has it, and the one written in Python."""
    if request.param == "without libyaml":
        monkeypatch.setattr(reading, "_Loader", yaml.SafeLoader)
    return request.param


@pytest.mark.parametrize(("written", "value"), SCALARS, ids=[repr(written) for written, _ in SCALARS])
def test_a_scalar_means_what_yaml_1_2_says(written, value, parser):
    found = yamlfile.load(f"key: {written}")["key"]
    assert found == value
    assert type(found) is type(value)
