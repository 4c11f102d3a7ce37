"""Custom actions: a real rasa-sdk server, and servers that misbehave in every way."""

from __future__ import annotations

import json
import logging
import threading
import zlib

import pytest

from botapi.actions.action import ActionFailed, ActionRejected, perform
from botapi.actions.remote import PROTOCOL_VERSION, ActionServer
from botapi.outbound import Outbound, read_endpoint
from tests.actions.talk import Talk, short
from tests.serving import Handler, serving

DOMAIN = {
    "intents": ["greet", "order"],
    "entities": ["size"],
    "slots": {
        "size": {"type": "text", "mappings": [{"type": "from_entity", "entity": "size"}]},
        "note": {"type": "any", "mappings": [{"type": "custom"}]},
    },
    "forms": {"order_form": {"required_slots": ["size"]}},
    "responses": {
        "utter_bye": [{"text": "Bye"}],
        "utter_named": [{"text": "Dear {who}, {size}"}],
        "utter_ask_size": [{"text": "Which size?", "buttons": [{"title": "Small", "payload": "/small"}]}],
    },
    "actions": [
        "action_hello",
        "action_everything",
        "action_named_responses",
        "action_look",
        {"action_look_with_domain": {"send_domain": True}},
        "action_refuse",
        "action_fail",
        "action_end_session",
        "action_unknown_there",
        "action_ask_size",
    ],
}


@pytest.fixture
def outbound():
    connections = Outbound()
    yield connections
    connections.close()


@pytest.fixture
def talk(action_server_url, outbound):
    """A conversation in which the user has greeted, with actions on the real server."""
    return talk_with(action_server_url, outbound)


def talk_with(url, outbound, options=None, **more):
    endpoint = read_endpoint({"url": url, **(options or {})}, "action_endpoint")
    talk = Talk(DOMAIN, server=ActionServer(endpoint, outbound, **more))
    talk.hears("greet", size="large")
    return talk


def test_events_and_messages_come_back(talk):
    assert short(talk.runs("action_hello")) == ["Hello anna", ("size", "small"), "followup"]


def test_all_parts_of_a_message_arrive(talk):
    (message,) = talk.runs("action_everything")
    assert message.text == "All"
    assert message.metadata == {"mood": "sunny"}
    assert message.data == {
        "elements": [{"title": "Mug"}],
        "quick_replies": None,
        "buttons": [{"title": "Yes", "payload": "/yes"}],
        "attachment": "a.pdf",
        "image": "i.png",
        "custom": {"kind": "carousel"},
    }


def test_named_responses_are_filled_extended_and_replaced(talk, caplog):
    talk.knows({"event": "slot", "name": "size", "value": "large"})
    named, ask, bye = talk.runs("action_named_responses")
    assert named.text == "Dear Ann, large"
    assert named.metadata == {"utter_action": "utter_named", "who": "Ann", "template": "utter_named"}
    assert [button["title"] for button in ask.data["buttons"]] == ["Small", "Huge"]
    assert (bye.text, bye.metadata["utter_action"]) == ("Replaced", "utter_bye")
    assert "'utter_missing', which the domain does not have" in caplog.text
    # The domain's own buttons are no longer than before.
    assert [len(event.data["buttons"] or []) for event in talk.runs("action_named_responses")] == [0, 2, 0]


def test_the_server_sees_tracker_and_domain(talk):
    talk.does("action_look")
    seen = talk.tracker.slots["note"]
    assert seen == {
        "sender_id": "anna",
        "slots": {"size": None, "note": None, "requested_slot": None, "session_started_metadata": None},
        "intent": "greet",
        "events": ["action", "user"],
        "latest_action_name": "action_listen",
        "active_loop": None,
        "domain_has_forms": True,
    }


def test_compressed_requests_are_understood(action_server_url, outbound):
    talk = talk_with(action_server_url, outbound, is_compressed=True)
    assert short(talk.runs("action_hello"))[0] == "Hello anna"


def test_400_is_a_rejection(talk):
    with pytest.raises(ActionRejected, match="not today") as caught:
        talk.runs("action_refuse")
    assert caught.value.action == "action_refuse"


def test_events_of_newer_servers_are_ignored_with_a_log_line(talk, caplog):
    assert short(talk.runs("action_end_session")) == ["Over", "reset_slots"]
    assert "'session_ended' of the action 'action_end_session' is unknown here and ignored" in caplog.text


