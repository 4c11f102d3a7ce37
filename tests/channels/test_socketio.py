"""The channel socketio, talked to by a real client: words in; the bot's messages, as web chats get them, out."""

from __future__ import annotations

import shutil
import sys
from contextlib import contextmanager

import jwt
import pytest

from botapi.channels import load_channels
from botapi.channels.channel import Host
from botapi.channels.socketio import messages
from botapi.errors import ConfigError
from tests.programs import served
from tests.smallbot import agent, archive

socketio = pytest.importorskip("socketio")

SECRET = "a-secret-that-is-long-enough-for-hs256"
OPTIONS = {
    "user_message_evt": "said",
    "bot_message_evt": "answered",
    "namespace": "/chat",
    "session_persistence": "true",
    "socketio_path": "/talk",
    "metadata_key": "extra",
}


@contextmanager
def chat(server, **options):
    """A connected client."""
    with socketio.SimpleClient(reconnection=False) as client:
        client.connect(server.url, transports=["polling"], **options)
        yield client


def heard(client, number=1):
    """So many events, as (name, data)."""
    return [tuple(client.receive(timeout=20)) for _ in range(number)]


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    """Runs the small bot with options of the channel, in a process of its own."""

    @contextmanager
    def serving(**options):
        folder = tmp_path_factory.mktemp("bot")
        (folder / "models").mkdir()
        shutil.copy(archive(), folder / "models")
        lines = [f"  {key}: {value}\n" for key, value in options.items()]
        (folder / "credentials.yml").write_text("rest:\nsocketio:\n" + "".join(lines))
        with served("--enable-api", folder=folder) as server:
            yield server

    return serving


@pytest.fixture(scope="module")
def plain(serving):
    """A server with the defaults."""
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def chosen(serving):
    """A server where every name is another than the default."""
    with serving(**OPTIONS) as server:
        yield server


def test_a_dialogue(plain):
    with chat(plain) as client:
        assert client.transport == "polling"
        client.emit("session_request", {"session_id": "ann"})
        assert heard(client) == [("session_confirm", "ann")]
        client.emit("user_uttered", {"message": "hello", "session_id": "ann"})
        assert heard(client) == [("bot_uttered", {"text": "Hello there."})]
        client.emit("user_uttered", {"message": "bye"})
        assert [data["text"] for _, data in heard(client, 2)] == ["So long.", "Come again."]
        client.emit("user_uttered", {"message": "show"})
        button = {"content_type": "text", "title": "Yes", "payload": "/order"}
        assert heard(client, 2) == [
            ("bot_uttered", {"text": "Look", "quick_replies": [button]}),
            ("bot_uttered", {"attachment": {"type": "image", "payload": {"src": "https://img.example/a.png"}}}),
        ]


def test_the_conversation_is_that_of_the_socket(plain):
    with chat(plain) as client:
        client.emit("user_uttered", {"message": "hello", "metadata": '{"page": "home"}'})
        heard(client)
        _, tracker = plain.request("GET", f"/conversations/{client.sid}/tracker")
    assert tracker["latest_input_channel"] == "socketio"
    assert tracker["latest_message"]["metadata"]["page"] == "home"


@pytest.mark.parametrize("data", [None, {}, {"session_id": None}, {"session_id": 5}, "x"])
def test_who_names_no_session_gets_a_new_one(plain, data):
    with chat(plain) as client:
        client.emit("session_request", data)
        ((name, session_id),) = heard(client)
    assert name == "session_confirm" and len(session_id) == 32


def test_two_clients_hear_what_they_were_told(plain):
    with chat(plain) as ann, chat(plain) as bob:
        ann.emit("user_uttered", {"message": "hello"})
        bob.emit("user_uttered", {"message": "order"})
        assert heard(ann)[0][1]["text"] == "Hello there."
        assert heard(bob)[0][1]["text"].startswith("You get")


def test_other_events_reach_the_client_as_latest_channel(plain):
    with chat(plain) as client:
        client.emit("user_uttered", {"message": "hello"})
        heard(client)
        path = f"/conversations/{client.sid}/trigger_intent?output_channel=latest"
        assert plain.request("POST", path, {"name": "greet"})[0] == 200
        assert heard(client) == [("bot_uttered", {"text": "Hello there."})]


