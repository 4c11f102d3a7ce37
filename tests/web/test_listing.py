"""`GET /conversations`: conversations of real turns in; ids or objects, filtered and by pages, out."""

from __future__ import annotations

import re

import pytest


@pytest.fixture
def app(app):
    """A client of a server with four conversations."""
    for name, text, channel in [("ann", "hello", None), ("bob", "/order{}", "slack"), ("b/c", "bye", None)]:
        app.post_json("/webhooks/rest/webhook", {"sender": name, "message": text, "input_channel": channel})
    app.post_json("/conversations/dan/tracker/events", {"event": "slot", "name": "item", "value": "a mug"})
    return app


def following(response):
    """The address that a page's Link header leads to, or None."""
    link = response.headers.get("Link")
    return re.fullmatch(r'<(.*)>; rel="next"', link)[1] if link else None


def test_without_parameters_it_is_the_sorted_array_of_all_ids(app):
    found = app.get("/conversations")
    assert found.json == ["ann", "b/c", "bob", "dan"]
    assert "Link" not in found.headers
    assert app.get("/conversations/").json == found.json


def test_nobody_has_spoken_yet(empty):
    assert empty.get("/conversations").json == []


def test_pages_are_linked_and_keep_filter_and_form(app):
    pages, path = [], "/conversations?limit=1&channel=rest&expand=true&token=secret"
    while path:
        response = app.get(path)
        pages.append([one["sender_id"] for one in response.json])
        path = following(response)
        assert "secret" not in (path or "")
    assert pages == [["ann"], ["b/c"]]


def test_a_page_that_holds_all_has_no_next(app):
    assert following(app.get("/conversations?limit=4")) is None
    assert following(app.get("/conversations?limit=3")) == "/conversations?limit=3&cursor=bob"


def test_the_link_leads_to_where_the_server_is_mounted(app):
    response = app.get("/conversations?limit=2", extra_environ={"SCRIPT_NAME": "/bot"})
    assert following(response) == "/bot/conversations?limit=2&cursor=b%2Fc"


def test_expanded_it_tells_time_channel_and_counts(app):
    first, *_, last = app.get("/conversations?expand=true").json
    tracker = app.get("/conversations/ann/tracker?include_events=ALL").json
    assert first == {
        "sender_id": "ann",
        "latest_event_time": tracker["latest_event_time"],
        "latest_input_channel": "rest",
        "num_events": len(tracker["events"]),
        "num_user_messages": 1,
    }
    assert (last["sender_id"], last["latest_input_channel"], last["num_user_messages"]) == ("dan", None, 0)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("channel=slack", ["bob"]),
        ("channel=", ["ann", "b/c", "bob", "dan"]),
        ("slot=item", ["dan"]),
        ("slot=item=a%20mug", ["dan"]),
        ("slot=item=a", []),
        ("slot=item=", []),
        ("slot=other", []),
        ("until=1", []),
        ("since=1&until=9e9", ["ann", "b/c", "bob", "dan"]),
        ("since=9e9", []),
        ("cursor=b", ["b/c", "bob", "dan"]),
        ("cursor=zzz", []),
    ],
)
def test_filters(app, query, ids):
    assert app.get(f"/conversations?{query}").json == ids


def test_times_are_those_of_the_newest_event(app):
    time_s = app.get("/conversations?expand=true&slot=item").json[0]["latest_event_time"]
    assert app.get("/conversations", {"since": repr(time_s)}).json == ["dan"]
    assert app.get("/conversations", {"until": repr(time_s - 1e-4)}).json == ["ann", "b/c", "bob"]


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "limit=", "since=", "since=soon", "until=x"])
def test_what_is_not_understood_is_400_that_names_it(app, query):
    found = app.get(f"/conversations?{query}", status=400).json
    assert found["details"] == {"parameter": query.partition("=")[0], "in": "query"}


def test_all_are_listed_however_many(server, app):
    for number in range(1200):
        server.api.agent.tracker_store.append(f"n{number:04d}", [{"event": "pause", "timestamp": 1.0}], after=0)
    assert len(app.get("/conversations").json) == 1204
    assert len(app.get("/conversations?limit=1000").json) == 1000
