"""Templates filled as Rasa 3.6's interpolator fills them, and the few texts on which it breaks."""

from __future__ import annotations

import pytest

from botapi.actions.templates import fill, prepare

VARIABLES = {
    "name": "Ann",
    "qty": 2.5,
    "none": None,
    "yes": True,
    "tags": ["a", "b"],
    "braces": "{name}",
    "a b": "space",
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("", ""),
        ("Hi {name}!", "Hi Ann!"),
        ("{qty} of {tags}: {none} {yes}", "2.5 of ['a', 'b']: None True"),
        ("{a b}", "space"),
        ("{name}{name}", "AnnAnn"),
        ("100% {name} %s %(name)s", "100% Ann %s %(name)s"),
        ("{braces}", "{name}"),
        ("{{name}}", "{name}"),
        ("{{{name}}}", "{Ann}"),
        ('/inform{{"size": "small"}}', '/inform{"size": "small"}'),
        ('/inform{{"size": "{name}"}}', '/inform{"size": "Ann"}'),
        ("{{}} {name}", "{} Ann"),
        ("}} {{", "} {"),
        ("Keep {{this}} and {unknown} as they are", "Keep {{this}} and {unknown} as they are"),
        ("{name} and {unknown}", "{name} and {unknown}"),
        # Rasa gives up on placeholders beside names in double braces.
        ("{name} and {{this}}", "{name} and {{this}}"),
        ('{"a": 1}', '{"a": 1}'),
        ("{name.x}", "{name.x}"),
        ("{name!r}", "{name!r}"),
        ("{name[0]}", "{name[0]}"),
        ("{two\nlines} {{", "{two\nlines} {{"),
    ],
)
def test_texts_are_filled_as_in_the_reference(template, text):
    assert fill(prepare(template), VARIABLES) == text


@pytest.mark.parametrize("template", ["one { brace", "one } brace", "{name", "{{name}", "{name}}", "{} {name}"])
def test_texts_on_which_the_reference_breaks_are_sent_as_they_stand(template):
    assert fill(prepare(template), VARIABLES) == template


def test_a_missing_variable_is_logged(caplog):
    fill(prepare("Hi {nobody}"), VARIABLES)
    assert "{nobody}" in caplog.text and "'Hi {nobody}'" in caplog.text


def test_a_number_too_long_to_show_is_logged(caplog):
    assert fill(prepare("{n}"), {"n": 10**5000}) == "{n}"
    assert "can't be shown" in caplog.text


def test_nested_values_are_filled_and_fresh():
    raw = {"kind": "x", "list": ["one {name}", 7, ["{name}", {"deep {name}": "{name}"}]], "none": None}
    prepared = prepare(raw)
    first, second = fill(prepared, VARIABLES), fill(prepared, VARIABLES)
    assert first == {"kind": "x", "list": ["one Ann", 7, ["Ann", {"deep {name}": "Ann"}]], "none": None}
    first["list"].append("changed")
    assert second != first
    assert raw["list"][0] == "one {name}"


def test_without_placeholders_braces_stay():
    assert fill(prepare({"title": ["{name} {{x}}"]}, with_placeholders=False), VARIABLES) == {"title": ["{name} {{x}}"]}


def test_json_in_a_payload_is_sent_without_a_warning(caplog):
    payload = '/inform{"cuisine": "thai"}'
    assert fill(prepare(payload), {"name": "Ann"}) == payload
    assert fill(prepare("{nobody}"), {"name": "Ann"}) == "{nobody}"
    assert [record.args[0] for record in caplog.records] == ["nobody"]
