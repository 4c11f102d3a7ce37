"""The REST channel: messages in; the bot's answers as a list, or as lines while it speaks, out."""

from __future__ import annotations

import io
import json
import threading
from threading import BoundedSemaphore
from wsgiref.util import setup_testing_defaults

import pytest

from botapi.channels.rest import QueueOutput, RestChannel, drained
from botapi.errors import Busy, InputError
from botapi.wsgi import create_app
from tests.smallbot import agent
from tests.strict import client


@pytest.fixture
def server():
    """The server with the small bot."""
    app = create_app(agent())
    yield app
    app.close()


@pytest.fixture
def app(server):
    """A client of the server."""
    return client(server)


def say(app, body, query="", **options):
    return app.post_json(f"/webhooks/rest/webhook{query}", body, **options)


def test_the_channel_is_healthy(app):
    assert app.get("/webhooks/rest/").json == {"status": "ok"}
    assert app.get("/webhooks/rest").json == {"status": "ok"}


def test_a_message_is_answered_with_a_list(app):
    found = say(app, {"sender": "a", "message": "hello"})
    assert found.headers["Content-Type"] == "application/json"
    assert found.json == [{"recipient_id": "a", "text": "Hello there."}]


def test_parts_come_in_order(app):
    assert [part["text"] for part in say(app, {"sender": "a", "message": "bye"}).json] == ["So long.", "Come again."]
    shown = say(app, {"sender": "a", "message": "show"}).json
    assert [sorted(part) for part in shown] == [["buttons", "recipient_id", "text"], ["image", "recipient_id"]]


def test_without_a_sender_the_conversation_is_default(app):
    assert say(app, {"message": "hello"}).json[0]["recipient_id"] == "default"
    assert say(app, {"sender": None, "message": "hello"}).json[0]["recipient_id"] == "default"
    assert say(app, {"sender": "", "message": "hello"}).json[0]["recipient_id"] == "default"


def test_a_sender_may_be_a_number(app):
    assert say(app, {"sender": 5, "message": "hello"}).json[0]["recipient_id"] == "5"


def test_channel_and_metadata_are_remembered(app):
    say(app, {"sender": "a", "message": "hello", "input_channel": "phone", "metadata": {"lang": "de"}})
    tracker = app.get("/conversations/a/tracker").json
    assert tracker["latest_input_channel"] == "phone"
    user = next(event for event in tracker["events"] if event["event"] == "user")
    assert user["metadata"]["lang"] == "de"


def test_the_input_channel_is_rest_unless_said_otherwise(app):
    say(app, {"sender": "a", "message": "hello"})
    assert app.get("/conversations/a/tracker").json["latest_input_channel"] == "rest"


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "message"),
        ({"sender": "a"}, "message"),
        ({"message": None}, "message"),
        ({"message": 5}, "message"),
        ({"message": "x", "sender": ["a"]}, "sender"),
        ({"message": "x", "sender": True}, "sender"),
        ({"message": "x", "metadata": "m"}, "metadata"),
        ({"message": "x", "input_channel": 5}, "input_channel"),
    ],
)
@pytest.mark.parametrize("query", ["", "?stream=true"])
def test_what_is_wrong_is_named(app, body, parameter, query):
    found = say(app, body, query, status=400).json
    assert found["details"] == {"parameter": parameter, "in": "body"}


@pytest.mark.parametrize("body", ["", "x", "[]", '"hello"', '{"message": "\\ud800"}'])
def test_what_is_no_object_is_400(app, body):
    app.post("/webhooks/rest/webhook", body, status=400)


def test_get_is_405(app):
    assert app.get("/webhooks/rest/webhook", status=405).headers["Allow"] == "OPTIONS, POST"


def test_an_unknown_channel_is_404(app):
    app.post_json("/webhooks/pigeon/webhook", {"message": "x"}, status=404)


# ---------------------------------------------------------------- streaming


