"""`POST /model/test/…`: stories or examples in; the report, now or later, or one sentence about what is wrong, out."""

from __future__ import annotations

import json
from functools import cache
from tempfile import mkdtemp

import pytest

from botapi.agent.agent import Agent
from botapi.data.project import read_text
from botapi.training.train import train
from botapi.wsgi import create_app
from tests.channels.receiver import receiver
from tests.smallbot import PROJECT, agent, archive
from tests.strict import client

YAML = {"Content-Type": "application/x-yaml"}
STORIES = """
stories:
- story: as it should be
  steps:
  - user: hello
    intent: greet
  - action: utter_greet
- story: another answer, and not understood
  steps:
  - user: dunno
    intent: bye
  - action: utter_greet
"""
EXAMPLES = """
nlu:
- intent: greet
  examples: |
    - hello
    - hi
- intent: bye
  examples: |
    - bye
    - hello there
"""
JSON_EXAMPLES = {
    "rasa_nlu_data": {
        "common_examples": [{"text": "hello", "intent": "greet"}, {"text": "hello there", "intent": "bye"}]
    }
}


@cache
def core_archive():
    return train(read_text(PROJECT), mkdtemp(prefix="halfbot-"), kind="core").path


@pytest.fixture
def core():
    """A client of a server whose model only holds dialogues."""
    found = Agent()
    found.load_model(core_archive())
    server = create_app(found)
    yield client(server)
    server.close()


@pytest.fixture
def calling():
    """A client of a server that may post to this machine."""
    server = create_app(agent(), endpoints={"outbound": {"allow": ["127.0.0.1"]}})
    yield client(server)
    server.close()


def test_stories_are_reported_with_each_prediction(app):
    found = app.post("/model/test/stories", STORIES).json
    report = found.pop("report")
    assert found.pop("actions") == [
        {"action": "utter_greet", "predicted": "utter_greet", "policy": "RulePolicy", "confidence": 1.0},
        {"action": "action_listen", "predicted": "action_listen", "policy": "RulePolicy", "confidence": 1.0},
        {"action": "utter_greet", "predicted": "utter_bye", "policy": "RulePolicy", "confidence": 1.0},
        {"action": "action_listen", "predicted": "action_default_fallback", "policy": "RulePolicy", "confidence": 0.3},
    ]
    assert report["utter_greet"] == {"precision": 1.0, "recall": 0.5, "f1-score": pytest.approx(2 / 3), "support": 2}
    assert set(report) == {"utter_greet", "action_listen", "accuracy", "micro avg", "macro avg", "weighted avg"}
    assert found == {
        "precision": 1.0,
        "f1": pytest.approx(2 / 3),
        "accuracy": 0.5,
        "in_training_data_fraction": 0.75,
        "is_end_to_end_evaluation": False,
    }


def test_with_e2e_messages_have_to_be_understood(app):
    found = app.post("/model/test/stories?e2e=true", STORIES).json
    assert found["is_end_to_end_evaluation"] is True
    assert (found["report"]["greet"]["recall"], found["report"]["bye"]["recall"]) == (1.0, 0.0)


def test_testing_stores_no_conversation(server, app):
    app.post("/model/test/stories", STORIES)
    assert server.api.agent.tracker_store.page(None, 1) == []


def test_no_stories_are_an_empty_report(app):
    found = app.post("/model/test/stories", "other: 1").json
    assert (found["report"], found["actions"], found["accuracy"]) == ({}, [], 0.0)


@pytest.mark.parametrize("path", ["/model/test/stories", "/model/test/intents"])
def test_without_a_body_they_say_what_is_missing(app, path):
    found = app.post(path, status=400).json
    assert found["reason"] == "BadRequest"
    assert found["message"].startswith("You must provide some")


