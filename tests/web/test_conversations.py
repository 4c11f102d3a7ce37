"""`/conversations/{id}/…`: requests as clients of Rasa send them in; its answers out."""

from __future__ import annotations

import time

import pytest

KEYS = {"version", "status", "message", "reason", "details", "help", "code"}
HELLO = {"text": "hello", "intent": {"name": "greet", "confidence": 1.0}, "entities": []}


def said(app, text, sender="a"):
    return app.post_json("/webhooks/rest/webhook", {"sender": sender, "message": text}).json


def names(tracker):
    return [event.get("name") or event.get("text") or event["event"] for event in tracker["events"]]


# ------------------------------------------------------------------ tracker


def test_get_on_an_unknown_id_shows_how_the_conversation_would_begin(app):
    tracker = app.get("/conversations/new/tracker").json
    assert tracker["sender_id"] == "new"
    assert [e["event"] for e in tracker["events"]] == ["action", "session_started", "action"]
    assert tracker["latest_action_name"] == "action_listen"
    assert app.get("/conversations/new/tracker").json["slots"] == tracker["slots"]


def test_looking_does_not_begin_the_first_session(app):
    app.post_json("/conversations/looked-at/predict", status=404)
    app.get("/conversations/looked-at/tracker")
    app.post_json("/webhooks/rest/webhook", {"sender": "looked-at", "message": "hello", "metadata": {"a": 1}})
    events = app.get("/conversations/looked-at/tracker?include_events=ALL").json["events"]
    assert events[0]["name"] == "session_started_metadata" and events[0]["value"] == {"a": 1}
    assert [e.get("name") for e in events].count("action_session_start") == 1


def test_a_conversation_exists_once_it_was_looked_at(app):
    app.get("/conversations/looked-at/tracker")
    assert app.post_json("/conversations/looked-at/predict").json["scores"]


def test_an_emptied_conversation_still_exists(app):
    app.put_json("/conversations/emptied/tracker/events", [])
    assert app.get("/conversations/emptied/story").status_int == 200


def test_the_tracker_has_the_keys_of_the_reference(app):
    tracker = app.get("/conversations/a/tracker").json
    assert set(tracker) == {
        "sender_id",
        "slots",
        "latest_message",
        "latest_event_time",
        "followup_action",
        "paused",
        "events",
        "latest_input_channel",
        "active_loop",
        "latest_action",
        "latest_action_name",
    }


@pytest.mark.parametrize("path", ["/conversations//tracker", "/conversations/default/tracker"])
def test_the_empty_id_is_default(app, path):
    assert app.get(path).json["sender_id"] == "default"


def test_ids_may_hold_slashes_and_escapes(app):
    assert app.get("/conversations/a/b%20c/%C3%A9/tracker").json["sender_id"] == "a/b c/é"


@pytest.mark.parametrize("verbosity", ["NONE", "none", "Applied", "AFTER_RESTART", "all"])
def test_include_events_takes_its_four_values_in_any_case(app, verbosity):
    events = app.get("/conversations/a/tracker", {"include_events": verbosity}).json["events"]
    assert (events is None) == (verbosity.upper() == "NONE")


def test_an_empty_include_events_is_the_default(app):
    assert app.get("/conversations/a/tracker?include_events=").json["events"]


def test_another_include_events_is_400_that_names_it(app):
    found = app.get("/conversations/a/tracker?include_events=x", status=400).json
    assert found["details"] == {"parameter": "include_events", "in": "query"}
    assert "AFTER_RESTART" in found["message"]


def test_until_shows_the_past_and_ignores_what_is_no_time(app):
    said(app, "hello")
    before = time.time()
    said(app, "bye")
    whole = app.get("/conversations/a/tracker").json
    past = app.get("/conversations/a/tracker", {"until": before}).json
    assert past["latest_message"]["text"] == "hello"
    assert app.get("/conversations/a/tracker?until=soon").json == whole
    assert app.get("/conversations/a/tracker?until=1").json["events"] == []


# ------------------------------------------------------------------- events


def test_one_event_is_appended_whatever_its_content_type(app):
    body = '{"event": "slot", "name": "item", "value": "mug"}'
    found = app.post("/conversations/default/tracker/events", body, content_type="application/x-www-form-urlencoded")
    assert found.json["slots"]["item"] == "mug"


def test_a_list_of_events_is_appended(app):
    events = [{"event": "slot", "name": "item", "value": "mug"}, {"event": "pause"}]
    tracker = app.post_json("/conversations/a/tracker/events", events).json
    assert tracker["slots"]["item"] == "mug"
    assert tracker["paused"] is True
    assert app.get("/conversations/a/tracker").json["events"] == tracker["events"]


def test_events_that_begin_a_session_come_alone(app):
    events = [
        {"event": "action", "name": "action_session_start"},
        {"event": "session_started"},
        {"event": "action", "name": "action_listen"},
    ]
    tracker = app.post_json("/conversations/a/tracker/events", events).json
    assert names(tracker) == ["action_session_start", "session_started", "action_listen"]


