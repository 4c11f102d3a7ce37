"""Wrong types in every field of bodies and events: whatever is taken can be read back and talked on with."""

from __future__ import annotations

import json
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botapi.state.events import EVENTS, LEGACY_NAMES
from botapi.stores.sqlite import SqliteStore
from botapi.wsgi import create_app
from tests.attackedbot import agent
from tests.attacks import TOKENS, VALUES, check, variations
from tests.strict import client

UNDERSTOOD = {
    "text": "order tea",
    "intent": {"name": "order", "confidence": 1.0},
    "entities": [{"entity": "item", "value": "tea", "start": 6, "end": 9, "role": None, "group": None}],
    "intent_ranking": [{"name": "order", "confidence": 1.0}],
    "response_selector": {"faq": {"response": {"intent_response_key": "faq/price", "utter_action": "utter_faq/price"}}},
}
COMMON = {"timestamp": 1.5, "metadata": {}}
# What an event needs, and what it may have, beside what all have.
FIELDS = {
    "user": {"text": "order tea", "parse_data": UNDERSTOOD, "input_channel": "rest", "message_id": "m"},
    "bot": {"text": "Hi", "data": {"buttons": [], "elements": []}},
    "agent": {"text": "Hi", "data": {}},
    "slot": {"name": "item", "value": "tea"},
    "action": {"name": "a", "policy": "p", "confidence": 1.0, "action_text": "Hi", "hide_rule_turn": False},
    "active_loop": {"name": "order_form"},
    "loop_interrupted": {"is_interrupted": True},
    "action_execution_rejected": {"name": "order_form", "policy": "p", "confidence": 1.0},
    "entities": {"entities": [{"entity": "item", "value": "tea"}]},
    "user_featurization": {"use_text_for_featurization": True},
    "followup": {"name": "utter_greet"},
    "reminder": {
        "intent": "greet", "date_time": "2130-01-01T00:00:00", "entities": [], "name": "r", "kill_on_user_msg": True,
    },
    "cancel_reminder": {"name": "r", "intent": "greet", "entities": []},
    "export": {"path": "/tmp/exported"},
    "form": {"name": "order_form"},
    "form_validation": {"validate": False},
}  # fmt: skip
BODIES = {
    "execute": {"name": "utter_greet", "policy": "p", "confidence": 1.0},
    "trigger_intent": {"name": "order", "entities": []},
    "messages": {"sender": "user", "text": "order tea", "parse_data": UNDERSTOOD},
}
MESSAGE = {"sender": "z", "message": "order tea", "metadata": {}, "input_channel": "rest"}
SLOTS = ("item", "size", "amount", "fast", "cities", "thing", "note", "requested_slot", "unknown")
DATES = (
    "0001-01-01T00:00:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59", "9999-12-31T23:59:59-23:59",
    "2030-02-30", "2030-01-01T00:00:00+99:99", "2030-01-01T24:00:00", "\u0662\u0660\u0663\u0660-01-01", "now", "", "Z",
)  # fmt: skip


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def server(request, tmp_path_factory):
    """The server, and its conversations in memory or in a file."""
    store = SqliteStore(tmp_path_factory.mktemp("store") / "c.db") if request.param == "sqlite" else None
    served = agent(tracker_store=store)
    made = create_app(served)
    yield made
    made.close()
    served.close()


@pytest.fixture
def app(server):
    return client(server)


# PERF: what a store makes no difference to is tried with one.
IN_MEMORY = pytest.mark.parametrize("server", ["memory"], indirect=True)

_numbers = count()


def new() -> str:
    """The id of a conversation that nobody had."""
    return f"c{next(_numbers)}"


def ask(app, method, path, body=None):
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return check(app.request(path, method=method, body=data, expect_errors=True))


def talk_on(server, app, name):
    """Have a turn in a conversation that is read from its store first, then read it in every form."""
    server.api.agent._forget(name)
    for text in ("/order", "bye"):
        assert ask(app, "POST", "/webhooks/rest/webhook", {"sender": name, "message": text}).status_int == 200
    server.api.agent._forget(name)
    assert ask(app, "GET", f"/conversations/{name}/tracker?include_events=ALL").status_int == 200
    assert ask(app, "GET", f"/conversations/{name}/story?all_sessions=true").status_int == 200
    assert ask(app, "POST", f"/conversations/{name}/predict").status_int == 200


@IN_MEMORY
@pytest.mark.parametrize("kind", [*EVENTS, *LEGACY_NAMES])
def test_every_field_of_every_event(server, app, kind):
    for event in variations({**COMMON, **FIELDS.get(kind, {})}):
        name = new()
        path = f"/conversations/{name}/tracker/events"
        found = ask(app, "POST", path, {**event, "event": kind})
        effects = ask(app, "POST", f"{path}?execute_side_effects=true", [{**event, "event": kind}])
        assert found.status_int == effects.status_int
        if found.status_int == 200:
            talk_on(server, app, name)


def parts_with(value):
    """What a part of parse data can look like that has a value somewhere."""
    entity = UNDERSTOOD["entities"][0]
    yield from (value, {"name": value}, {"name": "order", "confidence": value})
    yield from ([{**entity, key: value}] for key in ("entity", "value", "role", "group", "start"))
    yield from ({"faq": {"response": value}}, {"default": value})


@IN_MEMORY
@pytest.mark.parametrize("field", UNDERSTOOD)
def test_every_part_of_parse_data(server, app, field):
    for value in VALUES:
        for part in parts_with(value):
            parse_data, name = {**UNDERSTOOD, field: part}, new()
            body = {"sender": "user", "text": "order tea", "parse_data": parse_data}
            found = ask(app, "POST", f"/conversations/{name}/messages", body)
            if found.status_int == 200:
                talk_on(server, app, name)
            else:
                assert ask(app, "POST", f"/conversations/{name}/tracker/events", {"event": "user", **body}).status_int


