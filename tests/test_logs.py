"""What a served bot tells of its work: logs, and the trace that it passes on; and what it keeps to itself."""

from __future__ import annotations

import json
import signal
import urllib.request

import pytest

from tests.channels.receiver import receiver
from tests.programs import served
from tests.projects import write
from tests.waiting import action_server, waiting_bot

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACING = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "tracestate": "a=1"}
TOKEN, ACTION_TOKEN, PASSWORD = "token-of-the-api", "token-of-the-actions", "swordfish"


@pytest.fixture
def actions():
    with action_server() as server:
        server.may_answer.set()
        yield server


def lines_of(server):
    """All that a server logged, once it has ended."""
    server.process.send_signal(signal.SIGTERM)
    return server.process.stderr.read().splitlines()


def talk(server, headers=None):
    """Everything that carries texts and tokens, right and wrong."""
    path = "/webhooks/rest/webhook"
    for text in ("hello", f"it is {PASSWORD}", f"/nothing {PASSWORD}", f'/greet{{"{PASSWORD}": 1}} {PASSWORD}'):
        assert server.request("POST", path, {"sender": "ann", "message": text}, headers)[0] == 200
        assert server.request("POST", f"{path}?stream=true", {"sender": "bob", "message": text}, headers)[0] == 200
        assert server.request("POST", f"/model/parse?token={TOKEN}", {"text": text}, headers)[0] == 200
    assert server.request("POST", path, {"sender": "ann", "message": [PASSWORD]}, headers)[0] == 400
    assert server.request("POST", f"/model/parse?token={PASSWORD}", {"text": "hello"}, headers)[0] == 401
    bearer = {"Authorization": f"Bearer {TOKEN}", **(headers or {})}
    assert server.request("GET", "/conversations/ann/tracker", headers=bearer)[0] == 200
    assert server.request("PUT", "/model", {"model_file": f"/{PASSWORD}"}, headers=bearer)[0] == 400


@pytest.mark.parametrize("kind", ["text", "json"])
def test_texts_and_tokens_are_not_logged_not_even_when_everything_is(kind, actions, tmp_path):
    bot = waiting_bot(tmp_path / "bot", f"  token: {ACTION_TOKEN}\n")
    words = ("-vv", "--log-format", kind, "--enable-api", "--auth-token", TOKEN)
    with served(*words, folder=bot, ACTION_URL=actions.url) as server:
        talk(server)
        lines = lines_of(server)
    assert len(lines) >= 16, "the requests are logged"
    told = [line for line in lines for word in (PASSWORD, TOKEN, ACTION_TOKEN, "hello", "First.") if word in line]
    assert told == []


def test_json_lines_belong_to_a_request_and_its_trace(actions, tmp_path):
    words = ("-vv", "--log-format", "json", "--enable-api", "--auth-token", TOKEN)
    with served(*words, folder=waiting_bot(tmp_path / "bot"), ACTION_URL=actions.url) as server:
        talk(server, {**TRACING, "X-Request-ID": "r-1"})
        lines = [json.loads(line) for line in lines_of(server)]
    requests = [line for line in lines if line["logger"] == "middleware.requestlog"]
    assert len(requests) == 16
    for line in requests:
        assert (line["request_id"], line["trace_id"]) == ("r-1", TRACE)
        assert line["path"].startswith("/") and "?" not in line["path"]
        assert line["status"].isdigit() and line["bytes"] >= 0 and line["ms"] > 0
    others = [line for line in lines if line["logger"] == "botapi.nlu.intentsyntax"]
    assert len(others) == 9 and {line.get("request_id") for line in others} == {"r-1"}


@pytest.mark.parametrize("query", ["", "?stream=true"])
def test_the_action_server_gets_the_trace_of_the_request(query, actions, tmp_path):
    with served(folder=waiting_bot(tmp_path / "bot"), ACTION_URL=actions.url) as server:
        for headers in (TRACING, {"traceparent": "nonsense"}, None):
            body = {"sender": "ann", "message": "hello"}
            assert server.request("POST", f"/webhooks/rest/webhook{query}", body, headers)[0] == 200
        asked = [{name.lower(): value for name, value in actions.next()[0].items()} for _ in range(3)]
    assert {name: asked[0].get(name) for name in TRACING} == TRACING
    assert not {name for headers in asked[1:] for name in headers if name.startswith("trace")}


def test_what_is_posted_later_has_the_trace_of_the_request_too(actions, tmp_path):
    bot = waiting_bot(tmp_path / "bot")
    with receiver() as callback:
        write(bot, {"credentials.yml": f"callback: {{url: '{callback.url}/bot'}}"})
        with served("--enable-api", folder=bot, ACTION_URL=actions.url) as server:
            body = {"sender": "ann", "message": "hello"}
            assert server.request("POST", "/webhooks/callback/webhook", body, TRACING) == (200, "success")
            url = f"/model/train?callback_url={callback.url}/trained"
            request = urllib.request.Request(server.url + url, b"{", TRACING, method="POST")
            with urllib.request.urlopen(request, timeout=60) as answer:
                assert answer.status == 204
            posted = [callback.next() for _ in range(3)]
    assert sorted(path for path, *_ in posted) == ["/bot", "/bot", "/trained"]
    for _, headers, _ in posted:
        assert {name.lower(): value for name, value in headers.items()}.items() >= TRACING.items()
