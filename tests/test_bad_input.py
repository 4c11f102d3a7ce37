"""Bad requests to every route of the server: hostile paths, headers and bodies in, a 4xx with the reason out."""

from __future__ import annotations

import io
import json
import time
from urllib.parse import quote
from wsgiref.util import setup_testing_defaults

import jwt
import pytest

from botapi.settings import Settings
from botapi.stores.sqlite import SqliteStore
from botapi.web import routes
from botapi.wsgi import application, create_app
from middleware.wsgi import call
from tests.attackedbot import agent, archive
from tests.attacks import BODIES, HEADERS, IDS, LENGTHS, METHODS, QUERIES, VALUES, check, check_refusal
from tests.channels.receiver import receiver
from tests.strict import client, strict

CHANNELS = [
    ("GET", "/webhooks/rest/"),
    ("POST", "/webhooks/rest/webhook"),
    ("GET", "/webhooks/callback/"),
    ("POST", "/webhooks/callback/webhook"),
]
TABLE = [(endpoint.method, endpoint.path) for endpoint in routes.endpoints()] + CHANNELS
PATHS = sorted({path for _, path in TABLE})
CONVERSATIONS = [(method, path) for method, path in TABLE if "{" in path]
# A training or test runs in a process of its own: each is given few bodies here, and more in test_bad_training.
HEAVY = ("/model/train", "/model/test")
SECRET = "a secret of thirty-two characters"


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def server(request, tmp_path_factory):
    """The server with all channels, and its conversations in memory or in a file."""
    store = SqliteStore(tmp_path_factory.mktemp("store") / "c.db") if request.param == "sqlite" else None
    with receiver() as there:
        credentials = {"rest": None, "callback": {"url": there.url}}
        served = agent(tracker_store=store)
        made = application(served, Settings(enable_api=True, credentials=credentials))
        yield made
        made.close()
        served.close()


@pytest.fixture
def app(server):
    """A client of the server, which has its model and the conversation `a`, whatever was deleted before."""
    if not server.api.agent.is_ready():
        server.api.agent.load_model(archive())
    app = client(server)
    app.post_json(f"/conversations/{named('{conversation_id:path}')}/tracker/events", {"event": "restart"})
    return app


def ask(app, method, path, body=b"", **options):
    return check(app.request(path, method=method, body=body, expect_errors=True, **options))


def named(path, name="a"):
    return path.replace("{conversation_id:path}", name)


def test_every_route_is_attacked(server):
    assert {(endpoint.method, endpoint.path) for endpoint in server.table} == set(TABLE)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_on_every_path(app, method, path):
    found = ask(app, method, named(path), b"[" if path.startswith(HEAVY) else b"{}")
    known = {known for known, at in TABLE if at == path}
    if method not in known | {"HEAD", "OPTIONS"}:
        assert found.status_int == 405
        assert known <= set(found.headers["Allow"].split(", "))


@pytest.mark.parametrize("method", ["BREW", "get", "GET ", "", "\x00", "P" * 1000])
def test_a_method_that_nobody_knows(server, method):
    check_refusal(*refusal(server, REQUEST_METHOD=method))


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_every_bad_body_on_every_route(app, body):
    for method, path in TABLE:
        if not path.startswith(HEAVY) or "JSON" in body.decode("latin-1"):
            ask(app, method, named(path), body)


@pytest.mark.parametrize(("method", "path"), TABLE)
def test_json_of_every_kind_as_the_whole_body(app, method, path):
    if path.startswith(HEAVY):
        return
    for value in VALUES:
        ask(app, method, named(path), json.dumps(value).encode())


@pytest.mark.parametrize("name", IDS)
def test_every_conversation_id(app, name):
    for method, path in CONVERSATIONS:
        body = b'{"event": "restart", "name": "order", "sender": "user", "text": "a"}'
        found = ask(app, method, named(path, name), body)
        assert "Set-Cookie" not in found.headers


@pytest.mark.parametrize("name", IDS)
def test_every_id_as_the_sender(app, name):
    for text in {name, quote(name), name.replace("%0a", "\n").replace("%0d", "\r").replace("%1b", "\x1b")}:
        assert ask_json(app, "/webhooks/rest/webhook", {"sender": text, "message": "hello"}).status_int == 200
        ask(app, "GET", f"/conversations/{quote(text)}/story")