def test_the_older_path_gives_the_report_as_text(app):
    found = app.post("/evaluate", STORIES).json
    same = app.post("/model/test/stories", STORIES).json
    report = found.pop("report")
    assert found == {key: value for key, value in same.items() if key != "report"}
    assert report.splitlines()[0].split() == ["precision", "recall", "f1-score", "support"]
    assert any(line.split() == ["utter_greet", "1.000", "0.500", "0.667", "2"] for line in report.splitlines())
    assert app.post("/evaluate?e2e=true", STORIES).json["is_end_to_end_evaluation"] is True


@pytest.mark.parametrize(
    "body, why",
    [
        pytest.param("", "You must provide some stories", id="nothing"),
        pytest.param("## happy path\n* greet\n  - utter_greet\n", "The stories are Markdown", id="Markdown"),
        pytest.param("stories: [", "request body", id="broken YAML"),
    ],
)
def test_what_the_older_path_can_not_evaluate_is_a_failed_evaluation(app, body, why):
    found = app.post("/evaluate", body, status=400).json
    assert found["reason"] == "FailedEvaluation"
    assert why in found["message"]


def test_without_a_model_stories_are_a_conflict(empty):
    for path in ("/model/test/stories", "/evaluate"):
        assert empty.post(path, status=409).json["reason"] == "Conflict"


def test_without_a_model_examples_are_a_conflict_but_bad_ones_are_bad(empty):
    assert empty.post_json("/model/test/intents", JSON_EXAMPLES, status=409).json["reason"] == "Conflict"
    assert empty.post("/model/test/intents", status=400).json["reason"] == "BadRequest"


def test_a_model_of_dialogues_alone_understands_nothing(core):
    assert "only holds dialogues" in core.post_json("/model/test/intents", JSON_EXAMPLES, status=409).json["message"]
    assert core.post("/model/test/stories", STORIES).json["accuracy"] == 0.5


@pytest.mark.parametrize(
    "body, headers",
    [pytest.param(EXAMPLES, YAML, id="YAML"), pytest.param(json.dumps(JSON_EXAMPLES), {}, id="JSON")],
)
def test_examples_are_evaluated(app, body, headers):
    found = app.post("/model/test/intents", body, headers=headers).json
    assert found["entity_evaluation"] is None and found["response_selection_evaluation"] is None
    intents = found["intent_evaluation"]
    assert set(intents) == {"report", "precision", "f1_score", "accuracy", "predictions", "errors"}
    wrong = {"text": "hello there", "intent": "bye", "intent_prediction": {"name": "greet", "confidence": 1.0}}
    assert intents["errors"] == [wrong]
    assert intents["predictions"][0] == {"text": "hello", "intent": "greet", "predicted": "greet", "confidence": 1.0}
    assert intents["report"]["bye"]["confused_with"] == {"greet": 1}
    # All answers are certain.
    assert intents["report"]["expected_calibration_error"] == 1 - intents["accuracy"]
    assert 0 < intents["f1_score"] < 1


def test_another_model_may_be_named(empty, tmp_path, monkeypatch):
    empty.put_json("/model", {"model_file": "nowhere"}, status=400)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "one.tar.gz").write_bytes(archive().read_bytes())
    for name in ("models", "models/one.tar.gz"):
        found = empty.post_json(f"/model/test/intents?model={name}", JSON_EXAMPLES).json
        assert found["intent_evaluation"]["accuracy"] == 0.5


@pytest.mark.parametrize("name", ["nowhere", "/etc/passwd", ".."])
def test_a_model_that_is_not_there_is_400(app, name):
    found = app.post_json(f"/model/test/intents?model={name}", JSON_EXAMPLES, status=400).json
    assert found["details"] == {"parameter": "model", "in": "query"}


def test_a_file_that_was_replaced_is_not_tested_as_the_loaded_model(tmp_path):
    path = tmp_path / "bot.tar.gz"
    path.write_bytes(archive().read_bytes())
    loaded = Agent()
    loaded.load_model(path)
    path.write_bytes(core_archive().read_bytes())
    server = create_app(loaded)
    found = client(server).post("/model/test/stories", STORIES, status=409).json
    server.close()
    assert "is not the model that is loaded" in found["message"]


