"""credentials.yml: sections by name in; channels, or one sentence about what is wrong, out."""

from __future__ import annotations

import pytest

from botapi.channels import CHANNELS, load_channels
from botapi.channels.channel import health
from botapi.channels.rest import RestChannel
from botapi.errors import ConfigError
from botapi.outbound import Outbound
from botapi.settings import Settings
from botapi.web.api import Endpoint
from botapi.wsgi import application
from tests.smallbot import agent
from tests.strict import client


class OwnChannel:
    """A channel of a project's own."""

    def __init__(self, greeting="hi"):
        self.name = "own"
        self.greeting = greeting

    def endpoints(self):
        return [Endpoint("GET", "/webhooks/own/", health, public=True)]

    def output(self):
        return None

    def close(self):
        return None


def names(credentials):
    return [channel.name for channel in load_channels(credentials, Outbound())]


def test_without_credentials_there_is_the_rest_channel():
    assert names({}) == ["rest"]


def test_channels_come_in_the_order_of_the_file():
    assert names({"callback": {"url": "http://a.example"}, "rest": None}) == ["callback", "rest"]


def test_sections_that_are_for_other_programs_are_left_out():
    assert names({"rest": None, "rasa": {"url": "http://localhost:5002/api"}, "cmdline": None}) == ["rest"]


def test_an_unknown_channel_is_refused_and_the_known_ones_are_named():
    with pytest.raises(ConfigError) as refused:
        names({"pigeon": None})
    assert "'pigeon'" in refused.value.message
    assert all(name in refused.value.message for name in CHANNELS)


@pytest.mark.parametrize("section", ["text", 5, ["a"]])
def test_a_section_must_hold_keys(section):
    with pytest.raises(ConfigError, match="rest"):
        names({"rest": section})


def test_a_dotted_path_is_a_channel_of_ones_own():
    (found,) = load_channels({"tests.channels.test_channels.OwnChannel": {"greeting": "ho"}}, Outbound())
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


def test_every_channel_has_a_health_check_and_answers_below_its_name():
    for channel in (RestChannel(), *load_channels({"callback": {"url": "http://a.example"}}, Outbound())):
        paths = [(endpoint.method, endpoint.path) for endpoint in channel.endpoints()]
        assert ("GET", f"/webhooks/{channel.name}/") in paths
        assert all(path.startswith(f"/webhooks/{channel.name}/") for _, path in paths)
