"""The domain from files: one, several, folders; faults name the file they are in."""

from __future__ import annotations

import pytest

from botapi.data import domain
from botapi.errors import DataError


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_one_file(tmp_path):
    write(tmp_path, {"domain.yml": "intents: [greet]"})
    assert "greet" in domain.load(tmp_path / "domain.yml").intents


def test_a_folder_is_merged_from_all_files_that_hold_a_part(tmp_path, caplog):
    write(
        tmp_path,
        {
            "a.yml": "intents: [greet]\nresponses:\n  utter_x: [{text: first}]",
            "sub/b.yaml": "intents: [bye, greet]\nresponses:\n  utter_x: [{text: second}]",
            "stories.yml": "stories: []",
            "notes.txt": "intents: [no]",
            ".hidden.yml": "intents: [no]",
            ".git/c.yml": "intents: [no]",
        },
    )
    found = domain.load(tmp_path)
    assert {"greet", "bye"} <= set(found.intents) and "no" not in found.intents
    assert found.responses == {"utter_x": [{"text": "first"}]}
    assert "define the same intents; the first one counts: greet" in caplog.text
    assert "define the same responses; the first one counts: utter_x" in caplog.text


def test_several_paths(tmp_path):
    write(tmp_path, {"a.yml": "intents: [a]", "more/b.yml": "entities: [b]", "empty.yml": ""})
    found = domain.load([tmp_path / "a.yml", tmp_path / "more", tmp_path / "empty.yml"])
    assert "a" in found.intents and found.entities == ["b"]


def test_a_link_in_a_circle_is_followed_once(tmp_path):
    write(tmp_path, {"domain/a.yml": "intents: [a]"})
    (tmp_path / "domain" / "again").symlink_to(tmp_path / "domain")
    assert [path.name for path in domain.yaml_files(tmp_path / "domain")] == ["a.yml"]


def test_a_missing_path_is_named(tmp_path):
    with pytest.raises(DataError, match=r"not there.*nowhere\.yml"):
        domain.load(tmp_path / "nowhere.yml")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("intents:\n- a\n- a", 3),
        ("slots:\n  s:\n    type: magic\n    mappings: []", 3),
        ("intents: [", 1),
        ("- a", None),
    ],
)
def test_a_fault_names_the_file_among_several(tmp_path, text, line):
    write(tmp_path, {"domain/a.yml": "intents: [x]", "domain/b.yml": text if line else "intents: 5"})
    with pytest.raises(DataError) as caught:
        domain.load(tmp_path / "domain")
    assert caught.value.file == str(tmp_path / "domain" / "b.yml")
    assert caught.value.line == (line or 1)
