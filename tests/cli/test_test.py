"""`botapi test`: a trained bot, stories and examples in; exit codes, a table, and files with what went wrong out."""

from __future__ import annotations

import json

import pytest

from botapi.cli.main import main
from botapi.data import stories
from tests.projects import NLU, write

GOOD = """
stories:
- story: good
  steps:
  - user: hello
    intent: greet
  - action: utter_greet
"""
BAD = """
stories:
- story: bad
  steps:
  - user: hello
    intent: bye
  - action: utter_greet
"""


@pytest.fixture
def folder(small, monkeypatch):
    monkeypatch.chdir(small)
    write(small, {"tests/test_stories.yml": GOOD})
    return small


def report(folder, name):
    return json.loads((folder / "results" / name).read_text())


def test_it_tests_stories_and_examples(folder, capsys):
    assert main(["test"]) == 0
    out = capsys.readouterr().out
    assert "Stories: 1 of 1 as they are written." in out
    assert "intent: 100.0% right" in out
    assert out.endswith("Reports are in 'results'.\n")
    assert sorted(path.name for path in (folder / "results").iterdir()) == [
        "failed_test_stories.yml",
        "intent_errors.json",
        "intent_report.json",
        "stories_with_warnings.yml",
        "story_report.json",
    ]
    assert report(folder, "story_report.json")["conversation_accuracy"] == {
        "accuracy": 1.0,
        "correct": 1,
        "with_warnings": 0,
        "total": 1,
    }
    assert "greet" in report(folder, "story_report.json"), "messages have to be understood"
    assert report(folder, "intent_report.json")["bye"]["support"] == 2
    error = report(folder, "intent_report.json")["expected_calibration_error"]
    assert f"confidences are {error:.1%} off on average (expected calibration error)" in out


def test_the_starter_bot_passes_its_own_tests(starter, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(starter)
    assert main(["test", "--fail-on-prediction-errors", "--out", str(tmp_path)]) == 0
    assert "Stories: 8 of 8 as they are written." in capsys.readouterr().out


def test_failed_stories_are_told_and_written(folder, capsys):
    write(folder, {"tests/test_bad.yml": BAD})
    assert main(["test", "core", "-s", "tests", "--successes"]) == 0
    out = capsys.readouterr().out
    assert "Stories: 1 of 2 as they are written." in out and "Failed: bad\n" in out
    failed = (folder / "results" / "failed_test_stories.yml").read_text()
    assert "- action: utter_greet  # predicted: utter_bye\n" in failed
    assert [story.name for story in stories.read(failed)] == ["bad"]
    good = (folder / "results" / "successful_test_stories.yml").read_text()
    assert [story.name for story in stories.read(good)] == ["good"]


def test_failed_stories_are_an_exit_code_only_when_asked(folder):
    assert main(["test", "core", "-s", "tests", "--fail-on-prediction-errors", "--e2e"]) == 0
    write(folder, {"tests/test_bad.yml": BAD})
    assert main(["test", "core", "-s", "tests", "--no-errors"]) == 0
    assert main(["test", "core", "-s", "tests", "--fail-on-prediction-errors"]) == 1
    assert main(["test", "core", "-s", "tests", "--fail-on-prediction-errors", "--max-stories", "1"]) == 1


def test_core_alone_tests_stories_of_the_data(folder, capsys):
    write(folder, {"data/stories.yml": GOOD})
    assert main(["test", "core", "--no-errors", "--no-warnings", "--out", "elsewhere"]) == 0
    assert "Stories: 1 of 1" in capsys.readouterr().out
    assert [path.name for path in (folder / "elsewhere").iterdir()] == ["story_report.json"]
    assert "greet" not in json.loads((folder / "elsewhere" / "story_report.json").read_text())


def test_without_test_stories_only_examples_are_tested(folder, capsys):
    (folder / "tests" / "test_stories.yml").unlink()
    (folder / "tests").rmdir()
    assert main(["test"]) == 0
    out = capsys.readouterr().out
    assert "There is no folder 'tests'" in out and "intent: 100.0% right" in out


def test_wrong_examples_are_written(folder, capsys):
    write(folder, {"more.yml": NLU.replace("- hi there", "- see you soon")})
    assert main(["test", "nlu", "--nlu", "more.yml", "--successes"]) == 0
    assert "intent: 75.0% right" in capsys.readouterr().out
    (error,) = report(folder, "intent_errors.json")
    assert (error["text"], error["intent"], error["intent_prediction"]["name"]) == ("see you soon", "greet", "bye")
    assert [one["text"] for one in report(folder, "intent_successes.json")] == ["hello", "bye", "see you"]
    assert not (folder / "results" / "story_report.json").exists()


def test_cross_validation_needs_no_model(folder, capsys):
    (folder / "models").rename(folder / "away")
    assert main(["test", "nlu", "--cross-validation", "-f", "2", "-c", "config.yml", "-d", "domain.yml"]) == 0
    assert report(folder, "intent_report.json")["weighted avg"]["support"] == 4
    assert main(["test", "nlu", "--cross-validation"]) == 1
    assert "5 folds don't fit the data" in capsys.readouterr().err


def test_halves_are_tested_as_far_as_they_go(folder, capsys):
    assert main(["train", "nlu", "--fixed-model-name", "half", "--out", "half"]) == 0
    assert main(["test", "-m", "half"]) == 0
    assert "The model was trained without dialogue, which is not tested." in capsys.readouterr().out
    assert main(["test", "core", "-m", "half"]) == 1
    assert "trained without dialogue" in capsys.readouterr().err


def test_flags_without_effect_are_taken_and_told(folder, capsys):
    assert main(["test", "--no-plot", "--endpoints", "endpoints.yml"]) == 0
    assert "--no-plot has no effect" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, why",
    [
        pytest.param(["-m", "nowhere"], "nowhere", id="model"),
        pytest.param(["-s", "nowhere"], "nowhere", id="stories"),
        pytest.param(["nlu", "-u", "nowhere"], "nowhere", id="examples"),
    ],
)
def test_what_is_not_there_is_told_in_one_sentence(folder, words, why, capsys):
    assert main(["test", *words]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("botapi: ") and why in error