@pytest.mark.parametrize(
    ("action", "cause"),
    [
        ("action_fail", "it answered 500: the database is gone"),
        ("action_unknown_there", "it answered 404: No registered action found for name 'action_unknown_there'"),
    ],
)
def test_failures_of_the_real_server_name_action_url_and_cause(talk, action_server_url, caplog, action, cause):
    assert perform(talk.actions.find(action), talk.turn()) == []
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.getMessage() == f"The action '{action}' failed at {action_server_url}: {cause}. Its events are lost."


def test_without_a_server_the_action_says_what_to_configure():
    with pytest.raises(ActionFailed, match="'action_hello' can't run.*action_endpoint"):
        Talk(DOMAIN).runs("action_hello")


# ------------------------------------------------------------------ servers that misbehave


class Odd(Handler):
    """Answers what the test put into `server.answers`, the last one for ever; keeps requests in `server.calls`."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.body()
        if self.headers.get("Content-Encoding") == "deflate":
            body = zlib.decompress(body)
        self.server.calls.append((dict(self.headers), json.loads(body), self.path))
        answers = self.server.answers
        status, kind, reply = answers.pop(0) if len(answers) > 1 else answers[0]
        self.answer(status, reply, Content_Type=kind)


@pytest.fixture
def odd():
    with serving(Odd) as server:
        server.address, server.answers, server.calls = f"{server.url}/webhook", [], []
        yield server


def answer(value, status=200, kind="application/json"):
    return status, kind, value if isinstance(value, bytes) else json.dumps(value).encode()


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        pytest.param(answer(b"{"), "The answer is not JSON", id="broken JSON"),
        pytest.param(answer(b""), "The answer is not JSON", id="empty"),
        pytest.param(answer({"events": []}, kind="text/plain"), "has the type 'text/plain'", id="wrong content type"),
        pytest.param(answer(None), "its answer is NoneType", id="null"),
        pytest.param(answer([]), "its answer is list", id="list"),
        pytest.param(answer({"events": None}), "its 'events' are no list of objects", id="null events"),
        pytest.param(answer({"responses": None}), "its 'responses' are no list of objects", id="null responses"),
        pytest.param(answer({"responses": ["hi"]}), "its 'responses' are no list of objects", id="text as response"),
        pytest.param(answer({"events": ["slot"]}), "its 'events' are no list of objects", id="text as event"),
        pytest.param(
            answer({"events": [{"event": "slot", "name": "size"}], "responses": [{"text": "lost"}]}),
            "its event 0 is wrong",
            id="slot without value",
        ),
        pytest.param(answer({"events": [{"event": "nonsense"}]}), "Unknown event 'nonsense'", id="unknown event"),
        pytest.param(answer({"events": [{}]}), "'event' is missing", id="nameless event"),
        pytest.param(answer({"events": [{"event": []}]}), "its event 0 is wrong", id="list as event name"),
        pytest.param(answer(b"<h1>no</h1>\n", 502, "text/html"), "it answered 502: <h1>no</h1>", id="bad gateway"),
        pytest.param(answer(b"", 404), "it answered 404: (empty body)", id="empty 404"),
        pytest.param(answer({"error": "x"}, 400), "400 without the key 'action_name'", id="400 without a name"),
        pytest.param(answer(b"no", 400), "The answer is not JSON", id="400 without JSON"),
        pytest.param(answer({"error": "x"}, 449), "it answered 449", id="449 though the domain was sent"),
        pytest.param(answer(b"", 302), "it answered 302: (empty body)", id="redirect"),
        pytest.param(answer({"events": [{"event": "user", "text": 5}]}), "its event 0 is wrong", id="number as text"),
        pytest.param(answer({"responses": [{"response": ["x"]}]}), "has the response ['x']", id="list as response"),
        pytest.param(answer({"responses": [{"buttons": 5}]}), "has the buttons 5", id="number as buttons"),
    ],
)
def test_bad_answers_cost_the_events_but_not_the_dialogue(odd, outbound, caplog, given, cause):
    odd.answers.append(given)
    talk = talk_with(odd.address, outbound)
    assert perform(talk.actions.find("action_hello"), talk.turn()) == []
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    message = record.getMessage()
    assert message.startswith(f"The action 'action_hello' failed at {odd.address}: ")
    assert cause in message
    assert "\n" not in message


def test_a_server_that_is_down_costs_the_events_only(outbound, caplog, odd):
    url = odd.address.replace(str(odd.server_port), "1")
    talk = talk_with(f"{url}?token=secret", outbound)
    assert perform(talk.actions.find("action_hello"), talk.turn()) == []
    assert f"failed at {url}: {url} can't be reached" in caplog.text
    assert "secret" not in caplog.text


def test_a_server_that_is_slow_costs_the_events_only(outbound, caplog):
    may_end = threading.Event()

    class Silent(Handler):
        def do_POST(self):
            may_end.wait()

    with serving(Silent) as server:
        try:
            talk = talk_with(server.url, outbound, {"timeout": 0.2})
            assert perform(talk.actions.find("action_hello"), talk.turn()) == []
            assert "did not answer within 0.2 s" in caplog.text
        finally:
            may_end.set()


def test_a_server_that_is_busy_is_asked_again_as_often_as_configured(odd, outbound):
    odd.answers += [(503, "text/plain", b"later"), answer({"events": [{"event": "pause"}]})]
    assert short(talk_with(odd.address, outbound, {"retries": 1}).runs("action_hello")) == ["pause"]
    assert len(odd.calls) == 2


def test_without_retries_a_busy_server_is_asked_once(odd, outbound, caplog):
    odd.answers += [(503, "text/plain", b"later"), answer({})]
    talk = talk_with(odd.address, outbound)
    assert perform(talk.actions.find("action_hello"), talk.turn()) == []
    assert "503" in caplog.text
    assert len(odd.calls) == 1


def test_missing_keys_and_other_json_types_are_fine(odd, outbound):
    odd.answers.append(answer({}, kind="application/vnd.api+json; charset=utf-8"))
    assert talk_with(odd.address, outbound).runs("action_hello") == []


def test_the_older_name_for_a_response_is_understood(odd, outbound):
    odd.answers.append(answer({"responses": [{"template": "utter_named", "who": "Bob", "buttons": None}]}))
    (message,) = talk_with(odd.address, outbound).runs("action_hello")
    assert message.text == "Dear Bob, None"


def test_the_request_is_that_of_the_protocol(odd, outbound):
    odd.answers.append(answer({"events": []}))
    talk = talk_with(odd.address, outbound, {"token": "t0", "headers": {"X-Room": "7"}})
    talk.runs("action_hello")
    ((headers, body, path),) = odd.calls
    assert path == "/webhook?token=t0"
    assert headers["X-Room"] == "7" and headers["Content-Type"] == "application/json"
    assert list(body) == ["next_action", "sender_id", "tracker", "version", "domain"]
    assert (body["next_action"], body["sender_id"], body["version"]) == ("action_hello", "anna", PROTOCOL_VERSION)
    assert body["domain"] == talk.domain.as_dict()
    assert set(body["tracker"]) >= {"slots", "latest_message", "events", "active_loop", "latest_action_name"}


def test_events_before_the_open_session_do_not_travel(odd, outbound):
    odd.answers.append(answer({}))
    talk = talk_with(odd.address, outbound)
    talk.tracker.opened_at = len(talk.tracker.events)
    talk.hears("order")
    talk.runs("action_hello")
    assert [event["event"] for event in odd.calls[0][1]["tracker"]["events"]] == ["user"]


@pytest.mark.parametrize(
    ("action", "is_sent"), [("action_look", False), ("action_look_with_domain", True), ("action_hello", False)]
)
@pytest.mark.parametrize("value", [True, "true"])
def test_selective_domain(odd, outbound, action, is_sent, value):
    odd.answers.append(answer({}))
    talk_with(odd.address, outbound, {"enable_selective_domain": value}).runs(action)
    assert ("domain" in odd.calls[0][1]) is is_sent


def test_449_sends_again_with_the_domain(odd, outbound):
    odd.answers += [answer({"error": "no domain", "action_name": "action_hello"}, 449), answer({"events": []})]
    talk_with(odd.address, outbound, {"enable_selective_domain": True}).runs("action_hello")
    assert ["domain" in body for _, body, _ in odd.calls] == [False, True]


def test_449_of_the_real_server(action_server_url, outbound):
    """A fresh rasa-sdk has no domain yet and asks for it; whatever it knows, the action runs."""
    talk = talk_with(action_server_url, outbound, {"enable_selective_domain": True})
    assert short(talk.runs("action_hello"))[0] == "Hello anna"


def test_connections_are_reused(odd, outbound):
    odd.answers.append(answer({}))
    ports = []
    accept = odd.get_request

    def counting():
        connection, address = accept()
        ports.append(address[1])
        return connection, address

    odd.get_request = counting
    talk = talk_with(odd.address, outbound)
    for _ in range(3):
        talk.runs("action_hello")
    assert len(odd.calls) == 3 and len(ports) == 1