def test_folds_train_and_test_a_configuration(empty):
    found = empty.post("/model/test/intents?cross_validation_folds=2", PROJECT, headers=YAML).json
    keys = {"report", "precision", "f1_score", "errors"}
    assert {name: set(part) for name, part in found.items()} == {
        "intent_evaluation": keys,
        "entity_evaluation": keys,
        "response_selection_evaluation": keys,
    }
    assert found["intent_evaluation"]["report"]["weighted avg"]["support"] == 6
    assert found["intent_evaluation"]["f1_score"] == found["intent_evaluation"]["report"]["weighted avg"]["f1-score"]
    assert found["entity_evaluation"] == {"report": {}, "precision": None, "f1_score": None, "errors": []}


@pytest.mark.parametrize("folds", ["x", "1", "-2", "101", "2.5"])
def test_a_senseless_number_of_folds_is_400(app, folds):
    found = app.post(f"/model/test/intents?cross_validation_folds={folds}", PROJECT, headers=YAML, status=400).json
    assert found["details"] == {"parameter": "cross_validation_folds", "in": "query"}


def test_more_folds_than_examples_are_400(app):
    found = app.post("/model/test/intents?cross_validation_folds=3", PROJECT, headers=YAML, status=400).json
    assert "the most frequent intent has 2 examples" in found["message"]


def test_folds_of_json_are_refused(app):
    found = app.post_json("/model/test/intents?cross_validation_folds=2", JSON_EXAMPLES, status=400).json
    assert (found["reason"], found["code"]) == ("TestingError", 400)
    assert found["message"].startswith("Cross-validation is only supported for YAML data.")


def test_a_configuration_that_does_not_work_is_the_callers_fault(app):
    body = PROJECT.replace("KeywordIntentClassifier", "NoSuchThing")
    found = app.post("/model/test/intents?cross_validation_folds=2", body, headers=YAML, status=400).json
    assert found["reason"] == "TestingError"
    assert "NoSuchThing" in found["message"]


@pytest.mark.parametrize(
    "path, body, headers",
    [
        pytest.param("stories", "stories: [", {}, id="broken YAML"),
        pytest.param("stories", "just text", {}, id="no keys"),
        pytest.param("stories", b"a: \xff", {}, id="no UTF-8"),
        pytest.param("stories", "stories: [{story: x, steps: [{dance: y}]}]", {}, id="unknown step"),
        pytest.param("intents", "nlu: [", YAML, id="broken examples"),
        pytest.param("intents", "nlu: [{intent: a, examples: 5}]", YAML, id="wrong examples"),
        pytest.param("intents", EXAMPLES, {"Content-Type": "text/plain"}, id="YAML by another name"),
        pytest.param("intents", EXAMPLES, {"Content-Type": "application/x-yaml; charset=utf-8"}, id="more than YAML"),
        pytest.param("intents", '{"a": 1}', {}, id="another JSON"),
        pytest.param("intents", '{"rasa_nlu_data": {"common_examples": [{"intent": "a"}]}}', {}, id="no text"),
    ],
)
def test_bad_documents_are_400_and_say_why(app, path, body, headers):
    found = app.post(f"/model/test/{path}", body, headers=headers, status=400).json
    assert found["reason"] == "BadRequest"
    assert found["message"]


def test_a_callback_url_gets_the_report_later(calling):
    with receiver() as there:
        for path, body in (("stories", STORIES), ("intents", json.dumps(JSON_EXAMPLES))):
            calling.post(f"/model/test/{path}?callback_url={there.url}/{path}", body, status=204)
            where, _, found = there.next(timeout_s=60)
            assert where == f"/{path}"
            assert "report" in found or "report" in found["intent_evaluation"]
        calling.post(f"/model/test/intents?callback_url={there.url}", status=204)
        assert there.next()[2]["reason"] == "BadRequest"