@pytest.mark.parametrize("body", [[], {}, None, True, 5, "restart", [[]], {"event": "nope"}, {"event": "slot"}])
def test_what_is_no_event_is_400_and_changes_nothing(app, body):
    before = app.post_json("/conversations/a/tracker/events", {"event": "slot", "name": "item", "value": "cup"}).json
    found = app.post_json("/conversations/a/tracker/events", body, status=400).json
    assert set(found) == KEYS
    assert app.get("/conversations/a/tracker").json == before


def test_side_effects_are_executed_only_when_asked_for(server, app):
    class Channel:
        """Keeps what it is sent."""

        name = "kept"
        sent: list = []

        def send(self, recipient_id, response):
            self.sent.append((recipient_id, response["text"]))

    server.api.agent.outputs["kept"] = Channel()
    event = {"event": "bot", "text": "ping", "data": {}}
    app.post_json("/conversations/a/tracker/events?output_channel=kept", event)
    assert Channel.sent == []
    app.post_json("/conversations/a/tracker/events?output_channel=kept&execute_side_effects=true", event)
    assert Channel.sent == [("a", "ping")]


def test_an_export_event_writes_no_file(app, tmp_path):
    path = tmp_path / "out.md"
    url = "/conversations/a/tracker/events?execute_side_effects=true"
    app.post_json(url, {"event": "export", "path": str(path)})
    assert not path.exists()


def test_put_replaces_the_whole_history(app):
    said(app, "hello")
    events = [{"event": "session_started"}, {"event": "slot", "name": "item", "value": "cap"}]
    tracker = app.put_json("/conversations/a/tracker/events", events).json
    assert tracker["slots"]["item"] == "cap"
    assert names(app.get("/conversations/a/tracker?include_events=ALL").json) == ["session_started", "item"]


def test_put_of_an_empty_list_clears_the_conversation(app):
    said(app, "hello")
    assert app.put_json("/conversations/a/tracker/events", []).json["events"] == []
    assert names(app.get("/conversations/a/tracker?include_events=ALL").json)[0] == "action_session_start"


def test_put_of_one_event_that_is_no_list_is_400(app):
    found = app.put_json("/conversations/a/tracker/events", {"event": "restart"}, status=400).json
    assert found["details"] == {"parameter": "", "in": "body"}


# -------------------------------------------------------------------- story


def test_a_conversation_is_a_test_story(app):
    said(app, "hello")
    found = app.get("/conversations/a/story")
    assert found.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert found.text.startswith('version: "3.1"\nstories:\n- story: a\n')
    assert "intent: greet" in found.text
    assert "action: utter_greet" in found.text


def test_all_sessions_are_stories_with_numbers(app):
    said(app, "hello")
    said(app, "/session_start")
    said(app, "bye")
    latest = app.get("/conversations/a/story").text
    assert "- story: a\n" in latest
    assert "greet" not in latest
    whole = app.get("/conversations/a/story?all_sessions=true").text
    assert "- story: a, story 1\n" in whole
    assert "- story: a, story 2\n" in whole


def test_a_story_until_before_everything_has_no_stories(app):
    said(app, "hello")
    assert app.get("/conversations/a/story?until=1").text == 'version: "3.1"\n'


@pytest.mark.parametrize(("method", "name"), [("GET", "story"), ("POST", "predict"), ("POST", "execute")])
def test_what_needs_a_conversation_is_404_without(app, method, name):
    found = app.request(f"/conversations/unknown/{name}", method=method, status=404).json
    assert found["reason"] == "Not found"
    assert app.request(f"/conversations/unknown/{name}", method=method, status=404).json == found


# ------------------------------------------- execute, trigger_intent, predict


def test_execute_runs_an_action_and_collects_what_it_says(app):
    said(app, "hello")
    found = app.post_json("/conversations/a/execute", {"name": "utter_bye", "policy": "me", "confidence": 0.5}).json
    assert found["messages"] == [
        {"recipient_id": "a", "text": "So long."},
        {"recipient_id": "a", "text": "Come again."},
    ]
    action = [e for e in found["tracker"]["events"] if e["event"] == "action"][-1]
    assert (action["name"], action["policy"], action["confidence"]) == ("utter_bye", "me", 0.5)


def test_execute_to_a_channel_has_no_messages(server, app):
    class Channel:
        """Takes everything."""

        name = "silent"

        def send(self, recipient_id, response):
            return None

    server.api.agent.outputs["silent"] = Channel()
    said(app, "hello")
    found = app.post_json("/conversations/a/execute?output_channel=silent", {"name": "utter_bye"}).json
    assert set(found) == {"tracker"}


@pytest.mark.parametrize("endpoint", ["execute", "trigger_intent"])
@pytest.mark.parametrize("body", [{}, {"name": None}, {"name": ""}])
def test_a_missing_name_is_400_that_names_it(app, endpoint, body):
    said(app, "hello")
    found = app.post_json(f"/conversations/a/{endpoint}", body, status=400).json
    assert found["details"] == {"parameter": "name", "in": "body"}


