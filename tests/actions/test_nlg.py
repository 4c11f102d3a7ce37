"""Responses of an NLG server: a real HTTP server that answers what a test tells it."""

from __future__ import annotations

import json

import pytest

from botapi.actions import nlg
from botapi.actions.action import ActionFailed, perform
from botapi.errors import ConfigError
from botapi.outbound import Outbound, read_endpoint
from tests.actions.talk import Talk, short
from tests.serving import Handler, serving

DOMAIN = {
    "intents": ["greet"],
    "slots": {"name": {"type": "text", "initial_value": "Ann", "mappings": [{"type": "custom"}]}},
    "responses": {
        "utter_greet": [{"text": "Hi", "id": "greet-1"}],
        "utter_restart": [{"text": "Again"}],
    },
}


class Wording(Handler):
    """Answers `server.reply` and keeps the requests."""

    def do_POST(self):
        self.server.calls.append(json.loads(self.body()))
        status, reply = self.server.reply
        body = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        self.answer(status, body, Content_Type="application/json")


@pytest.fixture
def server():
    with serving(Wording) as wording:
        wording.address, wording.calls = f"{wording.url}/nlg", []
        wording.reply = (200, {"text": "Hello from afar"})
        yield wording


@pytest.fixture
def talk(server):
    outbound = Outbound()
    yield Talk(DOMAIN, generate=nlg.generator(read_endpoint({"url": server.address}, "nlg"), outbound))
    outbound.close()


def test_the_server_words_the_response(server, talk):
    talk.hears("greet")
    (message,) = talk.runs("utter_greet")
    assert (message.text, message.metadata) == ("Hello from afar", {"utter_action": "utter_greet"})
    (call,) = server.calls
    assert list(call) == ["response", "id", "arguments", "tracker", "channel"]
    assert (call["response"], call["id"], call["arguments"]) == ("utter_greet", "greet-1", {})
    assert call["channel"] == {"name": "collector"}
    assert call["tracker"]["slots"]["name"] == "Ann"
    assert [event["event"] for event in call["tracker"]["events"]] == ["action", "user"]


def test_default_actions_ask_the_server_too(server, talk):
    assert short(talk.runs("action_restart")) == ["Hello from afar", "restart"]
    assert server.calls[0]["id"] is None


def test_arguments_are_passed_on(server, talk):
    talk.turn().say("utter_greet", {"mood": "sunny"})
    assert server.calls[0]["arguments"] == {"mood": "sunny"}


@pytest.mark.parametrize(
    "answer",
    [
        {"text": "x", "buttons": [{"title": "t"}], "image": None, "custom": {"a": 1}},
        {"text": "x", "elements": [], "attachment": None, "id": None, "other": 1},
        {},
    ],
)
def test_proper_answers_are_taken_as_they_are(server, talk, answer):
    server.reply = (200, answer)
    assert talk.turn().say("utter_greet") == answer


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ((200, None), "its answer is NoneType"),
        ((200, ["text"]), "its answer is list"),
        ((200, {"text": None}), "the 'text' of its response is None"),
        ((200, {"text": 5}), "the 'text' of its response is 5"),
        ((200, {"buttons": ["yes"]}), "the 'buttons' of its response is ['yes']"),
        ((200, {"custom": None}), "the 'custom' of its response is None"),
        ((200, {"attachment": "file"}), "the 'attachment' of its response is 'file'"),
        ((200, b"{"), "is not JSON"),
        ((500, {"error": "no words"}), "it answered 500: no words"),
    ],
)
def test_bad_answers_cost_the_response_but_not_the_dialogue(server, talk, caplog, answer, cause):
    server.reply = answer
    assert perform(talk.actions.find("utter_greet"), talk.turn()) == []
    assert f"The response 'utter_greet' failed at {server.address}: " in caplog.text
    assert cause in caplog.text


def test_a_server_that_is_down_costs_the_response(server, talk):
    url = server.address.replace(str(server.server_port), "1")
    outbound = Outbound()
    talk = Talk(DOMAIN, generate=nlg.generator(read_endpoint({"url": url}, "nlg"), outbound))
    with pytest.raises(ActionFailed, match="can't be reached"):
        talk.runs("utter_greet")
    outbound.close()


@pytest.mark.parametrize("options", [{"type": "response"}, {"store_type": "Response"}])
def test_the_domain_words_them_where_the_type_says_so(options):
    endpoint = read_endpoint({"url": "http://127.0.0.1:1", **options}, "nlg")
    assert nlg.generator(endpoint, Outbound()) is None


def test_without_a_section_the_domain_words_them():
    assert nlg.generator(None, Outbound()) is None


def test_other_types_are_refused():
    endpoint = read_endpoint({"url": "http://127.0.0.1:1", "type": "my.Generator"}, "nlg")
    with pytest.raises(ConfigError, match="'my.Generator' is not known; expected callback"):
        nlg.generator(endpoint, Outbound())
