"""Who may do what: requests with and without credentials in; answers, or 401 and 403, out, on every route."""

from __future__ import annotations

import jwt
import pytest

from botapi.errors import ConfigError
from botapi.wsgi import create_app
from tests.strict import client

SECRET = "a-secret-that-is-long-enough-for-hs256"


def bearer(**user):
    return {"Authorization": f"Bearer {jwt.encode({'user': user}, SECRET, algorithm='HS256')}"}


def test_the_token_opens_everything(serve):
    app = client(serve(auth_token="t"))
    app.get("/status?token=t")
    app.get("/status", headers={"Authorization": "Bearer t"})
    app.get("/status?token=T", status=401)
    app.get("/status?token=x&token=t", status=401)


def test_roles_limit_what_a_jwt_opens(serve):
    app = client(serve(jwt_secret=SECRET))
    app.get("/status", headers=bearer(username="ann", role="admin"))
    ann = bearer(username="ann", role="user")
    app.get("/conversations/ann/tracker", headers=ann)
    for path in ("/conversations/bob/tracker", "/conversations/ann/x/tracker", "/conversations//tracker", "/status"):
        assert app.get(path, headers=ann, status=403).json["reason"] == "NotAuthorized"
    app.get("/conversations//tracker", headers=bearer(username="", role="user"), status=403)
    app.get("/conversations/default/tracker", headers=bearer(username="", role="user"), status=403)
    app.get("/status", headers=bearer(username="ann", role="Admin"), status=403)


def test_token_or_jwt_will_do_where_both_are_set(serve):
    app = client(serve(auth_token="t", jwt_secret=SECRET))
    app.get("/status?token=t")
    app.get("/status", headers=bearer(username="ann", role="admin"))
    app.get("/status", status=401)


def test_nobody_gets_a_token_from_us(serve):
    found = client(serve(jwt_secret=SECRET)).post("/auth", status=401).json
    assert found["message"].startswith("Direct JWT authentication not supported.")
    client(serve()).post("/auth", status=404)


@pytest.mark.parametrize("options", [{"jwt_method": "none"}, {"jwt_method": "RS256"}])
def test_a_jwt_setting_that_cannot_work_refuses_to_start(options):
    with pytest.raises(ConfigError, match="JWT"):
        create_app(jwt_secret=SECRET, **options)