def test_a_confidence_that_is_no_number_is_400(app):
    said(app, "hello")
    body = {"name": "utter_bye", "confidence": "high"}
    found = app.post_json("/conversations/a/execute", body, status=400).json
    assert found["details"] == {"parameter": "confidence", "in": "body"}


def test_trigger_intent_answers_as_if_the_user_had_said_it(app):
    body = {"name": "order", "entities": {"item": "mug"}}
    found = app.post_json("/conversations/a/trigger_intent", body).json
    assert found["messages"] == [{"recipient_id": "a", "text": "You get mug."}]
    assert found["tracker"]["slots"]["item"] == "mug"


@pytest.mark.parametrize("name", ["nope", "/greet", 5])
def test_an_unknown_intent_is_404(app, name):
    found = app.post_json("/conversations/a/trigger_intent", {"name": name}, status=404).json
    assert found["reason"] == "NotFound"
    assert str(name) in found["message"]


def test_the_latest_channel_is_the_one_the_user_wrote_from(server, app):
    class Channel:
        """Keeps what it is sent."""

        name = "phone"
        sent: list = []

        def send(self, recipient_id, response):
            self.sent.append(response["text"])

    server.api.agent.outputs["phone"] = Channel()
    app.post_json("/webhooks/rest/webhook", {"sender": "a", "message": "hello", "input_channel": "phone"})
    found = app.post_json("/conversations/a/trigger_intent?output_channel=latest", {"name": "greet"}).json
    assert "messages" not in found
    assert Channel.sent == ["Hello there."]


def test_predict_scores_every_action_best_first(app):
    app.post_json("/conversations/a/messages", {"text": "hello", "sender": "user"})
    found = app.post("/conversations/a/predict").json
    assert set(found) == {"scores", "policy", "confidence", "tracker"}
    assert found["scores"][0]["action"] == "utter_greet"
    scores = [(-one["score"], one["action"]) for one in found["scores"]]
    assert scores == sorted(scores)
    assert app.post("/conversations/a/predict").json["scores"] == found["scores"]


# ----------------------------------------------------------------- messages


def test_a_message_is_recorded_and_not_answered(app):
    tracker = app.post_json("/conversations/a/messages", {"text": '/order{"item": "mug"}', "sender": "user"}).json
    assert tracker["latest_message"]["intent"]["name"] == "order"
    assert tracker["slots"]["item"] == "mug"
    assert tracker["latest_action_name"] == "action_listen"
    assert not [event for event in tracker["events"] if event["event"] == "bot"]


def test_given_parse_data_is_taken_as_it_is(app):
    body = {"text": "t", "sender": "user", "parse_data": {**HELLO, "text": "t"}}
    tracker = app.post_json("/conversations/a/messages", body).json
    assert tracker["latest_message"]["intent"]["name"] == "greet"


@pytest.mark.parametrize("sender", [None, "bot", "agent", "User", 5])
def test_only_users_can_be_recorded(app, sender):
    found = app.post_json("/conversations/a/messages", {"text": "x", "sender": sender}, status=400).json
    assert found["details"] == {"parameter": "sender", "in": "body"}
    assert f"'{sender}'" in found["message"]


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"sender": "user"}, "text"),
        ({"sender": "user", "text": 5}, "text"),
        ({"sender": "user", "text": "x", "parse_data": "y"}, "parse_data"),
        ({"sender": "user", "text": "x", "parse_data": {"entities": []}}, "parse_data"),
        ({"sender": "user", "text": "x", "parse_data": {"intent": {"name": "greet"}}}, "parse_data"),
    ],
)
def test_a_message_without_a_text_is_400(app, body, parameter):
    found = app.post_json("/conversations/a/messages", body, status=400).json
    assert found["details"]["parameter"] == parameter


def test_no_body_at_all_says_what_is_missing(app):
    found = app.post("/conversations/a/messages", status=400).json
    assert found["message"].startswith("No message defined in request body.")


# ------------------------------------------------------------- without model

ALL = [
    ("GET", "/status"),
    ("GET", "/domain"),
    ("GET", "/conversations/a/tracker"),
    ("POST", "/conversations/a/tracker/events"),
    ("PUT", "/conversations/a/tracker/events"),
    ("GET", "/conversations/a/story"),
    ("POST", "/conversations/a/execute"),
    ("POST", "/conversations/a/trigger_intent"),
    ("POST", "/conversations/a/predict"),
    ("POST", "/conversations/a/messages"),
    ("POST", "/model/predict"),
    ("POST", "/model/parse"),
    ("POST", "/webhooks/rest/webhook"),
]


@pytest.mark.parametrize(("method", "path"), ALL)
def test_what_needs_a_model_is_409_without(empty, method, path):
    found = empty.request(path, method=method, status=409).json
    assert set(found) == KEYS
    assert found["reason"] == "Conflict"
    assert found["message"].startswith("No agent loaded.")
