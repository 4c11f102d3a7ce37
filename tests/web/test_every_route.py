"""Every route of a server with all channels, walked by everybody, a user and an admin; who is let in where, out."""

from __future__ import annotations

import re

import jwt
import pytest

from botapi.settings import Settings
from botapi.wsgi import application
from tests.channels.receiver import receiver
from tests.endpoints import CREDENTIALS, whole_table
from tests.smallbot import agent
from tests.strict import client

SECRET = "a-secret-that-is-long-enough-for-hs256"
PUBLIC = {("GET", "/"), ("GET", "/version"), ("GET", "/healthz"), ("GET", "/readyz"), ("POST", "/auth")}
TABLE = whole_table()
API = [endpoint for endpoint in TABLE if not endpoint.path.startswith(("/webhooks/", "/socket.io"))]
WEBHOOKS = ["/webhooks/rest/webhook", "/webhooks/cmdline/webhook", "/webhooks/callback/webhook"]

every_route = pytest.mark.parametrize("endpoint", TABLE, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
every_api_route = pytest.mark.parametrize("endpoint", API, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")


@pytest.fixture(scope="module", params=["webhooks open", "webhooks guarded"])
def server(request):
    guarded = {"auth": request.param == "webhooks guarded"}
    with receiver() as there:
        section = {"rest": guarded, "cmdline": guarded, "callback": {"url": there.url, **guarded}}
        settings = Settings(enable_api=True, auth_token="t", jwt_secret=SECRET, credentials={**CREDENTIALS, **section})
        made = application(agent(), settings)
        yield made
        made.close()
        made.api.agent.close()


@pytest.fixture
def app(server):
    return client(server)


def is_public(server, endpoint):
    """What is open to everybody: five paths, and channels unless their section guards the webhook."""
    channel = re.match("/webhooks/(.*)/webhook", endpoint.path)
    guarded = {(one.method, one.path) for one in server.table if not one.public}
    if channel:
        return (endpoint.method, endpoint.path) not in guarded
    return (endpoint.method, endpoint.path) in PUBLIC or endpoint.path.startswith(("/webhooks/", "/socket.io"))


def ask(app, endpoint, name="ann", role=None, method=None, **user):
    """The answer to an empty request of somebody, about the conversation `name`."""
    path = re.sub(r"\{conversation_id[^}]*\}", name, endpoint.path)
    path = re.sub(r"\{[^}]*\}", "unknown", path)
    token = jwt.encode({"user": {"username": "ann", "role": role, **user}}, SECRET, algorithm="HS256")
    headers = {"Authorization": f"Bearer {token}"} if role else {}
    return app.request(path, method=method or endpoint.method, headers=headers, status="*")


def test_the_table_is_the_servers(server):
    assert {(one.method, one.path) for one in server.table} == {(one.method, one.path) for one in TABLE}


def test_only_the_paths_that_the_design_names_are_public(server):
    public = {(one.method, one.path) for one in server.table if one.public}
    assert {one for one in public if not one[1].startswith(("/webhooks/", "/socket.io"))} == PUBLIC
    webhooks = {path for _, path in public if path in WEBHOOKS}
    assert webhooks in (set(), set(WEBHOOKS))


@every_route
def test_without_credentials_only_what_is_public_answers(server, app, endpoint):
    found = ask(app, endpoint)
    if endpoint.path == "/auth" or not is_public(server, endpoint):
        assert (found.status_int, found.json["reason"]) == (401, "NotAuthenticated")
        assert found.headers["WWW-Authenticate"].startswith("Bearer")
    else:
        assert found.status_int not in (401, 403)
    if endpoint.method == "GET" and not is_public(server, endpoint):
        assert ask(app, endpoint, method="HEAD").status_int == 401
    assert ask(app, endpoint, method="OPTIONS").status_int == 204


@every_api_route
def test_a_user_reaches_what_is_below_his_own_conversation_alone(app, endpoint):
    own, other = ask(app, endpoint, role="user"), ask(app, endpoint, "bob", role="user")
    if (endpoint.method, endpoint.path) in PUBLIC - {("POST", "/auth")}:
        assert (own.status_int, other.status_int) in ((200, 200), (503, 503))
    elif endpoint.path == "/auth":
        assert own.status_int == 401
    elif "{conversation_id" in endpoint.path:
        assert own.status_int not in (401, 403)
        assert (other.status_int, other.json["reason"]) == (403, "NotAuthorized")
        for name in ("ann/x", "x/ann", "Ann", ""):
            assert ask(app, endpoint, name, role="user").status_int in (403, 405)
    else:
        assert (own.status_int, own.json["reason"]) == (403, "NotAuthorized")


@every_api_route
@pytest.mark.parametrize("user", [{"role": "Admin"}, {"role": "user", "username": ""}, {"role": "guest"}])
def test_an_unknown_role_and_a_nameless_user_reach_nothing(app, endpoint, user):
    if (endpoint.method, endpoint.path) not in PUBLIC:
        assert ask(app, endpoint, **user).status_int == 403


@pytest.mark.parametrize("path", WEBHOOKS)
def test_on_a_guarded_webhook_a_user_speaks_for_himself(server, app, path):
    (endpoint,) = [one for one in server.table if one.path == path]
    token = jwt.encode({"user": {"username": "ann", "role": "user"}}, SECRET, algorithm="HS256")
    headers = {"Authorization": f"Bearer {token}"}
    for sender, status in (("ann", 200), ("bob", 200 if endpoint.public else 403)):
        app.post_json(path, {"sender": sender, "message": "hello"}, headers=headers, status=status)
    if not endpoint.public:
        app.post_json(path, {"sender": "ann", "message": "hello"}, status=401)


@every_route
def test_an_admin_is_let_in_everywhere(server, app, endpoint):
    if endpoint.path != "/auth":
        assert ask(app, endpoint, "bob", role="admin").status_int not in (401, 403)
        path = re.sub(r"\{[^}]*\}", "unknown", endpoint.path)
        assert app.request(f"{path}?token=t", method=endpoint.method, status="*").status_int not in (401, 403)
