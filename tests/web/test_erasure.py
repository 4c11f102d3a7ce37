"""Export, import and deletion of conversations: what is known of a person in; all of it, or nothing anywhere, out."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta, timezone

import pytest

from botapi.settings import Settings
from botapi.state.messages import UserMessage
from botapi.stores.sqlite import SqliteStore
from botapi.wsgi import application
from tests.channels.receiver import receiver
from tests.smallbot import agent
from tests.strict import client


def said(app, sender="ann", text="hello"):
    return app.post_json("/webhooks/rest/webhook", {"sender": sender, "message": text}).json


def reminder(in_s):
    moment = datetime.now(timezone.utc) + timedelta(seconds=in_s)
    return {"event": "reminder", "name": "r", "intent": "greet", "date_time": moment.isoformat(), "entities": None}


# ------------------------------------------------------------------- export


def test_an_export_holds_all_events_and_is_a_download(app):
    said(app)
    app.post_json("/conversations/ann/tracker/events", [{"event": "restart"}])
    response = app.get("/conversations/ann/export")
    assert response.headers["Content-Disposition"] == 'attachment; filename="conversation.json"'
    found = response.json
    assert (found["format"], found["sender_id"]) == ("botapi.conversation/1", "ann")
    assert found["events"] == app.get("/conversations/ann/tracker?include_events=ALL").json["events"]


def test_an_export_put_elsewhere_is_the_same_conversation(app, tmp_path):
    said(app)
    said(app, text='/order{"item": "mug"}')
    said(app, text="/session_start")
    exported = app.get("/conversations/ann/export").json
    there = agent(tracker_store=SqliteStore(tmp_path / "c.db"))
    server = application(there, Settings(enable_api=True))
    other = client(server)
    state = other.put_json("/conversations/anna/tracker/events", exported).json
    assert state["slots"]["item"] == "mug"
    assert other.get("/conversations/anna/export").json == {**exported, "sender_id": "anna"}
    assert said(other, "anna") == [{"recipient_id": "anna", "text": "Hello there."}]
    server.close()
    there.close()


def test_an_export_needs_no_model_but_a_conversation(app):
    said(app)
    app.delete("/model")
    assert len(app.get("/conversations/ann/export").json["events"]) == 8
    assert app.get("/conversations/bob/export", status=404).json["message"] == "Conversation ID not found."


@pytest.mark.parametrize("body", [{"events": [{"event": "nope"}]}, {"events": {}}, {"event": "slot", "events": []}])
def test_what_is_no_export_is_400_and_changes_nothing(app, body):
    said(app)
    before = app.get("/conversations/ann/export").json
    app.put_json("/conversations/ann/tracker/events", body, status=400)
    assert app.get("/conversations/ann/export").json == before


# ----------------------------------------------------------------- deletion


def test_nothing_is_known_of_a_deleted_conversation(app):
    said(app)
    said(app, "bob")
    assert app.delete("/conversations/ann").status_int == 204
    assert app.get("/conversations").json == ["bob"]
    app.get("/conversations/ann/export", status=404)
    app.post("/conversations/ann/predict", status=404)
    tracker = app.get("/conversations/ann/tracker?include_events=ALL").json
    assert len(tracker["events"]) == 3 and tracker["latest_message"]["text"] is None


def test_the_next_message_begins_a_new_conversation(app):
    said(app, text='/order{"item": "mug"}')
    app.delete("/conversations/ann")
    assert said(app) == [{"recipient_id": "ann", "text": "Hello there."}]
    tracker = app.get("/conversations/ann/tracker?include_events=ALL").json
    assert tracker["slots"]["item"] is None
    assert len(tracker["events"]) == 8


def test_an_unknown_conversation_is_404_and_a_second_time_too(app):
    app.delete("/conversations/ann", status=404)
    said(app)
    app.delete("/conversations/ann")
    app.delete("/conversations/ann", status=404)


def test_a_conversation_that_was_only_looked_at_is_forgotten(app):
    app.get("/conversations/ann/tracker")
    assert app.delete("/conversations/ann").status_int == 204
    app.post("/conversations/ann/predict", status=404)


def test_deleting_needs_no_model(app):
    said(app)
    app.delete("/model")
    assert app.delete("/conversations/ann").status_int == 204


def test_ids_may_hold_slashes_and_what_lies_below_one_is_not_deleted(app):
    said(app, "a/b")
    said(app, "a/tracker")
    assert app.delete("/conversations/a/b").status_int == 204
    assert app.delete("/conversations/a/tracker", status=405).headers["Allow"] == "GET, HEAD, OPTIONS"
    assert app.get("/conversations").json == ["a/tracker"]


def test_the_list_itself_can_not_be_deleted(app):
    said(app, "default")
    for path in ("/conversations", "/conversations/"):
        app.delete(path, status=405)
    assert app.get("/conversations").json == ["default"]


def test_reminders_that_wait_are_gone(server, app):
    path = "/conversations/ann/tracker/events?execute_side_effects=true"
    app.post_json(path, [reminder(3600), {**reminder(3600), "name": "s"}])
    app.post_json(path.replace("ann", "bob"), reminder(3600))
    app.delete("/conversations/ann")
    assert [sender for sender, _ in server.api.agent.reminders.pending()] == ["bob"]
    assert "ann" not in repr(vars(server.api.agent.reminders))


def test_a_reminder_that_is_due_while_its_conversation_is_deleted_does_not_bring_it_back(server, app):
    agent = server.api.agent
    app.post_json("/conversations/ann/tracker/events?execute_side_effects=true", reminder(0.2))
    with agent.lock_store.lock("ann"):
        while agent.reminders.pending() or agent.lock_store.waiting() < 2:  # until it is fired, and waits
            time.sleep(0.01)
        agent.tracker_store.delete("ann")
    while agent.lock_store.waiting():
        time.sleep(0.01)
    assert app.get("/conversations").json == []


def test_messages_that_wait_for_the_callback_server_are_not_posted():
    with receiver(503, 200, 200) as there:
        credentials = {"rest": None, "callback": {"url": there.url}}
        server = application(agent(), Settings(enable_api=True, credentials=credentials))
        app = client(server)
        app.post_json("/webhooks/callback/webhook", {"sender": "ann", "message": "bye"})
        assert there.next()[2]["recipient_id"] == "ann"  # refused, to be tried again
        app.delete("/conversations/ann")
        app.post_json("/webhooks/callback/webhook", {"sender": "bob", "message": "hello"})
        assert there.next()[2] == {"recipient_id": "bob", "text": "Hello there."}
        server.close()
        server.api.agent.close()
        assert there.posted.empty()


def test_a_turn_that_runs_is_deleted_with_the_conversation(server, app):
    """A deletion waits for the turn, so that nothing of it is stored behind its back."""
    agent = server.api.agent
    said(app)
    with agent.conversation("ann") as conversation:
        deletion = threading.Thread(target=lambda: app.delete("/conversations/ann"))
        deletion.start()
        while agent.lock_store.waiting() < 2:
            time.sleep(0.01)
        conversation.hear(UserMessage("hello", "ann"))
    deletion.join()
    assert app.get("/conversations").json == []
