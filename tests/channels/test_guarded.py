"""Webhooks that want credentials: `auth: true` in credentials.yml and requests in; answers, 401 and 403 out."""

from __future__ import annotations

import jwt
import pytest

from botapi.channels import load_channels
from botapi.channels.channel import Host
from botapi.errors import ConfigError
from botapi.settings import Settings
from tests.channels.receiver import receiver
from tests.smallbot import agent
from tests.strict import client

SECRET = "a-secret-that-is-long-enough-for-hs256"
WEBHOOK = "/webhooks/rest/webhook"


def bearer(**user):
    return {"Authorization": f"Bearer {jwt.encode({'user': user}, SECRET, algorithm='HS256')}"}


ADMIN = bearer(username="root", role="admin")
ANN = bearer(username="ann", role="user")


@pytest.fixture
def app(serve):
    """A client of a server whose REST webhook is guarded by a token and by JWT."""
    options = {"auth_token": "t", "jwt_secret": SECRET}
    return client(serve(Settings(enable_api=True, credentials={"rest": {"auth": True}}, **options)))


def say(app, body=None, headers=None, query="", status=200):
    body = {"message": "hello", **(body or {})}
    return app.post_json(f"{WEBHOOK}{query}", body, headers=headers or {}, status=status).json


def test_nobody_is_refused(app):
    found = app.post_json(WEBHOOK, {"message": "hello"}, status=401)
    assert found.json["reason"] == "NotAuthenticated"
    assert found.headers["WWW-Authenticate"].startswith("Bearer")


def test_health_is_public(app):
    assert app.get("/webhooks/rest/").json == {"status": "ok"}


@pytest.mark.parametrize(
    ("headers", "query"), [(ADMIN, ""), ({}, "?token=t"), ({"Authorization": "Bearer t"}, "")], ids=str
)
def test_the_token_and_an_admin_speak_for_anybody(app, headers, query):
    assert say(app, {"sender": "bob"}, headers, query)[0]["recipient_id"] == "bob"
    assert say(app, {}, headers, query)[0]["recipient_id"] == "default"


@pytest.mark.parametrize("body", [{}, {"sender": None}, {"sender": ""}, {"sender": "ann"}])
def test_a_user_speaks_for_himself(app, body):
    assert say(app, body, ANN)[0]["recipient_id"] == "ann"


@pytest.mark.parametrize("sender", ["bob", "default", "Ann", " ann", 5])
@pytest.mark.parametrize("query", ["", "?stream=true"])
def test_a_user_does_not_speak_for_others(app, sender, query):
    found = say(app, {"sender": sender}, ANN, query, status=403)
    assert found["reason"] == "NotAuthorized"
    assert found["details"] == {"parameter": "sender", "in": "body"}
    assert app.get(f"/conversations/{sender}/story", headers=ADMIN, status=404)


@pytest.mark.parametrize("user", [{}, {"username": "ann"}, {"username": "ann", "role": "guest"}, {"role": "user"}])
def test_who_has_no_role_or_name_is_refused(app, user):
    assert say(app, {}, bearer(**user), status=403)["reason"] == "NotAuthorized"


def test_a_name_that_is_a_number_is_himself(app):
    assert say(app, {"sender": 5}, bearer(username="5", role="user"))[0]["recipient_id"] == "5"


def test_without_the_option_a_webhook_is_public(serve):
    app = client(serve(Settings(credentials={"rest": None}, auth_token="t", jwt_secret=SECRET)))
    assert say(app, {"sender": "bob"}, ANN)[0]["recipient_id"] == "bob"


def test_the_callback_channel_can_be_guarded_too(serve):
    with receiver() as server:
        credentials = {"callback": {"auth": True, "url": server.url}}
        app = client(serve(Settings(credentials=credentials, jwt_secret=SECRET)))
        body = {"message": "hello", "sender": "bob"}
        app.post_json("/webhooks/callback/webhook", body, status=401)
        app.post_json("/webhooks/callback/webhook", body, headers=ANN, status=403)
        app.post_json("/webhooks/callback/webhook", body, headers=ADMIN)
        assert server.next()[2]["recipient_id"] == "bob"
        assert server.posted.empty()


@pytest.mark.parametrize("name", ["rest", "cmdline", "callback"])
def test_a_guard_that_knows_nobody_is_refused(name):
    section = {"auth": True, "url": "http://127.0.0.1:9/"} if name == "callback" else {"auth": True}
    with pytest.raises(ConfigError, match="--auth-token or --jwt-secret"):
        load_channels({name: section}, Host(agent()))


@pytest.mark.parametrize("section", [{"auth": "yes"}, {"auth": 1}, {"auht": True}])
def test_a_guard_that_is_misspelt_is_refused(section):
    with pytest.raises(ConfigError, match="credentials: rest has"):
        load_channels({"rest": section}, Host(agent(), has_auth=True))
