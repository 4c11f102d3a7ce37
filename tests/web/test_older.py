"""Paths of rasa_core 0.12 and 0.14: requests as their clients send them in; answers in their shapes out."""

from __future__ import annotations

import pytest

ASKED = [("GET", "?query=hello"), ("GET", "?q=hello"), ("POST", {"query": "hello"}), ("POST", {"q": "hello"})]


@pytest.mark.parametrize(("method", "given"), ASKED)
def test_respond_takes_query_or_q_and_answers_with_messages(app, method, given):
    path = "/conversations/a/respond"
    found = app.get(path + given) if method == "GET" else app.post_json(path, given)
    assert found.json == [{"recipient_id": "a", "text": "Hello there."}]
    tracker = app.get("/conversations/a/tracker").json
    assert (tracker["latest_message"]["text"], tracker["latest_input_channel"]) == ("hello", None)


def test_respond_splits_text_at_blank_lines(app):
    texts = [message["text"] for message in app.get("/conversations/a/respond?q=bye").json]
    assert texts == ["So long.", "Come again."]


def test_respond_reads_json_whatever_the_content_type_says(app):
    body = '{"q": "hello"}'
    found = app.post("/conversations/a/respond", body, content_type="application/x-www-form-urlencoded")
    assert found.json[0]["text"] == "Hello there."


def test_query_comes_before_q(app):
    assert app.get("/conversations/a/respond?q=bye&query=hello").json[0]["text"] == "Hello there."
    assert app.post_json("/conversations/a/respond", {"q": "bye", "query": "hello"}).json[0]["text"] == "Hello there."


def test_respond_without_a_text_is_400_that_names_it(app):
    assert app.get("/conversations/a/respond", status=400).json["details"] == {"parameter": "query", "in": "query"}
    for body in ({}, {"text": "hello"}, {"q": None}):
        found = app.post_json("/conversations/a/respond", body, status=400).json
        assert found["details"] == {"parameter": "query", "in": "body"}
    assert "5" in app.post_json("/conversations/a/respond", {"q": 5}, status=400).json["message"]
    assert app.get("/conversations").json == []


def test_a_look_with_head_is_no_turn(app):
    app.head("/conversations/a/respond?q=hello")
    assert app.get("/conversations").json == []


def test_predict_scores_all_actions_in_the_order_of_the_domain(server, app):
    parse_data = {"intent": {"name": "greet", "confidence": 1.0}, "entities": []}
    events = [{"event": "action", "name": "action_listen"}, {"event": "user", "text": "hi", "parse_data": parse_data}]
    found = app.post_json("/predict", events).json
    assert set(found) == {"scores", "policy", "tracker"}
    assert [one["action"] for one in found["scores"]] == server.api.agent.bot.domain.action_names
    newer = app.post_json("/model/predict", events).json
    assert sorted(one["action"] for one in found["scores"]) == sorted(one["action"] for one in newer["scores"])
    assert max(found["scores"], key=lambda one: one["score"]) == newer["scores"][0]
    assert newer["scores"][0]["action"] == "utter_greet"
    assert found["tracker"]["sender_id"] == "default"
    assert app.get("/conversations").json == []


def test_predict_takes_include_events_and_refuses_what_is_no_list(app):
    assert app.post_json("/predict?include_events=NONE", []).json["tracker"]["events"] is None
    assert app.post_json("/predict", {"event": "restart"}, status=400).json["details"] == {
        "parameter": "",
        "in": "body",
    }
    app.post_json("/predict?include_events=x", [], status=400)


def test_parse_takes_q(app):
    assert app.post_json("/parse", {"q": "hello"}).json == app.post_json("/model/parse", {"text": "hello"}).json
    for body in ({}, {"text": "hello"}, {"q": ["hello"]}):
        assert app.post_json("/parse", body, status=400).json["details"] == {"parameter": "q", "in": "body"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/conversations/a/respond?q=x"),
        ("POST", "/conversations/a/respond"),
        ("POST", "/predict"),
        ("POST", "/parse"),
    ],
)
def test_without_a_model_they_are_409(empty, method, path):
    assert empty.request(path, method=method, status=409).json["reason"] == "Conflict"
