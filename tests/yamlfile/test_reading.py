"""Reading project files: faults with file and line, limits, lines, environment variables."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from botapi import yamlfile
from botapi.errors import DataError
from botapi.yamlfile import reading


@pytest.fixture(params=["as installed", "without libyaml"])
def parser(request, monkeypatch):
    """Both parsers: libyaml's, where PyYAML has it, and the one written in Python."""
    if request.param == "without libyaml":
        monkeypatch.setattr(reading, "_Loader", yaml.SafeLoader)
    return request.param


FAULTS = [
    pytest.param("a: 1\nb: 2\na: 3", "'a' appears twice", 3, id="duplicate key"),
    pytest.param("a: 1\nb: [1, 2", "not valid YAML", 2, id="open list"),
    pytest.param("a: b: c", "not valid YAML", 1, id="colon inside"),
    pytest.param("a: 1\nb: *a", "alias *a", 2, id="unknown alias"),
    pytest.param("a: &a [1, *a]", "alias *a", 1, id="alias to itself"),
    pytest.param("a: 1\nb: !!python/object/apply:os.system [ls]", "tag", 2, id="python tag on a list"),
    pytest.param("a: !!python/name:os.system x", "tag", 1, id="python tag on a scalar"),
    pytest.param("a: !mine x", "tag", 1, id="own tag"),
    pytest.param("a: !!set {x}", "tag", 1, id="set"),
    pytest.param("a: !!int x", "tag", 1, id="value that does not fit its tag"),
    pytest.param("a: !!int true", "tag", 1, id="boolean tagged as number"),
    pytest.param("a: .nan", "finite", 1, id="nan"),
    pytest.param("a: -.inf", "finite", 1, id="infinity"),
    pytest.param("a: 1\nb: 1e999", "too large", 2, id="overflowing float"),
    pytest.param("a: " + "9" * 5000, "5000 characters", 1, id="5,000 digits"),
    pytest.param("a: 0x" + "f" * 5000, "5002 characters", 1, id="5,000 hex digits"),
    pytest.param("a: 1\nb: \x00", "U+0000", 2, id="NUL"),
    pytest.param("a: \x1b", "U+001B", 1, id="escape character"),
    pytest.param("a: \ud800", "U+D800", 1, id="lone surrogate"),
    pytest.param('a: "\\0"', "control character", 1, id="escaped NUL"),
    pytest.param(b"a: 1\nb: \xff\xfe", "UTF-8", 2, id="invalid UTF-8"),
    pytest.param("a: " + "[" * 200 + "]" * 200, "deeper than 100", 1, id="deep lists"),
    pytest.param("a: " + "{b: " * 100_000, "deeper than 100", 1, id="very deep mappings"),
    pytest.param("[a, b]: 1", "key", 1, id="list as a key"),
    pytest.param("a: 1\n---\nb: 1", "second document", 2, id="two documents"),
    pytest.param("a:\n  <<: 3", "merge key", 2, id="merge of a number"),
]


@pytest.mark.parametrize(("text", "message", "line"), FAULTS)
def test_a_fault_names_file_and_line(text, message, line, parser):
    with pytest.raises(DataError) as caught:
        yamlfile.load(text, "domain.yml")
    assert message in str(caught.value)
    assert (caught.value.file, caught.value.line) == ("domain.yml", line)
    assert str(caught.value).endswith(f"(domain.yml, line {line})")


@pytest.mark.parametrize("escape", ["\\ud800", "\\UFFFFFFFF", "\\xZZ"])
def test_a_wrong_escape_is_a_data_error(escape, parser):
    with pytest.raises(DataError, match=r"f\.yml"):
        yamlfile.load(f'a: "{escape}"', "f.yml")


def test_aliases_that_explode_are_refused(parser):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(DataError, match="Aliases expand") as caught:
        yamlfile.load("\n".join(lines))
    assert caught.value.line == 5


def test_long_text_counts_for_more_than_one_node():
    text = "a: &a " + "x" * 1_000_000 + "\nb: [" + ", ".join(["*a"] * 20) + "]"
    with pytest.raises(DataError, match="Aliases expand"):
        yamlfile.load(text)


def test_anchors_and_merge_keys_work(parser):
    text = "base: &base {a: 1, b: 2}\nother: &other {c: 3}\nboth:\n  <<: [*base, *other]\n  b: 5\nlist: [*base]"
    assert yamlfile.load(text) == {
        "base": {"a": 1, "b": 2},
        "other": {"c": 3},
        "both": {"b": 5, "a": 1, "c": 3},
        "list": [{"a": 1, "b": 2}],
    }


def test_nesting_up_to_the_limit_is_read(parser):
    value = yamlfile.load("[" * 100 + "]" * 100)
    for _ in range(99):
        value = value[0]
    assert value == []


@pytest.mark.parametrize("text", ["", "# only a comment", "---", b"\xef\xbb\xbf"])
def test_an_empty_document_is_none(text, parser):
    assert yamlfile.load(text) is None


def test_a_byte_order_mark_is_dropped():
    assert yamlfile.load(b"\xef\xbb\xbfa: 1") == {"a": 1}


def test_lines_are_kept(parser):
    content = yamlfile.load_with_lines("a: 1\n\nb:\n- x\n-\n  c: 2\n  d: |\n    text\n  e: 3\n", "f.yml")
    assert yamlfile.place(content) == ("f.yml", 1)
    assert content.lines == {"a": 1, "b": 3}
    assert [yamlfile.line_of(content["b"], number) for number in range(3)] == [4, 6, None]
    assert {key: yamlfile.line_of(content["b"][1], key) for key in "cdex"} == {"c": 6, "d": 7, "e": 9, "x": None}
    assert yamlfile.place("text") == (None, None)
    assert yamlfile.line_of({"a": 1}, "a") is None


def test_values_with_lines_turn_into_ordinary_ones():
    content = yamlfile.load_with_lines("a: [1, {b: 2}]")
    for copied in (yamlfile.plain(content), copy.deepcopy(content), pickle.loads(pickle.dumps(content))):
        assert copied == {"a": [1, {"b": 2}]}
        assert type(copied) is dict
        assert type(copied["a"]) is list
    assert json.loads(json.dumps(content)) == {"a": [1, {"b": 2}]}


def test_environment_variables_fill_unquoted_text_only_when_asked():
    text = "url: http://${HOST}:${PORT}/\nquoted: '${HOST}'\nport: ${PORT}"
    found = yamlfile.load(text, environment={"HOST": "example.org", "PORT": "5055"})
    assert found == {"url": "http://example.org:5055/", "quoted": "${HOST}", "port": "5055"}
    assert yamlfile.load(text)["port"] == "${PORT}"


def test_a_missing_environment_variable_is_named():
    with pytest.raises(DataError, match=r"'PASSWORD' is not set.*line 2"):
        yamlfile.load("a: 1\nb: ${PASSWORD}", environment={})


def test_a_file_that_can_not_be_read_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match=r"can't be read.*missing\.yml"):
        yamlfile.load_file(tmp_path / "missing.yml")
    with pytest.raises(DataError, match="can't be read"):
        yamlfile.load_file("no\0name")


def test_a_file_is_read_as_utf_8(tmp_path):
    path = tmp_path / "f.yml"
    path.write_bytes("a: grüße 😀\n".encode())
    assert yamlfile.load_file(path) == {"a": "grüße 😀"}


@settings(deadline=None)
@given(st.text() | st.binary())
def test_any_text_is_read_or_refused_with_a_data_error(text):
    try:
        yamlfile.load_with_lines(text, "f.yml")
    except DataError as error:
        assert error.file == "f.yml"