@pytest.mark.parametrize("route", BODIES)
def test_every_field_of_every_body(server, app, route):
    for body in variations(BODIES[route], "metadata", "message_id"):
        name = new()
        ask(app, "POST", f"/conversations/{name}/tracker/events", {"event": "restart"})
        if ask(app, "POST", f"/conversations/{name}/{route}", body).status_int == 200:
            talk_on(server, app, name)


@IN_MEMORY
@pytest.mark.parametrize("channel", ["latest", "nope", "os.system", "%00", "a%0d%0ab", "../x"])
def test_every_output_channel(app, channel):
    for route, body in BODIES.items():
        status = ask(app, "POST", f"/conversations/o/{route}?output_channel={channel}", body).status_int
        assert status in (200, 400, 404)


@pytest.mark.parametrize("stream", ["", "?stream=true"])
def test_every_field_of_a_message(server, app, stream):
    for body in variations(MESSAGE, "session_id"):
        ask(app, "POST", f"/webhooks/rest/webhook{stream}", body)
    talk_on(server, app, "z")


@pytest.mark.parametrize("slot", SLOTS)
def test_every_value_in_every_slot(server, app, slot):
    for value in VALUES:
        name = new()
        events = [{"event": "slot", "name": slot, "value": value}, {"event": "active_loop", "name": "order_form"}]
        assert ask(app, "POST", f"/conversations/{name}/tracker/events", events).status_int == 200
        talk_on(server, app, name)


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
def test_every_odd_token_in_every_text(server, app, token):
    name = new()
    ask(app, "GET", f"/conversations/{name}/tracker")
    for path, body in (
        (f"/conversations/{name}/tracker/events", b'{"event": "slot", "name": "item", "value": %s}'),
        (f"/conversations/{name}/tracker/events", b'{"event": "slot", "name": "item", "value": 1, "timestamp": %s}'),
        (f"/conversations/{name}/tracker/events", b'{"event": "bot", "text": %s, "metadata": {"a": %s}}'),
        (f"/conversations/{name}/trigger_intent", b'{"name": "order", "entities": {"item": %s}}'),
        (f"/conversations/{name}/messages", b'{"sender": "user", "text": %s}'),
        (f"/conversations/{name}/execute", b'{"name": "utter_greet", "confidence": %s}'),
        ("/webhooks/rest/webhook", b'{"sender": %s, "message": "hello"}'),
        ("/webhooks/rest/webhook", b'{"sender": "a", "message": %s}'),
        ("/webhooks/rest/webhook", b'{"sender": "a", "message": "hello", "metadata": {"a": [%s]}}'),
        ("/model/parse", b'{"text": %s}'),
        ("/model", b'{"model_file": %s}'),
    ):
        method = "PUT" if path == "/model" else "POST"
        if token == TOKENS["5000 digits behind the point"]:
            ask(app, method, path, body.replace(b"%s", token))
        else:
            assert ask(app, method, path, body.replace(b"%s", token)).status_int == 400
    talk_on(server, app, name)


@IN_MEMORY
@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
def test_every_odd_token_inside_the_text_of_a_message(server, app, token):
    name = new()
    for text in ('/order{"item": %s}', '/order{"city": [%s, %s]}', "/order{%s: 1}", "/order@%s"):
        body = {"sender": name, "message": text.replace("%s", token.decode("utf-8", "replace"))}
        ask(app, "POST", "/webhooks/rest/webhook", body)
        ask(app, "POST", "/model/parse", {"text": body["message"]})
    talk_on(server, app, name)


@pytest.mark.parametrize("date", DATES)
def test_reminders_at_times_that_are_none(server, app, date):
    body = {"event": "reminder", "intent": "greet", "name": "r", "date_time": date}
    ask(app, "POST", "/conversations/r/tracker/events?execute_side_effects=true", body)
    server.api.agent.restore_reminders()
    talk_on(server, app, "r")


KINDS = [*EVENTS, *LEGACY_NAMES]
JSON = st.recursive(
    st.sampled_from(VALUES) | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
KNOWN = sorted({"event", "sender", "message", "text", "model_file", *(key for one in FIELDS.values() for key in one)})
OBJECTS = st.dictionaries(st.sampled_from(KNOWN), JSON, max_size=5)
EVENT = st.builds(lambda kind, rest: {**FIELDS.get(kind, {}), **rest, "event": kind}, st.sampled_from(KINDS), OBJECTS)
ROUTES = ("tracker/events", "execute", "trigger_intent", "messages", "predict")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(route=st.sampled_from(ROUTES), body=OBJECTS | JSON | EVENT | st.lists(EVENT, max_size=4))
def test_whatever_is_taken_by_a_conversation_can_be_talked_on_with(server, app, route, body):
    name = new()
    ask(app, "PUT" if isinstance(body, list) else "POST", f"/conversations/{name}/{route}", body)
    ask(app, "POST", f"/conversations/{name}/tracker/events", body)
    talk_on(server, app, name)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=OBJECTS | JSON | st.lists(EVENT, max_size=3))
def test_whatever_is_sent_elsewhere_is_answered(app, body):
    for method, path in (("PUT", "/model"), ("POST", "/model/parse"), ("POST", "/model/predict")):
        ask(app, method, path, body)
    ask(app, "POST", "/webhooks/rest/webhook", body)
