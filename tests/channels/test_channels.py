"""credentials.yml: sections by name in; channels, or one sentence about what is wrong, out."""

from __future__ import annotations

import pytest

from botapi.channels import CHANNELS, load_channels
from botapi.channels.channel import Host, health
from botapi.errors import ConfigError
from botapi.settings import Settings
from botapi.web.api import Endpoint
from botapi.wsgi import application
from tests.smallbot import agent
from tests.strict import client


class OwnChannel:
    """A channel of a project's own."""

    def __init__(self, greeting="hi", name="own"):
        self.name = name
        self.greeting = greeting

    def endpoints(self):
        return [Endpoint("GET", "/webhooks/own/", health, public=True)]

    def output(self):
        return None

    def forget(self, conversation_id):
        pass

    def close(self):
        return None


class SanicChannel:
    """A channel as Rasa has them."""

    def blueprint(self, on_new_message):
        """A Sanic blueprint."""


def names(credentials):
    return [channel.name for channel in load_channels(credentials, Host(agent()))]


def test_without_credentials_there_is_the_rest_channel():
    assert names({}) == ["rest"]


def test_channels_come_in_the_order_of_the_file():
    assert names({"callback": {"url": "http://a.example"}, "rest": None}) == ["callback", "rest"]


def test_sections_that_are_for_other_programs_are_left_out():
    assert names({"rest": None, "rasa": {"url": "http://localhost:5002/api"}, "cmdline": None}) == ["rest", "cmdline"]


def test_an_unknown_channel_is_refused_and_the_known_ones_are_named():
    with pytest.raises(ConfigError) as refused:
        names({"pigeon": None})
    assert "'pigeon'" in refused.value.message
    assert all(name in refused.value.message for name in CHANNELS)


def test_a_class_for_sanic_is_told_what_to_do():
    with pytest.raises(ConfigError, match="docs/channels.md"):
        names({"tests.channels.test_channels.SanicChannel": None})


def test_two_channels_of_one_name_are_refused():
    path = "tests.channels.test_channels.OwnChannel"
    with pytest.raises(ConfigError, match="two channels are named 'rest'"):
        names({"rest": None, path: {"name": "rest"}})


@pytest.mark.parametrize("section", ["text", 5, ["a"]])
def test_a_section_must_hold_keys(section):
    with pytest.raises(ConfigError, match="rest"):
        names({"rest": section})


def test_a_dotted_path_is_a_channel_of_ones_own():
    (found,) = load_channels({"tests.channels.test_channels.OwnChannel": {"greeting": "ho"}}, Host(agent()))
    assert found.greeting == "ho"


def test_a_channel_of_ones_own_is_served():
    credentials = {"tests.channels.test_channels.OwnChannel": None}
    app = application(agent(), Settings(credentials=credentials))
    assert client(app).get("/webhooks/own/").json == {"status": "ok"}
    app.close()


@pytest.mark.parametrize(
    ("path", "section", "part"),
    [
        ("tests.channels.test_channels.Nope", {}, "can't be imported"),
        ("nope.Nope", {}, "can't be imported"),
        ("tests.channels.test_channels.OwnChannel", {"nope": 1}, "does not take the options"),
        ("botapi.settings.Settings", {}, "is no channel"),
    ],
)
def test_a_path_that_leads_to_no_channel_is_refused(path, section, part):
    with pytest.raises(ConfigError, match=part):
        names({path: section})


@pytest.mark.parametrize("name", CHANNELS)
def test_every_channel_is_healthy(serve, name):
    credentials = {name: {"url": "http://127.0.0.1:9/"} if name == "callback" else None}
    app = client(serve(Settings(credentials=credentials)))
    assert app.get(f"/webhooks/{name}/").json == {"status": "ok"}
    assert app.get(f"/webhooks/{name}").json == {"status": "ok"}


def test_the_channel_cmdline_is_talked_to_as_rest(serve):
    app = client(serve(Settings(credentials={"cmdline": None})))
    body = {"sender": "a", "message": "hello"}
    assert app.post_json("/webhooks/cmdline/webhook", body).json == [{"recipient_id": "a", "text": "Hello there."}]
