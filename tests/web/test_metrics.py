"""`GET /metrics`, as Prometheus' own parser reads it, after requests of a real server have been counted."""

from __future__ import annotations

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.programs import ROOT, served
from tests.strict import client
from tests.waiting import action_server, waiting_bot


def scrape(text):
    """{(sample, its labels): value} of an answer."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[(sample.name, *sample.labels.values())] = sample.value
    return found


@pytest.fixture
def growth(app):
    """What has been counted since the test began, by sample."""
    before = scrape(app.get("/metrics").text)
    return lambda *sample: scrape(app.get("/metrics").text).get(sample, 0) - before.get(sample, 0)


def test_the_answer_says_which_format_it_has(app):
    assert app.get("/metrics").headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


def test_requests_are_counted_by_method_route_and_status(app, growth):
    for sender in ("ann", "bob/the/second"):
        app.get(f"/conversations/{sender}/tracker")
    app.get("/conversations/ann/tracker?include_events=nonsense", status=400)
    app.get("/nowhere", status=404)
    route = "/conversations/{conversation_id}/tracker"
    assert growth("botapi_http_requests_total", "GET", route, "200") == 2
    assert growth("botapi_http_requests_total", "GET", route, "400") == 1
    assert growth("botapi_http_requests_total", "GET", "other", "404") == 1
    assert growth("botapi_http_request_duration_seconds_count", "GET", route) == 3


def test_turns_and_what_they_consist_of_are_counted(app, growth):
    for _ in range(3):
        app.post_json("/webhooks/rest/webhook", {"sender": "ann", "message": "hello"})
    app.post_json("/model/parse", {"text": "hello"})
    assert growth("botapi_turn_duration_seconds_count") == 3
    assert growth("botapi_parse_duration_seconds_count") == 4
    assert growth("botapi_lock_wait_seconds_count") == 3


def test_models_that_load_are_counted(app, server, growth):
    server.api.agent.load_model(server.api.agent.bot.path)
    assert growth("botapi_model_load_duration_seconds_count", "ok") == 1


def test_it_is_guarded(serve):
    guarded = client(serve(auth_token="secret"))
    guarded.get("/metrics", status=401)
    guarded.get("/metrics", headers={"Authorization": "Bearer secret"})


def test_a_served_bot_counts_its_actions_and_the_page_lists_all_of_its_metrics(tmp_path):
    with action_server() as actions:
        actions.may_answer.set()
        with served("--enable-api", folder=waiting_bot(tmp_path / "bot"), ACTION_URL=actions.url) as server:
            assert server.say("hello") == ["First.", "Last."]
            _, text = server.request("GET", "/metrics")
    found = scrape(text)
    assert found["botapi_action_duration_seconds_count", "action_wait", "ok"] == 1
    assert found["botapi_http_requests_total", "POST", "/webhooks/rest/webhook", "200"] == 1
    assert found[("botapi_jobs",)] == found[("botapi_requests_waiting",)] == 0
    told = re.findall(r"^\| `(botapi_\w+)`", (ROOT / "docs" / "deployment.md").read_text(), re.MULTILINE)
    assert sorted(told) == sorted(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
