"""SIGTERM while the bot waits for its action server: turns of every channel in; all answered and stored, out."""

from __future__ import annotations

import http.client
import json
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from botapi.stores import build
from tests.channels.receiver import receiver
from tests.programs import served
from tests.projects import write
from tests.waiting import action_server, waiting_bot

socketio = pytest.importorskip("socketio")

SENDERS = ("rest", "events", "gone", "callback", "socketio")


@pytest.fixture
def stage(tmp_path):
    """(server, its action server, the callback's receiver): a bot on every channel, whose actions wait for the test."""
    folder = waiting_bot(tmp_path / "bot")
    with action_server() as actions, receiver() as posted:
        credentials = f"rest:\ncallback: {{url: '{posted.url}'}}\nsocketio: {{session_persistence: true}}\n"
        write(folder, {"endpoints.yml": "action_endpoint:\n  url: ${ACTION_URL}", "credentials.yml": credentials})
        with served("--drain-timeout", "20", folder=folder, ACTION_URL=actions.url) as server:
            yield server, actions, posted


def events_of(server, sender):
    """The response of a turn as server-sent events, of which the first has come."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=20)
    body = json.dumps({"sender": sender, "message": "hello"})
    connection.request("POST", "/webhooks/rest/webhook", body, {"Accept": "text/event-stream"})
    response = connection.getresponse()
    response.readline()
    assert json.loads(response.readline().removeprefix(b"data: "))["text"] == "First."
    return response


def door_is_closed(server):
    try:
        socket.create_connection(urlsplit(server.url).netloc.split(":"), timeout=20).close()
    except (ConnectionRefusedError, ConnectionResetError):
        return True
    return False


def test_sigterm_during_an_action_loses_nothing(stage, tmp_path):
    server, actions, posted = stage
    with ThreadPoolExecutor() as pool, socketio.SimpleClient(reconnection=False) as chat:
        rest = pool.submit(server.say, "hello", sender="rest")
        events, gone = events_of(server, "events"), events_of(server, "gone")
        body = {"sender": "callback", "message": "hello"}
        callback = pool.submit(server.request, "POST", "/webhooks/callback/webhook", body)
        chat.connect(server.url, transports=["polling"])
        chat.emit("user_uttered", {"message": "hello", "session_id": "socketio"})
        assert chat.receive(timeout=20)[1] == {"text": "First."}
        assert sorted(actions.next()[1]["sender_id"] for _ in SENDERS) == sorted(SENDERS)
        gone.close()

        server.process.send_signal(signal.SIGTERM)
        while not door_is_closed(server):
            pass
        actions.may_answer.set()

        assert rest.result(20) == ["First.", "Last."]
        assert b"Last." in events.read()
        assert callback.result(20) == (200, "success")
        assert [posted.next()[2]["text"] for _ in range(2)] == ["First.", "Last."]
        assert chat.receive(timeout=20)[1] == {"text": "Last."}
        assert server.process.wait(30) == 0
    logged = server.process.stderr.read()
    assert "Traceback" not in logged and "hello" not in logged
    store = build.tracker_store({"type": "SQL", "db": "conversations.db"}, tmp_path / "bot")
    for sender in SENDERS:
        stored = [event["text"] for event in store.read(sender) if event["event"] == "bot"]
        assert stored == ["First.", "Last."], sender
    store.close()
