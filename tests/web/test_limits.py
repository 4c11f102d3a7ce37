"""`rate_limit` of endpoints.yml: what is too much for one caller, and for one user, on a whole server."""

from __future__ import annotations

import jwt
import pytest

from botapi.errors import ConfigError
from tests.strict import client

SECRET = "a secret of thirty-two characters"
WEBHOOK = "/webhooks/rest/webhook"
ONE_AN_HOUR = {"per_second": 1 / 3600, "burst": 1}


def bearer(name, role="admin"):
    return {"Authorization": "Bearer " + jwt.encode({"user": {"username": name, "role": role}}, SECRET)}


def refused(response):
    """Whether a response is the error object of 429, with the time when to come again."""
    if response.status_int != 429:
        return False
    assert response.json["reason"] == "TooManyRequests" and response.json["code"] == 429
    assert 3500 < int(response.headers["Retry-After"]) <= 3600
    return True


def test_each_identity_has_its_own_rate(serve):
    endpoints = {"rate_limit": {"identity": ONE_AN_HOUR}}
    app = client(serve(auth_token="token", jwt_secret=SECRET, endpoints=endpoints))
    by_token = {"Authorization": "Bearer token"}
    for headers in (bearer("ann"), bearer("bob"), by_token):
        assert app.get("/status", headers=headers).status_int == 200
        assert refused(app.get("/domain", headers=headers, status="*"))
    assert app.get("/version", headers=by_token).status_int == 200  # public
    assert app.post_json(WEBHOOK, {"message": "hello"}, headers=by_token).status_int == 200
    assert app.get("/status", status=401)  # who is nobody is told so, however often


@pytest.mark.parametrize("query, headers", [("", {}), ("?stream=true", {}), ("", {"Accept": "text/event-stream"})])
def test_each_sender_has_his_own_rate(serve, query, headers):
    app = client(serve(endpoints={"rate_limit": {"sender": ONE_AN_HOUR}}))
    for sender in ("ann", "bob", 7):
        answers = [
            app.post_json(WEBHOOK + query, {"sender": sender, "message": "hello"}, headers=headers, status="*")
            for _ in "12"
        ]
        assert [refused(answer) for answer in answers] == [False, True]
    events = app.get("/conversations/ann/tracker").json["events"]
    assert sum(event["event"] == "user" for event in events) == 1  # what is refused is not remembered


def test_without_the_section_nobody_is_limited(serve):
    app = client(serve())
    for _ in range(100):
        app.post_json(WEBHOOK, {"sender": "ann", "message": "hello"})


@pytest.mark.parametrize(
    "section, found",
    [
        pytest.param({"address": ONE_AN_HOUR}, "address", id="unknown key"),
        pytest.param({"sender": 5}, "per_second", id="number alone"),
        pytest.param({"sender": {}}, "per_second", id="no rate"),
        pytest.param({"sender": {"per_second": 0}}, "over 0", id="rate of nothing"),
        pytest.param({"sender": {"per_second": True}}, "over 0", id="switch"),
        pytest.param({"sender": {"per_second": float("inf")}}, "over 0", id="no limit"),
        pytest.param({"sender": {"per_second": 5, "per_minute": 7}}, "per_minute", id="unknown unit"),
        pytest.param({"sender": {"per_second": 5, "burst": 0}}, "burst is 0", id="no burst"),
        pytest.param({"identity": {"per_second": 5, "burst": "7"}}, "burst is '7'", id="burst in words"),
    ],
)
def test_a_section_that_makes_no_sense_is_refused(serve, section, found):
    with pytest.raises(ConfigError, match=found) as caught:
        serve(endpoints={"rate_limit": section})
    assert "rate_limit" in str(caught.value)