def test_a_stream_is_one_message_a_line(app):
    found = say(app, {"sender": "a", "message": "bye"}, "?stream=true")
    assert found.headers["Content-Type"] == "text/event-stream"
    assert found.text == ('{"recipient_id": "a", "text": "So long."}\n{"recipient_id": "a", "text": "Come again."}\n')


def test_a_turn_without_words_is_an_empty_stream(app):
    app.post_json("/conversations/a/tracker/events", {"event": "pause"})
    assert say(app, {"sender": "a", "message": "hello"}, "?stream=true").body == b""


def test_a_turn_runs_to_its_end_when_nobody_listens(server, app):
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/webhooks/rest/webhook",
        "QUERY_STRING": "stream=true",
        "CONTENT_LENGTH": "32",
        "wsgi.input": io.BytesIO(b'{"sender": "a", "message":"bye"}'),
    }
    setup_testing_defaults(environ)
    result = server(environ, lambda *started: None)
    assert json.loads(next(iter(result)))["text"] == "So long."
    result.close()
    for thread in threading.enumerate():
        if thread.name == "turn":
            thread.join()
    tracker = app.get("/conversations/a/tracker").json
    assert tracker["latest_action_name"] == "action_listen"
    assert [event["text"] for event in tracker["events"] if event["event"] == "bot"] == ["So long.\n\nCome again."]


def test_messages_come_while_the_turn_runs():
    output, heard = QueueOutput(), threading.Event()

    def turn():
        output.send("a", {"text": "one"})
        assert heard.wait(10)
        output.send("a", {"text": "two"})

    lines = drained(output, turn, BoundedSemaphore(1))
    assert next(lines)["text"] == "one"
    heard.set()
    assert [line["text"] for line in lines] == ["two"]


def test_a_turn_that_fails_before_its_first_word_is_an_error():
    def turn():
        raise InputError("no")

    with pytest.raises(InputError):
        drained(QueueOutput(), turn, BoundedSemaphore(1))


def test_a_turn_that_fails_later_breaks_off():
    output = QueueOutput()

    def turn():
        output.send("a", {"text": "one"})
        raise InputError("no")

    lines = drained(output, turn, BoundedSemaphore(1))
    assert next(lines)["text"] == "one"
    with pytest.raises(InputError):
        next(lines)


def test_streamed_turns_are_bounded_and_places_are_given_back():
    places, output, go = BoundedSemaphore(1), QueueOutput(), threading.Event()

    def turn():
        output.send("a", {"text": "one"})
        assert go.wait(10)

    lines = drained(output, turn, places)
    assert next(lines)["text"] == "one"
    with pytest.raises(Busy):
        drained(QueueOutput(), lambda: None, places)
    go.set()
    assert list(lines) == []
    assert places.acquire(timeout=10)


def test_closing_waits_for_turns_whose_listener_left():
    channel, go, done = RestChannel(), threading.Event(), threading.Event()
    output = QueueOutput()

    def turn():
        output.send("a", {"text": "one"})
        assert go.wait(10)
        done.set()

    next(drained(output, turn, channel._places))
    closing = threading.Thread(target=channel.close)
    closing.start()
    assert not done.is_set()
    go.set()
    closing.join(10)
    assert done.is_set()
    with pytest.raises(Busy):
        drained(QueueOutput(), turn, channel._places)


def test_closing_says_what_it_could_not_wait_for(caplog, monkeypatch):
    monkeypatch.setattr("botapi.channels.rest.CLOSING_S", 0.01)
    channel, go, output = RestChannel(streamed_turns=1), threading.Event(), QueueOutput()

    def turn():
        output.send("a", {"text": "one"})
        assert go.wait(10)

    lines = drained(output, turn, channel._places)
    channel.close()
    go.set()
    assert [line["text"] for line in lines] == ["one"]
    assert "1 streamed turns still ran" in caplog.text
