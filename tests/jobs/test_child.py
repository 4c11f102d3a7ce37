"""Real trainings in the child process: a model that opens, and errors that say what is wrong where."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from botapi import model
from botapi.jobs.local import JobError, LocalRunner

PROJECT = """\
version: "3.1"
language: en
assistant_id: child-test
pipeline:
- name: WhitespaceTokenizer
- name: KeywordIntentClassifier
policies:
- name: RulePolicy
intents: [greet, bye]
responses:
  utter_greet:
  - text: Hello!
nlu:
- intent: greet
  examples: |
    - hello
    - hi
- intent: bye
  examples: |
    - goodbye
    - see you
rules:
- rule: greet back
  steps:
  - intent: greet
  - action: utter_greet
"""


@pytest.fixture(scope="module")
def runner() -> Iterator[LocalRunner]:
    made = LocalRunner()
    yield made
    made.close()


def test_trained_model_opens(runner: LocalRunner, tmp_path: Path) -> None:
    path = runner.train(PROJECT.encode(), {"fixed_name": "bot"}, tmp_path)
    archive = model.open_model(path)
    assert path == tmp_path / "bot.tar.gz"
    assert (archive.metadata.kind, archive.metadata.assistant_id) == ("full", "child-test")
    assert archive.json("domain.json")["intents"][0] in ("greet", {"greet": {"use_entities": True}}, "bye")


def test_unchanged_project_gives_the_old_model(runner: LocalRunner, tmp_path: Path) -> None:
    first = runner.train(PROJECT.encode(), {}, tmp_path)
    model_id = model.open_model(first).metadata.model_id
    assert runner.train(PROJECT.encode(), {}, tmp_path) == first
    assert model.open_model(first).metadata.model_id == model_id


@pytest.mark.parametrize(
    ("yaml", "why"),
    [
        pytest.param(b"nlu: [", "request body, line", id="no YAML"),
        pytest.param(b"- 7", "request body", id="no mapping"),
        pytest.param(b"pipeline: []\n", "no NLU examples", id="nothing to train on"),
        pytest.param(b"\xff\xfe\x00", "request body", id="no text"),
    ],
)
def test_bad_document_is_the_callers_fault(runner: LocalRunner, tmp_path: Path, yaml: bytes, why: str) -> None:
    with pytest.raises(JobError, match=why) as caught:
        runner.train(yaml, {}, tmp_path)
    assert caught.value.status == 400
    assert list(tmp_path.iterdir()) == []


def test_unknown_component_is_named(runner: LocalRunner, tmp_path: Path) -> None:
    with pytest.raises(JobError, match="NoSuchThing"):
        runner.train(PROJECT.replace("KeywordIntentClassifier", "NoSuchThing").encode(), {}, tmp_path)


STORIES = b"stories: [{story: x, steps: [{user: hello, intent: greet}, {action: utter_greet}]}]"
EXAMPLES = b"nlu: [{intent: greet, examples: '- hello'}, {intent: bye, examples: '- goodbye'}]"
JSON_EXAMPLES = (
    b'{"rasa_nlu_data": {"common_examples": [{"text": "hi", "intent": "greet"}, {"text": "x", "intent": "bye"}]}}'
)


@pytest.fixture(scope="module")
def trained(runner: LocalRunner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return runner.train(PROJECT.encode(), {}, tmp_path_factory.mktemp("trained"))


def test_models_are_tested(runner: LocalRunner, trained: Path) -> None:
    which = {"model": str(trained.parent), "model_id": model.open_model(trained).metadata.model_id}
    told = runner.evaluate("test_stories", STORIES, {**which, "e2e": True})
    assert (told["accuracy"], told["is_end_to_end_evaluation"]) == (1.0, True)
    for document, is_json, accuracy in ((EXAMPLES, False, 1.0), (JSON_EXAMPLES, True, 0.5)):
        found = runner.evaluate("test_intents", document, {**which, "is_json": is_json})
        assert found["intent_evaluation"]["accuracy"] == accuracy


def test_configurations_are_cross_validated(runner: LocalRunner) -> None:
    found = runner.evaluate("cross_validate", PROJECT.encode(), {"folds": 2})
    assert found["intent_evaluation"]["report"]["weighted avg"]["support"] == 4


@pytest.mark.parametrize(
    ("model_name", "model_id", "status", "why"),
    [
        pytest.param("nowhere.tar.gz", None, 400, "nowhere", id="no model"),
        pytest.param("", "0" * 32, 409, "is not the model that is loaded", id="another model"),
    ],
)
def test_another_model_than_expected_is_told(
    runner: LocalRunner, trained: Path, model_name: str, model_id: str | None, status: int, why: str
) -> None:
    request = {"model": str(trained.parent / model_name), "model_id": model_id, "e2e": False}
    with pytest.raises(JobError, match=why) as caught:
        runner.evaluate("test_stories", STORIES, request)
    assert caught.value.status == status


@contextmanager
def waiting_child(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child that has begun, and waits for a request that never comes."""
    root = Path(__file__).resolve().parents[2]
    os.mkfifo(folder / "request.json")
    command = [sys.executable, "-m", "botapi.jobs.child", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=root) as child, open(folder / "request.json", "w"):
        yield child
        child.kill()


def test_child_ends_when_the_server_is_gone(tmp_path: Path) -> None:
    with waiting_child(tmp_path) as child:
        assert child.poll() is None
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(20) == 75


def test_sigterm_is_an_exit_that_cleans_up(tmp_path: Path) -> None:
    with waiting_child(tmp_path) as child:
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 128 + signal.SIGTERM
    assert not (tmp_path / "result.json").exists()
