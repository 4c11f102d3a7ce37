"""`/model`: texts, events and paths in; parse data, scores and swapped models out."""

from __future__ import annotations

import shutil

import pytest

from botapi.errors import ModelError
from botapi.web.handlers.model import model_path
from tests.smallbot import archive


def test_parse_tells_intent_and_entities(app):
    found = app.post_json("/model/parse", {"text": '/order{"item": "mug"}'}).json
    assert found["intent"] == {"name": "order", "confidence": 1.0}
    assert [(e["entity"], e["value"]) for e in found["entities"]] == [("item", "mug")]


def test_parse_takes_the_first_of_a_list(app):
    assert app.post_json("/model/parse", {"text": ["hello", "bye"]}).json["text"] == "hello"


@pytest.mark.parametrize("body", [{}, {"text": None}, {"text": 5}, {"text": []}, {"text": [5]}, {"q": "hello"}])
def test_parse_without_a_text_is_400(app, body):
    found = app.post_json("/model/parse", body, status=400).json
    assert found["details"] == {"parameter": "text", "in": "body"}


def test_parse_without_a_body_says_what_is_missing(app):
    assert app.post("/model/parse", status=400).json["message"].startswith("No text message defined")


@pytest.mark.parametrize("body", ["text", "{", "[1]", '"x"', '{"text": "\\ud800"}', '{"text": NaN}'])
def test_parse_of_a_broken_body_is_400(app, body):
    assert app.post("/model/parse", body, status=400).json["reason"] == "BadRequest"


@pytest.mark.parametrize(("mode", "key"), [("WIT", "intents"), ("luis", "prediction"), ("Dialogflow", "queryResult")])
def test_parse_can_answer_as_other_services_do(app, mode, key):
    assert key in app.post_json(f"/model/parse?emulation_mode={mode}", {"text": "hello"}).json


def test_another_emulation_mode_is_400(app):
    found = app.post_json("/model/parse?emulation_mode=x", {"text": "hello"}, status=400).json
    assert found["details"] == {"parameter": "emulation_mode", "in": "query"}


def test_predict_of_events_stores_nothing(server, app):
    events = [
        {"event": "session_started"},
        {"event": "action", "name": "action_listen"},
        {"event": "user", "text": "hello", "parse_data": {"intent": {"name": "greet", "confidence": 1.0}}},
    ]
    found = app.post_json("/model/predict", events).json
    assert found["scores"][0]["action"] == "utter_greet"
    assert found["tracker"]["sender_id"] == "default"
    assert not server.api.agent.exists("default")


def test_predict_of_no_events_is_an_answer(app):
    assert app.post_json("/model/predict", []).json["tracker"]["events"] == []


def test_predict_names_the_body_where_an_event_has_the_form_but_not_the_content(app):
    events = [{"event": "session_started"}, {"event": "user", "text": "x"}]
    found = app.post_json("/model/predict", events, status=400).json
    assert (found["reason"], found["details"]) == ("BadRequest", {"parameter": "", "in": "body"})
    assert app.post_json("/model/predict", [{"name": "x"}], status=400).json["details"] == {}


def test_predict_of_what_is_no_event_is_400(app):
    app.post_json("/model/predict", [{"no": "event"}], status=400)


# --------------------------------------------------------------- load, unload


@pytest.fixture
def folder(server, tmp_path):
    """A folder for models with one archive in it."""
    shutil.copy(archive(), tmp_path / "one.tar.gz")
    server.api.model_folders = (tmp_path,)
    return tmp_path


def test_a_model_can_be_taken_away_and_loaded_again(app, folder):
    assert app.delete("/model").status_int == 204
    app.get("/status", status=409)
    assert app.put_json("/model", {"model_file": str(folder / "one.tar.gz")}).status_int == 204
    assert app.get("/status").json["model_file"] == "one.tar.gz"


def test_a_folder_means_its_newest_model(app, folder):
    app.put_json("/model", {"model_file": str(folder)})
    assert app.get("/status").json["model_file"] == "one.tar.gz"


def test_conversations_survive_a_swap(app, folder):
    app.post_json("/webhooks/rest/webhook", {"sender": "a", "message": "hello"})
    before = app.get("/conversations/a/tracker").json["events"]
    app.delete("/model")
    app.put_json("/model", {"model_file": str(folder)})
    assert app.get("/conversations/a/tracker").json["events"] == before


@pytest.mark.parametrize(
    "body", [{}, {"model_file": None}, {"model_file": 5}, {"model_file": "nope"}, {"model_file": "a\0b"}]
)
def test_a_path_that_holds_no_model_is_400_and_changes_nothing(app, folder, body):
    body = {**body, "model_file": str(folder / body["model_file"])} if body.get("model_file") == "nope" else body
    before = app.get("/status").json
    found = app.put_json("/model", body, status=400).json
    assert found["reason"] == "BadRequest"
    assert app.get("/status").json == before


def test_a_bad_path_names_the_parameter_as_the_reference_does(app):
    found = app.put_json("/model", {"model_file": "nope"}, status=400).json
    assert found["details"] == {"parameter": "model", "in": "query"}


def test_a_damaged_model_is_400_and_changes_nothing(app, folder):
    (folder / "broken.tar.gz").write_bytes(b"\x1f\x8b nothing")
    before = app.get("/status").json
    app.put_json("/model", {"model_file": str(folder / "broken.tar.gz")}, status=400)
    assert app.get("/status").json == before


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", "/", "."])
def test_files_outside_of_the_folders_for_models_are_not_touched(app, folder, path):
    found = app.put_json("/model", {"model_file": path}, status=400).json
    assert "outside" in found["message"]


def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path):
    inside = tmp_path / "models"
    inside.mkdir()
    (tmp_path / "secret.tar.gz").write_bytes(b"x")
    (inside / "link.tar.gz").symlink_to(tmp_path / "secret.tar.gz")
    with pytest.raises(ModelError, match="outside"):
        model_path(str(inside / "link.tar.gz"), (inside,))


def test_no_body_is_400(app):
    assert app.put("/model", status=400).json["message"] == "No path to model file defined in request_body."
