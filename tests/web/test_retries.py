"""Requests sent again, with an Idempotency-Key or a message id: one turn, and its answer each time, out."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest

from botapi.settings import Settings
from botapi.stores.sqlite import SqliteStore
from botapi.wsgi import application
from tests.channels.receiver import receiver
from tests.programs import served
from tests.smallbot import agent, archive
from tests.strict import client

SECRET = "a-secret-that-is-long-enough-for-hs256"
HELLO = {"sender": "a", "message": "hello"}


def say(app, body=None, key=None, status=200, query=""):
    headers = {"Idempotency-Key": key} if key else {}
    return app.post_json(f"/webhooks/rest/webhook{query}", body or HELLO, headers=headers, status=status)


def turns(app, sender="a"):
    found = app.get("/conversations?expand=true").json
    return {one["sender_id"]: one["num_user_messages"] for one in found}.get(sender, 0)


# ----------------------------------------------------------- Idempotency-Key


def test_the_same_key_at_the_same_time_gives_one_turn(tmp_path):
    """Sixteen threads against a real server: each gets the one answer, at once or when it asks again."""
    (tmp_path / "models").mkdir()
    shutil.copy(archive(), tmp_path / "models")
    with served("--enable-api", folder=tmp_path) as server:

        def ask(number):
            key = f"key-{number % 2}"
            while True:
                body = {"sender": key, "message": "bye"}
                status, answer = server.request("POST", "/webhooks/rest/webhook", body, {"Idempotency-Key": key})
                if status != 409:
                    return status, [message["text"] for message in answer]

        with ThreadPoolExecutor(16) as pool:
            assert list(pool.map(ask, range(16))) == [(200, ["So long.", "Come again."])] * 16
        _, listed = server.request("GET", "/conversations?expand=true")
        assert [(one["sender_id"], one["num_user_messages"]) for one in listed] == [("key-0", 1), ("key-1", 1)]


def test_a_repeated_request_gets_the_stored_answer(app):
    first, second = say(app, key="k"), say(app, key="k")
    assert second.json == first.json == [{"recipient_id": "a", "text": "Hello there."}]
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["X-Request-ID"] != first.headers["X-Request-ID"]
    assert turns(app) == 1


def test_a_key_with_another_message_is_422(app):
    say(app, key="k")
    found = say(app, {"sender": "a", "message": "bye"}, "k", status=422).json
    assert found["details"] == {"parameter": "Idempotency-Key", "in": "header"}
    assert turns(app) == 1


def test_a_streamed_answer_is_repeated_as_it_was(app):
    first = say(app, {"sender": "a", "message": "bye"}, "k", query="?stream=true")
    second = say(app, {"sender": "a", "message": "bye"}, "k", query="?stream=true")
    assert second.text == first.text and second.text.count("\n") == 2
    assert turns(app) == 1


def test_what_was_refused_may_be_tried_again(app):
    headers = {"Idempotency-Key": "k"}
    body = {"text": "hello", "sender": "user"}
    for _ in range(2):
        app.post_json("/conversations/a/execute", {"name": "utter_bye"}, headers=headers, status=404)
    app.post_json("/conversations/a/messages", body)
    assert app.post_json("/conversations/a/execute", {"name": "utter_bye"}, headers=headers).json["messages"]


def test_keys_of_two_users_are_two(serve):
    app = client(serve(jwt_secret=SECRET))
    for name in ("ann", "bob", "ann"):
        token = jwt.encode({"user": {"username": name, "role": "user"}}, SECRET, algorithm="HS256")
        headers = {"Idempotency-Key": "k", "Authorization": f"Bearer {token}"}
        body = {"text": "hello", "sender": "user"}
        tracker = app.post_json(f"/conversations/{name}/messages", body, headers=headers).json
        assert [event["event"] for event in tracker["events"]].count("user") == 1


def test_deleting_a_conversation_forgets_its_answers(app):
    say(app, key="k")
    app.post_json("/conversations/a/trigger_intent", {"name": "greet"}, headers={"Idempotency-Key": "l"})
    say(app, {"sender": "b", "message": "hello"}, key="m")
    app.delete("/conversations/a")
    assert "Idempotent-Replayed" not in say(app, key="k").headers
    found = app.post_json("/conversations/a/trigger_intent", {"name": "greet"}, headers={"Idempotency-Key": "l"})
    assert "Idempotent-Replayed" not in found.headers
    assert "Idempotent-Replayed" in say(app, {"sender": "b", "message": "hello"}, key="m").headers


@pytest.mark.parametrize("key", ["x" * 256, "\t"])
def test_a_key_that_is_none_is_400(app, key):
    assert say(app, key=key, status=400).json["details"] == {"parameter": "Idempotency-Key", "in": "header"}


# ---------------------------------------------------------------- message_id


def test_a_message_that_comes_again_is_no_turn_and_gets_what_was_said_to_it(app):
    first = say(app, {"sender": "a", "message": "bye", "message_id": "m1"}).json
    say(app, {"sender": "a", "message": "hello", "message_id": "m2"})
    again = say(app, {"sender": "a", "message": "bye", "message_id": "m1"}).json
    assert again == first and len(first) == 2
    assert turns(app) == 2
    assert app.get("/conversations/a/tracker").json["latest_message"]["message_id"] == "m2"


def test_streamed_it_is_the_same(app):
    body = {"sender": "a", "message": "bye", "message_id": 7}
    first, again = say(app, body, query="?stream=true"), say(app, body, query="?stream=true")
    assert again.text == first.text and turns(app) == 1
    assert say(app, {**body, "message_id": "7"}).json[0]["text"] == "So long."
    assert say(app, {**body, "message_id": 7.0}).json[0]["text"] == "So long."


def test_ids_count_in_one_conversation_and_without_one_nothing_repeats(app):
    for sender in "abba":
        say(app, {"sender": sender, "message": "hello", "message_id": "m"})
    assert (turns(app, "a"), turns(app, "b")) == (1, 1)
    for _ in range(2):
        say(app)
    assert turns(app) == 3


def test_a_message_is_known_after_a_restart(tmp_path):
    body = {"sender": "a", "message": "hello", "message_id": "m"}
    for _ in range(2):
        there = agent(tracker_store=SqliteStore(tmp_path / "c.db"))
        server = application(there, Settings(enable_api=True))
        assert say(client(server), body).json[0]["text"] == "Hello there."
        assert turns(client(server)) == 1
        server.close()
        there.close()


def test_the_same_message_at_the_same_time_is_one_turn(app):
    body = {"sender": "a", "message": "bye", "message_id": "m"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: [one["text"] for one in say(app, body).json], range(8)))
    assert answers == [["So long.", "Come again."]] * 8
    assert turns(app) == 1


def test_a_callback_channel_posts_what_was_said_once():
    with receiver() as there:
        credentials = {"rest": None, "callback": {"url": there.url}}
        server = application(agent(), Settings(enable_api=True, credentials=credentials))
        for _ in range(2):
            body = {"sender": "a", "message": "hello", "message_id": "m"}
            assert client(server).post_json("/webhooks/callback/webhook", body).text == "success"
        server.close()
        assert there.next()[2]["text"] == "Hello there."
        assert there.posted.empty()


@pytest.mark.parametrize("given", ["", "x" * 256, True, 1.5, [], {}])
def test_a_message_id_that_is_none_is_400(app, given):
    found = say(app, {**HELLO, "message_id": given}, status=400).json
    assert found["details"] == {"parameter": "message_id", "in": "body"}


def test_null_as_a_message_id_is_none(app):
    for _ in range(2):
        say(app, {**HELLO, "message_id": None})
    assert turns(app) == 2
