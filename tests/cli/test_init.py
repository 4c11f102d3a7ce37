"""The starter bot on disk."""

from __future__ import annotations

import pytest

from botapi.cli.init import starter_files
from botapi.cli.main import main
from botapi.data.project import read_folder


def test_it_writes_the_whole_bot(tmp_path, capsys):
    folder = tmp_path / "new" / "bot"
    assert main(["init", "--init-dir", str(folder)]) == 0
    written = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert written == set(starter_files())
    assert {"domain.yml", "config.yml", "data/nlu.yml", "actions/actions.py", "tests/test_stories.yml"} <= written
    assert f"to {folder}." in capsys.readouterr().out


def test_without_prompt_it_writes_into_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["init", "--no-prompt"]) == 0
    assert (tmp_path / "domain.yml").is_file()


def test_it_overwrites_nothing(tmp_path, capsys):
    (tmp_path / "domain.yml").write_text("mine")
    assert main(["init", "--init-dir", str(tmp_path)]) == 1
    assert "domain.yml exists already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["domain.yml"]
    assert (tmp_path / "domain.yml").read_text() == "mine"


def test_at_a_terminal_it_asks_for_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: "  mybot ")
    assert main(["init"]) == 0
    assert (tmp_path / "mybot" / "domain.yml").is_file()


@pytest.fixture
def project(tmp_path):
    main(["init", "--init-dir", str(tmp_path)])
    return read_folder(tmp_path)


def test_the_bot_is_what_its_readme_says(project):
    assert len(project.domain.intents) - 5 == 16  # five belong to every bot
    assert project.domain.forms and project.nlu.examples
    assert any(story.is_rule for story in project.stories) and any(not story.is_rule for story in project.stories)
    assert "action_repair_status" in project.domain.action_names


def test_every_intent_has_ten_examples(project):
    counts = {name: 0 for name in project.nlu.intents}
    for example in project.nlu.examples:
        counts[example.intent] += 1
    assert {name: count for name, count in counts.items() if count < 10} == {}
