"""The REST channel: messages in; the bot's answers as a list, or as lines while it speaks, out."""

from __future__ import annotations

import io
import json
import threading
from wsgiref.util import setup_testing_defaults

import pytest

from botapi.channels.rest import QueueOutput, drained
from botapi.channels.turns import Turns
from botapi.errors import InputError
from botapi.web.response import EVENT_STREAM
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


@pytest.fixture
def turns():
    """Places for turns, freed in the end."""
    found = Turns(places=1)
    yield found
    found.close()


def test_messages_come_while_the_turn_runs(turns):
    output, heard = QueueOutput(), threading.Event()

    def turn():
        output.send("a", {"text": "one"})
        assert heard.wait(10)
        output.send("a", {"text": "two"})

    lines = drained(output, turn, turns, "a")
    assert next(lines)["text"] == "one"
    heard.set()
    assert [line["text"] for line in lines] == ["two"]


def test_a_turn_that_fails_before_its_first_word_is_an_error(turns):
    def turn():
        raise InputError("no")

    with pytest.raises(InputError):
        drained(QueueOutput(), turn, turns, "a")


def test_a_turn_that_fails_later_breaks_off(turns):
    output = QueueOutput()

    def turn():
        output.send("a", {"text": "one"})
        raise InputError("no")

    lines = drained(output, turn, turns, "a")
    assert next(lines)["text"] == "one"
    with pytest.raises(InputError):
        next(lines)


# ------------------------------------------------------- server-sent events


def events(body):
    """(id, data) of each event."""
    fields = [dict(line.split(": ", 1) for line in event.split("\n")) for event in body.split("\n\n")[:-1]]
    return [(each["id"], json.loads(each["data"])) for each in fields]


@pytest.mark.parametrize("accept", ["text/event-stream", "application/json;q=0.5, Text/Event-Stream;q=0.9"])
def test_who_accepts_events_gets_each_message_as_one(app, accept):
    found = say(app, {"sender": "a", "message": "bye"}, headers={"Accept": accept})
    assert found.headers["Content-Type"] == "text/event-stream"
    assert found.headers["X-Accel-Buffering"] == "no"
    assert found.headers["Cache-Control"] == "no-cache"
    (first, second) = events(found.text)
    assert [first[1], second[1]] == [
        {"recipient_id": "a", "text": "So long."},
        {"recipient_id": "a", "text": "Come again."},
    ]


def test_events_have_ids_that_say_their_turn_and_place_in_it(app):
    found = [
        [id.rpartition("-") for id, _ in events(say(app, {"message": "bye"}, headers={"Accept": EVENT_STREAM}).text)]
        for _ in range(2)
    ]
    assert [[number for _, _, number in turn] for turn in found] == [["1", "2"]] * 2
    assert len({id for turn in found for id, _, _ in turn}) == 2


@pytest.mark.parametrize("accept", ["*/*", "text/*", "application/json", "text/event-stream;q=0"])
def test_who_does_not_name_events_gets_a_list(app, accept):
    assert say(app, {"message": "hello"}, headers={"Accept": accept}).json[0]["text"] == "Hello there."


def test_an_error_before_the_first_event_is_an_error_object(app):
    found = say(app, {"sender": "a"}, headers={"Accept": EVENT_STREAM}, status=400)
    assert found.json["details"] == {"parameter": "message", "in": "body"}
