"""`?include=` on the REST webhook: messages in; beside the bot's words what was understood, chosen and stored, out."""

from __future__ import annotations

import jwt
import pytest

from botapi.settings import Settings
from tests.strict import client

SECRET = "a-secret-that-is-long-enough-for-hs256"
PATH = "/webhooks/rest/webhook?include=parse,tracker,policy"
ORDER = {"sender": "ann", "message": '/order{"item": "mug"}'}


def bearer(name, role="user"):
    token = jwt.encode({"user": {"username": name, "role": role}}, SECRET, algorithm="HS256")
    return {"Authorization": f"Bearer {token}"}


def test_all_of_it_is_of_one_moment(serve):
    app = client(serve())
    found = app.post_json(PATH, ORDER).json
    assert set(found) == {"messages", "parse", "tracker", "policy"}
    assert found["messages"] == [{"recipient_id": "ann", "text": "You get mug."}]
    assert found["tracker"] == app.get("/conversations/ann/tracker").json
    assert found["parse"] == found["tracker"]["latest_message"]
    assert found["parse"]["intent"]["name"] == "order"
    chosen = [(one["action"], one["policy"], one["confidence"]) for one in found["policy"]]
    assert [action for action, _, _ in chosen] == ["utter_item", "action_listen"]
    assert all(policy and confidence > 0.9 for _, policy, confidence in chosen)


@pytest.mark.parametrize("name", ["parse", "tracker", "policy"])
def test_each_may_be_asked_for_alone(serve, name):
    found = client(serve()).post_json(f"/webhooks/rest/webhook?include={name}", ORDER).json
    assert set(found) == {"messages", name}


def test_include_events_says_which_the_tracker_shows(serve):
    found = client(serve()).post_json(f"{PATH}&include_events=NONE", ORDER).json
    assert found["tracker"]["events"] is None


def test_without_it_or_empty_the_answer_is_the_list(serve):
    app = client(serve())
    assert isinstance(app.post_json("/webhooks/rest/webhook?include=", ORDER).json, list)


@pytest.mark.parametrize("value", ["slots", "parse,slots", ",", "Parse"])
def test_what_is_not_known_is_400_and_no_turn(serve, value):
    app = client(serve())
    found = app.post_json(f"/webhooks/rest/webhook?include={value}", ORDER, status=400).json
    assert found["details"] == {"parameter": "include", "in": "query"}
    assert app.get("/conversations").json == []


@pytest.mark.parametrize("query", ["include_events=all%21", "include_events=some&stream=true"])
def test_a_wrong_value_is_refused_even_where_it_has_no_effect(serve, query):
    app = client(serve())
    app.post_json(f"/webhooks/rest/webhook?{query}", ORDER, status=400)
    assert app.get("/conversations").json == []


def test_who_may_ask_is_whom_the_api_would_tell(serve):
    server = serve(auth_token="t", jwt_secret=SECRET)
    app = client(server)
    app.post_json(PATH, ORDER, status=401)
    app.post_json(PATH, ORDER, headers=bearer("bob"), status=403)
    assert server.api.agent.tracker_store.page(None, 1) == []
    assert app.post_json(PATH, ORDER, headers=bearer("ann")).json["tracker"]["sender_id"] == "ann"
    assert app.post_json(PATH, ORDER, headers=bearer("eve", "admin")).json["tracker"]
    assert app.post_json(f"{PATH}&token=t", ORDER).json["tracker"]
    assert app.post_json("/webhooks/rest/webhook", ORDER).json


def test_a_stored_answer_is_for_those_who_were_let_in(serve):
    app = client(serve(auth_token="t"))
    key = {"Idempotency-Key": "k"}
    first = app.post_json(PATH, ORDER, headers={**key, "Authorization": "Bearer t"})
    app.post_json(PATH, ORDER, headers=key, status=422)
    assert app.post_json(PATH, ORDER, headers={**key, "Authorization": "Bearer t"}).json == first.json


def test_without_the_api_it_is_refused(serve):
    app = client(serve(Settings(enable_api=False)))
    assert "--enable-api" in app.post_json(PATH, ORDER, status=403).json["message"]
    assert app.post_json("/webhooks/rest/webhook", ORDER).json