def test_every_name_can_be_chosen_and_a_session_outlives_its_socket(chosen):
    options = {"namespace": "/chat", "socketio_path": "talk"}
    with chat(chosen, **options) as client:
        client.emit("session_request", {"session_id": "ann"})
        assert heard(client) == [("session_confirm", "ann")]
        client.emit("said", {"message": "hello", "session_id": "ann", "extra": {"page": "home"}})
        assert heard(client) == [("answered", {"text": "Hello there."})]
    with chat(chosen, **options) as client:
        client.emit("said", {"message": "bye"})  # without a session it is nobody's
        client.emit("said", {"message": "bye", "session_id": "ann"})
        assert [data["text"] for _, data in heard(client, 2)] == ["So long.", "Come again."]
    _, tracker = chosen.request("GET", "/conversations/ann/tracker")
    said = [event for event in tracker["events"] if event["event"] == "user"]
    assert [event["text"] for event in said] == ["hello", "bye"]
    assert said[0]["metadata"]["page"] == "home"


def test_both_tabs_of_a_session_hear_the_bot(chosen):
    options = {"namespace": "/chat", "socketio_path": "talk"}
    with chat(chosen, **options) as first, chat(chosen, **options) as second:
        for client in (first, second):
            client.emit("session_request", {"session_id": "bob"})
            heard(client)
        first.emit("said", {"message": "hello", "session_id": "bob"})
        assert heard(first) == heard(second) == [("answered", {"text": "Hello there."})]


def test_a_namespace_that_is_not_served_refuses(chosen):
    with pytest.raises(socketio.exceptions.ConnectionError), chat(chosen, socketio_path="talk"):
        pass


def test_with_a_key_only_tokens_connect_and_a_user_has_his_own_conversation(serving):
    def token(secret=SECRET, **user):
        return jwt.encode({"user": user} if user else {}, secret, algorithm="HS256")

    with serving(jwt_key=SECRET, session_persistence="true") as server:
        tokens = ("x", 5, token(secret=SECRET + "!"), token(role="user"))
        for auth in (None, {}, "x", *({"token": one} for one in tokens)):
            with pytest.raises(socketio.exceptions.ConnectionError), chat(server, auth=auth):
                pass
        with chat(server, auth={"token": token()}) as client:
            client.emit("session_request", {"session_id": "any"})
            assert heard(client) == [("session_confirm", "any")]
        with chat(server, auth={"token": f"Bearer {token(username='ann', role='user')}"}) as client:
            client.emit("session_request", {"session_id": "bob"})
            assert heard(client) == [("session_confirm", "ann")]
            client.emit("user_uttered", {"message": "hello", "session_id": "bob"})
            assert heard(client) == [("bot_uttered", {"text": "Hello there."})]
        _, tracker = server.request("GET", "/conversations/ann/tracker")
        assert tracker["latest_message"]["text"] == "hello"


# ----------------------------------------------------------------- responses


@pytest.mark.parametrize(
    ("response", "sent"),
    [
        ({}, []),
        ({"text": " one\n\ntwo "}, [{"text": "one"}, {"text": "two"}]),
        (
            {"text": "one\n\ntwo", "quick_replies": [{"title": "T", "payload": "/p"}, "no button"]},
            [
                {"text": "one", "quick_replies": []},
                {"text": "two", "quick_replies": [{"content_type": "text", "title": "T", "payload": "/p"}]},
            ],
        ),
        (
            {"text": None, "buttons": [{"title": "T"}]},
            [{"text": "", "quick_replies": [{"content_type": "text", "title": "T", "payload": None}]}],
        ),
        ({"custom": {"data": {"a": 1}}}, [{"a": 1}]),
        ({"custom": {"a": 1}}, [{"a": 1}]),
        ({"attachment": {"type": "video"}}, [{"attachment": {"type": "video"}}]),
        (
            {"elements": [{"title": "T"}]},
            [{"attachment": {"type": "template", "payload": {"template_type": "generic", "elements": {"title": "T"}}}}],
        ),
        ({"elements": "odd"}, []),
    ],
)
def test_a_response_becomes_messages(response, sent):
    assert list(messages(response)) == sent


# -------------------------------------------------------------- configuration


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "socketio", None)
    with pytest.raises(ConfigError, match=r"pip install botapi\[socketio\]"):
        load_channels({"socketio": None}, Host(agent()))


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"namespaces": "/chat"}, "'namespaces', which is not known"),
        ({"session_persistence": "yes"}, "expected true or false"),
        ({"socketio_path": 5}, "expected a text"),
        ({"jwt_key": 5}, "expected a text"),
        ({"jwt_key": SECRET, "jwt_method": "none"}, "none"),
    ],
)
def test_credentials_that_can_not_work_are_refused(section, words):
    with pytest.raises(ConfigError, match=words):
        load_channels({"socketio": section}, Host(agent()))
