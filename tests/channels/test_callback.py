"""The callback channel: messages in, `success` out; the bot's words arrive at the configured server."""

from __future__ import annotations

import socket

import pytest

from botapi.channels import load_channels
from botapi.channels.channel import Host
from botapi.errors import ConfigError
from botapi.settings import Settings
from botapi.state.events import ReminderScheduled
from botapi.state.messages import CollectingOutput, UserMessage
from botapi.wsgi import application
from tests.channels.receiver import receiver
from tests.smallbot import agent
from tests.strict import client


@pytest.fixture
def calling(serve):
    """Makes a client of a server with a callback channel that posts to a URL."""

    def make(**credentials):
        return client(serve(Settings(enable_api=True, credentials={"rest": None, "callback": credentials})))

    return make


def say(app, text, status=200):
    return app.post_json("/webhooks/callback/webhook", {"sender": "a", "message": text}, status=status)


def test_the_answer_is_success_and_each_part_is_posted(calling):
    with receiver() as server:
        found = say(calling(url=f"{server.url}/bot"), "bye")
        assert found.text == "success"
        assert found.headers["Content-Type"] == "text/plain; charset=utf-8"
        posted = [server.next() for _ in range(2)]
    assert [path for path, _, _ in posted] == ["/bot", "/bot"]
    assert [body for _, _, body in posted] == [
        {"recipient_id": "a", "text": "So long."},
        {"recipient_id": "a", "text": "Come again."},
    ]


def test_token_and_headers_go_along(calling):
    with receiver() as server:
        say(calling(url=server.url, token="t", headers={"X-A": "b"}), "hello")
        path, headers, _ = server.next()
    assert path == "/?token=t"
    assert headers["X-A"] == "b"


def test_a_server_that_fails_does_not_fail_the_sender(calling, caplog):
    with receiver(400, 200) as server:
        app = calling(url=server.url)
        assert say(app, "bye").text == "success"
        assert [server.next()[2]["text"] for _ in range(2)] == ["So long.", "Come again."]
    assert "status 400" in caplog.text


def test_a_server_that_is_busy_gets_it_again(calling):
    with receiver(503) as server:
        say(calling(url=server.url), "hello")
        assert [server.next()[2]["text"] for _ in range(2)] == ["Hello there."] * 2


def test_what_is_said_while_the_server_is_down_comes_once_and_in_order(calling):
    down = socket.create_server(("127.0.0.1", 0))
    port = down.getsockname()[1]
    app = calling(url=f"http://127.0.0.1:{port}")
    for text in ("hello", "bye", "hello"):
        assert say(app, text).text == "success"
    down.accept()[0].close()
    down.close()
    with receiver(port=port) as server:
        said = [server.next()[2]["text"] for _ in range(4)]
        say(app, "order")
        said.append(server.next()[2]["text"])
    assert said == ["Hello there.", "So long.", "Come again.", "Hello there.", "You get None."]


def test_the_channel_can_be_named_as_output(calling):
    with receiver() as server:
        app = calling(url=server.url)
        found = app.post_json("/conversations/a/trigger_intent?output_channel=callback", {"name": "greet"}).json
        assert set(found) == {"tracker"}
        assert server.next()[2] == {"recipient_id": "a", "text": "Hello there."}


def test_the_latest_channel_is_callback_after_a_message_to_it(calling):
    with receiver() as server:
        app = calling(url=server.url)
        say(app, "hello")
        server.next()
        app.post_json("/conversations/a/trigger_intent?output_channel=latest", {"name": "greet"})
        assert server.next()[2]["text"] == "Hello there."


def test_a_reminder_that_became_due_while_the_server_was_down_speaks_through_its_channel():
    with receiver() as server:
        bot = agent()
        due = ReminderScheduled("bye", "2020-01-01T00:00:00+00:00", name="r", kill_on_user_msg=False)
        with bot.conversation("a") as conversation:
            conversation.hear(UserMessage("hello", "a", "callback", CollectingOutput()))
            conversation.tracker.apply(due)
        app = application(bot, Settings(enable_api=True, credentials={"callback": {"url": server.url}}))
        assert [server.next()[2]["text"] for _ in range(2)] == ["So long.", "Come again."]
        app.close()


def test_no_reminder_fires_once_the_channels_are_closed():
    with receiver() as server:
        bot = agent()
        app = application(bot, Settings(enable_api=True, credentials={"callback": {"url": server.url}}))
        app.close()
        bot.reminders.note("a", [ReminderScheduled("bye", "2020-01-01T00:00:00+00:00", name="r")])
        assert bot.reminders.pending() == []


def test_the_channel_is_healthy(calling):
    assert calling(url="http://127.0.0.1:9/").get("/webhooks/callback/").json == {"status": "ok"}


def test_a_bad_message_is_400(calling):
    app = calling(url="http://127.0.0.1:9/")
    assert app.post_json("/webhooks/callback/webhook", {"sender": "a"}, status=400).json["reason"] == "BadRequest"


@pytest.mark.parametrize("credentials", [None, {}, {"url": "ftp://x"}, {"url": 5}])
def test_credentials_without_a_url_are_refused(credentials):
    with pytest.raises(ConfigError, match="callback"):
        load_channels({"callback": credentials}, Host(agent()))
