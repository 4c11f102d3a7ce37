"""Entities of a Duckling server and of components of one's own, from a message to the slot and back out of the API."""

from __future__ import annotations

import json

import pytest

from botapi.agent.agent import Agent
from botapi.data.project import read_text
from botapi.training.train import train
from botapi.wsgi import create_app
from tests.nlu.ducklingserver import RECORDED, duckling_server
from tests.smallbot import PROJECT
from tests.strict import client

DUCKLING = "  - name: DucklingEntityExtractor\n    url: {url}\n    dimensions: [duration]\n"
SLOT = "slots:\n  duration:\n    type: any\n    mappings:\n      - type: from_entity\n        entity: duration\n"
MINUTES = next(one for one in RECORDED if one["text"] == "90 minutes")


@pytest.fixture
def duckling():
    with duckling_server() as running:
        yield running


@pytest.fixture
def app(duckling, tmp_path, monkeypatch):
    """A client of a bot that asks the Duckling server."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RASA_DUCKLING_HTTP_URL", raising=False)
    added = DUCKLING.format(url=duckling.url)
    (tmp_path / "config.yml").write_text(f"pipeline:\n{added}")
    project = PROJECT.replace("policies:\n", f"{added}policies:\n")
    project = project.replace("slots:\n", SLOT).replace("  - item\n", "  - item\n  - duration\n")
    served = Agent()
    served.load_model(train(read_text(project), tmp_path / "models").path)
    server = create_app(served)
    yield client(server)
    server.close()


def test_what_duckling_finds_fills_slots_and_can_be_put_back(app):
    assert app.post_json("/model/parse", {"text": MINUTES["text"]}).json["entities"] == MINUTES["entities"]
    app.post_json("/webhooks/rest/webhook", {"sender": "a", "message": MINUTES["text"]})
    tracker = app.get("/conversations/a/tracker").json
    assert tracker["slots"]["duration"] == 90
    assert tracker["latest_message"]["entities"] == MINUTES["entities"]
    again = app.put_json("/conversations/b/tracker/events", tracker["events"]).json
    assert again["latest_message"]["entities"] == MINUTES["entities"]


def test_messages_are_answered_without_duckling(app, duckling):
    duckling.status = 503
    answer = app.post_json("/webhooks/rest/webhook", {"sender": "a", "message": "hello"}).json
    assert [one["text"] for one in answer] == ["Hello there."]
    assert app.post_json("/model/parse", {"text": MINUTES["text"]}).json["entities"] == []


def test_a_model_that_asks_a_server_which_is_not_named_here_is_not_swapped_in(app, tmp_path):
    model = next((tmp_path / "models").iterdir())
    (tmp_path / "config.yml").write_text("pipeline: []")
    found = app.put_json("/model", {"model_file": str(model)}, status=400).json
    assert "The Duckling server" in json.dumps(found) and "is not used, because config.yml" in json.dumps(found)
    assert app.post_json("/model/parse", {"text": MINUTES["text"]}).json["entities"] == MINUTES["entities"]


def test_entities_without_a_confidence_can_be_put_into_a_conversation(app):
    """As those of SpacyEntityExtractor are, which says null."""
    place = {"entity": "item", "value": "Oslo", "start": 0, "end": 4}
    entities = [{**place, "confidence": None, "extractor": "SpacyEntityExtractor"}]
    event = {"event": "user", "text": "Oslo", "parse_data": {"intent": {"name": "order"}, "entities": entities}}
    app.post_json("/conversations/a/tracker/events", event)
    assert app.get("/conversations/a/tracker").json["latest_message"]["entities"] == entities


def test_a_component_of_ones_own_that_fails_is_a_500_with_the_error_object(tmp_path, monkeypatch, caplog):
    (tmp_path / "fragile.py").write_text(
        "from botapi.nlu.keywords import KeywordIntentClassifier\n\n\n"
        "class Fragile(KeywordIntentClassifier):\n"
        "    def process(self, message):\n"
        "        1 / (message.text != 'secret')\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "config.yml").write_text("pipeline: [{name: fragile.Fragile}]")
    served = Agent()
    served.load_model(
        train(read_text(PROJECT.replace("policies:\n", "  - name: fragile.Fragile\npolicies:\n")), tmp_path).path
    )
    server = create_app(served)
    found = client(server).post_json("/model/parse", {"text": "secret"}, status=500).json
    assert (found["status"], found["code"]) == ("failure", 500)
    assert "ZeroDivisionError" in caplog.text and "ZeroDivisionError" not in json.dumps(found)
    server.close()
