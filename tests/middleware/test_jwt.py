"""JSON Web Tokens: signed, forged and broken ones, and the keys that make them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess
import sys
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from middleware.auth import Authenticate
from middleware.jwt import JWTAuthenticator
from middleware.roles import Roles
from middleware.wsgi import respond
from tests.strict import client

SECRET = "a secret that is long enough for every algorithm of the HS family, all 64 bytes"
ANN = {"user": {"username": "ann", "role": "admin"}}
BOB = {"user": {"username": "bob", "role": "user"}}
HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(payload, secret=SECRET, algorithm="HS256", **header):
    """A token made by hand, so that secrets may be as short and payloads as odd as a test wants."""
    parts = [{"typ": "JWT", "alg": algorithm, **header}, payload]
    text = ".".join(encoded((part if isinstance(part, str) else json.dumps(part)).encode()) for part in parts)
    if algorithm not in HASHES:
        return text + "."
    return f"{text}.{encoded(hmac.new(secret.encode(), text.encode(), HASHES[algorithm]).digest())}"


def bearer(token):
    return {"HTTP_AUTHORIZATION": f"Bearer {token}"}


def pem(key):
    """The public and the private half of a key as PEM."""
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return public.decode(), private.decode()


@pytest.fixture(scope="module")
def rsa_keys():
    return pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))


@pytest.fixture(scope="module")
def ec_keys():
    return pem(ec.generate_private_key(ec.SECP256R1()))


@pytest.mark.parametrize("algorithm", list(HASHES))
def test_a_signed_token_tells_name_and_role(algorithm):
    identity = JWTAuthenticator(SECRET, algorithm=algorithm)(bearer(signed(BOB, algorithm=algorithm)))
    assert (identity.name, identity.role, identity.claims) == ("bob", "user", BOB)


@pytest.mark.parametrize("half", [0, 1], ids=["public key", "private key"])
def test_rsa_tokens_are_checked_by_the_public_key(rsa_keys, half):
    token = jwt.encode(ANN, rsa_keys[1], algorithm="RS256")
    assert JWTAuthenticator(rsa_keys[half], algorithm="RS256")(bearer(token)).role == "admin"


def test_elliptic_curve_tokens_are_checked_by_the_public_key(ec_keys):
    token = jwt.encode(ANN, ec_keys[1], algorithm="ES256")
    assert JWTAuthenticator(ec_keys[0], algorithm="ES256")(bearer(token)).role == "admin"
    other = pem(ec.generate_private_key(ec.SECP256R1()))
    assert JWTAuthenticator(other[0], algorithm="ES256")(bearer(token)) is None


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize(("beyond_s", "known"), [(-30, True), (30, False)], ids=["within", "beyond"])
def test_times_are_honoured_with_a_leeway(claim, beyond_s, known):
    distance_s = 180 + beyond_s
    when = time.time() + (-distance_s if claim == "exp" else distance_s)
    token = signed(ANN | {claim: int(when)})
    assert (JWTAuthenticator(SECRET)(bearer(token)) is not None) is known


def test_the_leeway_can_be_given():
    token = signed(ANN | {"exp": int(time.time()) - 60})
    assert JWTAuthenticator(SECRET)(bearer(token)) is not None
    assert JWTAuthenticator(SECRET, leeway_s=5)(bearer(token)) is None


def test_subject_and_token_id_may_be_what_they_like():
    assert JWTAuthenticator(SECRET)(bearer(signed(ANN | {"sub": 7, "jti": 7}))) is not None


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(signed(ANN, algorithm="none"), id="none"),
        pytest.param(signed(ANN, algorithm="None"), id="None"),
        pytest.param(signed(ANN, algorithm="HS512"), id="another algorithm"),
        pytest.param(signed(ANN, algorithm="XX1"), id="an unknown algorithm"),
        pytest.param(signed(ANN, secret="wrong"), id="another secret"),
        pytest.param(signed(ANN)[:-2], id="a cut signature"),
        pytest.param(signed(ANN).rpartition(".")[0] + ".", id="no signature"),
        pytest.param(signed(ANN, alg=["HS256"]), id="a list of algorithms"),
        pytest.param(signed(ANN, alg=None), id="no algorithm"),
        pytest.param(signed(ANN, kid=1), id="a key id that is a number"),
        pytest.param(signed(ANN, crit=["x"]), id="a critical extension"),
        pytest.param(signed(ANN | {"exp": "soon"}), id="exp is text"),
        pytest.param(signed(ANN | {"exp": float("inf")}), id="exp is infinite"),
        pytest.param(signed(ANN | {"exp": []}), id="exp is a list"),
        pytest.param(signed(ANN | {"aud": "somebody"}), id="for another audience"),
        pytest.param(signed([]), id="payload is a list"),
        pytest.param(signed("{"), id="payload is broken"),
        pytest.param(signed("[" * 100_000), id="payload is deep"),
        pytest.param(encoded(b"[" * 100_000) + ".e30.e30", id="header is deep"),
        pytest.param(encoded(b'{"alg": ' + b"9" * 10_000 + b"}") + ".e30.e30", id="header is a long number"),
        pytest.param("a.b.c", id="no JSON"),
        pytest.param("a.b", id="two parts"),
        pytest.param("..", id="three empty parts"),
        pytest.param("\udcff.a.b", id="a lone surrogate"),
        pytest.param("", id="empty"),
    ],
)
def test_a_token_that_is_not_right_is_nobody_s(token):
    assert JWTAuthenticator(SECRET)(bearer(token)) is None


def test_a_public_key_is_no_secret(rsa_keys):
    """Algorithm confusion: signing with what everybody knows, and saying that it was a secret."""
    public = rsa_keys[0]
    assert JWTAuthenticator(public, algorithm="RS256")(bearer(signed(ANN, secret=public))) is None
    with pytest.raises(ValueError, match="public key or certificate"):
        JWTAuthenticator(public, algorithm="HS256")


@pytest.mark.parametrize("scheme", ["Token", "Basic", "JWT", ""])
def test_only_bearer_is_taken(scheme):
    assert JWTAuthenticator(SECRET)({"HTTP_AUTHORIZATION": f"{scheme} {signed(ANN)}"}) is None
    assert JWTAuthenticator(SECRET)({}) is None


@given(st.text(), st.binary())
def test_no_text_breaks_it(text, data):
    authenticator = JWTAuthenticator(SECRET)
    assert authenticator(bearer(text)) is None
    assert authenticator(bearer(f"{encoded(data)}.{encoded(data)}.{encoded(data)}")) is None


@pytest.mark.parametrize(
    ("payload", "path", "status"),
    [
        (ANN, "/anything", 200),
        (BOB, "/conversations/bob", 200),
        (BOB, "/conversations/Bob", 403),
        (BOB, "/status", 403),
        ({}, "/status", 403),
        ({"user": "bob"}, "/conversations/bob", 403),
        ({"user": None}, "/conversations/bob", 403),
        ({"user": {}}, "/conversations/bob", 403),
        ({"user": {"role": "admin "}}, "/status", 403),
        ({"user": {"role": ["admin"]}}, "/status", 403),
        ({"user": {"username": ["bob"], "role": "user"}}, "/conversations/bob", 403),
        ({"user": {"role": "user"}}, "/conversations/None", 403),
        ({"username": "ann", "role": "admin"}, "/status", 403),
    ],
)
def test_what_the_payload_allows(payload, path, status):
    def app(environ, start_response):
        return respond(environ, start_response, 200, [("Content-Type", "text/plain")], b"in")

    def router(environ, start_response):
        _, _, conversation_id = environ["PATH_INFO"].partition("/conversations/")
        environ["wsgiorg.routing_args"] = ((), {"conversation_id": conversation_id} if conversation_id else {})
        return guarded(environ, start_response)

    guarded = Authenticate(app, authenticators=[JWTAuthenticator(SECRET)], authorize=Roles())
    client(router).get(path, headers={"Authorization": f"Bearer {signed(payload)}"}, status=status)


@pytest.mark.parametrize("algorithm", list(HASHES))
def test_a_short_secret_serves_with_one_warning(caplog, algorithm):
    authenticator = JWTAuthenticator("short", algorithm=algorithm)
    (record,) = caplog.records
    assert (record.levelname, "5 bytes" in record.getMessage()) == ("WARNING", True)
    for _ in range(3):
        assert authenticator(bearer(signed(ANN, secret="short", algorithm=algorithm))).name == "ann"
        assert authenticator(bearer(signed(ANN, secret="shorter", algorithm=algorithm))) is None
    assert len(caplog.records) == 1


def test_a_long_secret_gives_no_warning(caplog):
    JWTAuthenticator(SECRET)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("key", "algorithm", "words"),
    [
        (SECRET, "none", "'none' is not supported; expected one of HS256"),
        (SECRET, "PS256", "'PS256' is not supported"),
        ("", "HS256", "empty"),
        ("no key at all", "RS256", "can't be read; expected a public key as PEM"),
        ("no key at all", "ES256", "can't be read; expected a public key as PEM"),
    ],
)
def test_a_key_that_can_not_work_is_refused_at_construction(key, algorithm, words):
    with pytest.raises(ValueError, match=words):
        JWTAuthenticator(key, algorithm=algorithm)


def test_a_key_of_the_wrong_kind_is_refused_at_construction(ec_keys, rsa_keys):
    with pytest.raises(ValueError, match="can't be read"):
        JWTAuthenticator(ec_keys[0], algorithm="RS256")
    with pytest.raises(ValueError, match="can't be read"):
        JWTAuthenticator(rsa_keys[0], algorithm="ES256")


def test_a_small_rsa_key_is_refused_at_construction():
    public, _ = pem(rsa.generate_private_key(public_exponent=65537, key_size=1024))
    with pytest.raises(ValueError, match="1024 bits; expected 2048 or more"):
        JWTAuthenticator(public, algorithm="RS256")


def test_without_cryptography_secrets_work_and_public_keys_name_the_package():
    program = """
import sys
sys.modules["cryptography"] = None
from middleware.jwt import JWTAuthenticator
JWTAuthenticator("x" * 32)
try:
    JWTAuthenticator("x", algorithm="RS256")
except ValueError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "pip install botapi[jwt]" in run.stdout
