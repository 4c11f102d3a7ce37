"""Real trainings in the child process: a model that opens, and errors that say what is wrong where."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from botapi import model
from botapi.jobs.job import Job, JobError
from botapi.jobs.local import LocalRunner
from tests.jobs.programs import child

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


def begun(runner: LocalRunner, task: str, document: bytes, options: dict[str, Any]) -> Job:
    return runner.submit(task, lambda path: path.write_bytes(document), child(options))


def train(runner: LocalRunner, document: bytes, out_dir: Path, **options: Any) -> Path:
    job = begun(runner, "train", document, {"out_dir": str(out_dir), "options": options})
    path = job.wait(60)
    assert path is not None
    return path


def evaluate(runner: LocalRunner, task: str, document: bytes, options: dict[str, Any]) -> dict[str, Any]:
    path = begun(runner, task, document, options).wait(60)
    assert path is not None
    return json.loads(path.read_bytes())


def test_trained_model_opens(runner: LocalRunner, tmp_path: Path) -> None:
    path = train(runner, PROJECT.encode(), tmp_path, fixed_name="bot")
    archive = model.open_model(path)
    assert path == tmp_path / "bot.tar.gz"
    assert (archive.metadata.kind, archive.metadata.assistant_id) == ("full", "child-test")
    assert archive.json("domain.json")["intents"][0] in ("greet", {"greet": {"use_entities": True}}, "bye")


def test_what_the_configuration_of_the_server_names_is_found(
    runner: LocalRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A class in the bot's folder, by the configuration there; and no module of that folder in place of ours."""
    component = (
        "from botapi.nlu.keywords import KeywordIntentClassifier\n\n\nclass Words(KeywordIntentClassifier):\n    pass\n"
    )
    (tmp_path / "jobcomponents.py").write_text(component)
    (tmp_path / "middleware.py").write_text("1 / 0")
    (tmp_path / "config.yml").write_text("pipeline: [{name: jobcomponents.Words}]")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    project = PROJECT.replace("KeywordIntentClassifier", "jobcomponents.Words")
    archive = model.open_model(train(runner, project.encode(), tmp_path / "models"))
    assert "nlu/01-Words/keywords.json" in archive.members
    (tmp_path / "config.yml").write_text("pipeline: []")
    with pytest.raises(JobError, match="'jobcomponents.Words' is not used, because config.yml") as raised:
        train(runner, project.encode(), tmp_path / "others")
    assert raised.value.status == 400


def test_unchanged_project_gives_the_old_model(runner: LocalRunner, tmp_path: Path) -> None:
    first = train(runner, PROJECT.encode(), tmp_path)
    model_id = model.open_model(first).metadata.model_id
    assert train(runner, PROJECT.encode(), tmp_path) == first
    assert model.open_model(first).metadata.model_id == model_id


def test_log_tells_what_was_done_without_secrets(
    runner: LocalRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "a-secret-folder")
    job = begun(
        runner, "train", PROJECT.encode(), {"out_dir": str(tmp_path / "a-secret-folder"), "options": {"force": True}}
    )
    job.wait(60)
    assert any("RulePolicy" in line for line in job.log)
    assert "saved at" in job.log[-1] and "/***/" in job.log[-1]


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
        train(runner, yaml, tmp_path)
    assert caught.value.status == 400
    assert list(tmp_path.iterdir()) == []


def test_unknown_component_is_named_and_the_callers_fault(runner: LocalRunner, tmp_path: Path) -> None:
    with pytest.raises(JobError, match="NoSuchThing") as caught:
        train(runner, PROJECT.replace("KeywordIntentClassifier", "NoSuchThing").encode(), tmp_path)
    assert (caught.value.status, caught.value.reason) == (400, "TrainingError")


STORIES = b"stories: [{story: x, steps: [{user: hello, intent: greet}, {action: utter_greet}]}]"
EXAMPLES = b"nlu: [{intent: greet, examples: '- hello'}, {intent: bye, examples: '- goodbye'}]"
JSON_EXAMPLES = (
    b'{"rasa_nlu_data": {"common_examples": [{"text": "hi", "intent": "greet"}, {"text": "x", "intent": "bye"}]}}'
)


@pytest.fixture(scope="module")
def trained(runner: LocalRunner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(runner, PROJECT.encode(), tmp_path_factory.mktemp("trained"))


def test_models_are_tested(runner: LocalRunner, trained: Path) -> None:
    which = {"model": str(trained.parent), "model_id": model.open_model(trained).metadata.model_id, "report": "json"}
    told = evaluate(runner, "test_stories", STORIES, {**which, "e2e": True})
    assert (told["accuracy"], told["is_end_to_end_evaluation"]) == (1.0, True)
    for document, is_json, accuracy in ((EXAMPLES, False, 1.0), (JSON_EXAMPLES, True, 0.5)):
        found = evaluate(runner, "test_intents", document, {**which, "is_json": is_json})
        assert found["intent_evaluation"]["accuracy"] == accuracy


def test_markdown_is_named_as_such(runner: LocalRunner, trained: Path) -> None:
    which = {"model": str(trained), "model_id": None, "e2e": False}
    with pytest.raises(JobError, match="The stories are Markdown") as caught:
        evaluate(runner, "test_stories", b"## happy path\n* greet\n  - utter_greet\n", which)
    assert caught.value.status == 400


def test_configurations_are_cross_validated(runner: LocalRunner) -> None:
    found = evaluate(runner, "cross_validate", PROJECT.encode(), {"folds": 2})
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
        evaluate(runner, "test_stories", STORIES, request)
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


def test_child_gives_way_to_the_server(tmp_path: Path) -> None:
    with waiting_child(tmp_path) as child:
        assert os.getpriority(os.PRIO_PROCESS, child.pid) == 10
        score = Path(f"/proc/{child.pid}/oom_score_adj")
        assert not score.exists() or score.read_text() == "800\n"


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
