"""Authentication as a layer: authenticators and an authorizer come in, the application or 401 or 403 answers."""

from __future__ import annotations

import pytest

from middleware.auth import IDENTITY, Authenticate, Identity, credentials
from middleware.wsgi import respond
from tests.middleware.gateway import exchange, request
from tests.strict import client

ANN, BOB = Identity("ann", "admin"), Identity("bob", "user")


def who(environ, start_response):
    body = environ[IDENTITY].name.encode()
    return respond(environ, start_response, 200, [("Content-Type", "text/plain")], body)


def knowing(identity, asked=None):
    def authenticator(environ):
        if asked is not None:
            asked.append(identity)
        return identity

    return authenticator


def test_the_first_who_knows_the_caller_wins_and_no_other_is_asked():
    asked = []
    authenticators = [knowing(None, asked), knowing(ANN, asked), knowing(BOB, asked)]
    assert client(Authenticate(who, authenticators=authenticators)).get("/").text == "ann"
    assert asked == [None, ANN]


def test_nobody_gets_401_with_a_challenge():
    response = client(Authenticate(who, authenticators=[knowing(None)], realm="bot")).get("/", status=401)
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="bot"'
    assert (response.json["reason"], response.json["status"]) == ("NotAuthenticated", 401)


def test_who_may_not_gets_403_without_a_challenge():
    app = Authenticate(who, authenticators=[knowing(BOB)], authorize=lambda identity, environ: False)
    response = client(app).get("/", status=403)
    assert "WWW-Authenticate" not in response.headers
    assert response.json["reason"] == "NotAuthorized"


def test_the_authorizer_sees_identity_and_environ():
    def authorize(identity, environ):
        return environ["PATH_INFO"] == f"/{identity.name}"

    app = client(Authenticate(who, authenticators=[knowing(BOB)], authorize=authorize))
    assert app.get("/bob").text == "bob"
    app.get("/ann", status=403)


def test_a_refused_request_leaves_the_body_unread():
    environ = request("POST", body=b"secret")
    assert exchange(Authenticate(who, authenticators=[knowing(None)]), environ).status[:3] == "401"
    assert environ["wsgi.input"].tell() == 0


def test_a_layer_that_lets_nobody_in_is_refused_at_construction():
    with pytest.raises(ValueError, match="authenticators"):
        Authenticate(who, authenticators=[])


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, ("", "")),
        ("", ("", "")),
        ("Bearer", ("bearer", "")),
        ("Bearer abc", ("bearer", "abc")),
        ("bEARER   abc ", ("bearer", "abc")),
        ("Basic a b", ("basic", "a b")),
    ],
)
def test_the_authorization_header_is_split(header, expected):
    assert credentials({} if header is None else {"HTTP_AUTHORIZATION": header}) == expected