def ask_json(app, path, body):
    return ask(app, "POST", path, json.dumps(body).encode())


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_on_every_route(app, query):
    for method, path in TABLE:
        body = b'[{"event": "restart"}]' if path.endswith(("events", "predict")) else b'{"name": "order", "text": "a"}'
        if (method, path) != ("DELETE", "/model") and not path.startswith(HEAVY):
            ask(app, method, f"{named(path)}?{query}", body)


@pytest.mark.parametrize("header", HEADERS)
def test_every_header_on_every_route(app, header):
    for method, path in TABLE:
        if (method, path) != ("DELETE", "/model") and not path.startswith(HEAVY):
            found = ask(app, method, named(path), b"{}", headers=dict([header]))
            assert all("\x01" not in value for value in found.headers.values())


# ---------------------------------------------------------------- beyond what a client library sends


def refusal(server, body=b"", **environ):
    """(status, content type, text) of a request that is made by hand."""
    environ = {"wsgi.input": io.BytesIO(body), **environ}
    setup_testing_defaults(environ)
    status, headers, answer = call(strict(server), environ)
    return status, dict(headers)["Content-Type"], answer.decode()


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_content_length_that_is_none(server, method, length):
    for known, path in TABLE:
        if known == method:
            found = refusal(server, b"{}", REQUEST_METHOD=method, PATH_INFO=named(path), CONTENT_LENGTH=length)
            check_refusal(*found)
            assert found[0] in (400, 413)


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path in TABLE if method in ("POST", "PUT")])
def test_a_body_that_ends_early_or_never_comes(server, app, method, path):
    for length in ("3", "1000000"):
        found = refusal(server, b"{}", REQUEST_METHOD=method, PATH_INFO=named(path), CONTENT_LENGTH=length)
        if not path.endswith("}/predict"):  # which takes no body, and so reads none
            check_refusal(*found)
            assert f"ended after 2 of the {length} bytes" in found[2]
    missing = refusal(server, b"{}", REQUEST_METHOD=method, PATH_INFO=named(path), CONTENT_LENGTH="")
    assert missing[0] in (200, 400)


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path in TABLE if method in ("POST", "PUT")])
def test_a_body_over_the_limit_is_refused_before_it_is_read(server, method, path):
    found = refusal(server, REQUEST_METHOD=method, PATH_INFO=named(path), CONTENT_LENGTH=str(101 << 20))
    check_refusal(*found)
    assert found[0] == 413


@pytest.mark.parametrize("path", ["/\x00", "/conversations/\xff/tracker", "/conversations/\xed\xa0\x80/story", "x"])
def test_a_path_that_is_no_text(server, path):
    check_refusal(*refusal(server, REQUEST_METHOD="GET", PATH_INFO=path))


# --------------------------------------------------------------------------------------- who is asking


@pytest.fixture(scope="module")
def guarded():
    made = create_app(agent(), auth_token="t", jwt_secret=SECRET)
    yield made
    made.close()


def bearer(**payload):
    return {"Authorization": f"Bearer {jwt.encode(payload, SECRET, 'HS256')}"}


@pytest.mark.parametrize("value", VALUES)
def test_a_token_that_is_signed_and_says_nonsense(guarded, value):
    app = client(guarded)
    for method, path in TABLE[:-2]:
        public = path in ("/", "/version", "/healthz", "/readyz") or path.startswith("/webhooks")
        for payload in (
            {"user": value},
            {"user": {"role": value, "username": "a"}},
            {"user": {"role": "user", "username": value}},
        ):
            if value == "a" or path.startswith(HEAVY):
                continue
            found = ask(app, method, named(path), b"{}", headers=bearer(**payload))
            assert public or found.status_int in (401, 403)


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat", "aud", "iss", "sub"])
def test_a_token_whose_claims_are_nonsense(guarded, claim):
    for value in VALUES:
        payload = {"user": {"role": "user", "username": "b"}, claim: value}
        try:
            headers = bearer(**payload)
        except (TypeError, ValueError, OverflowError):  # not to be had from the library that signs
            continue
        ask(client(guarded), "GET", "/conversations/a/tracker", headers=headers)


# ------------------------------------------------------------------------------------- how long it takes


def test_long_texts_are_answered_in_time(app):
    for text in ("a" * 1_000_000, "tea " * 250_000, "/order{" * 100_000, "/order" + '{"item": "x"}' * 50_000):
        started = time.monotonic()
        ask_json(app, "/model/parse", {"text": text})
        assert time.monotonic() - started < 20
