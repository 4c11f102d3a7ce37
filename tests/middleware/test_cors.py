"""CORS: origins configured and sent, and the headers that browsers look at."""

from __future__ import annotations

from functools import partial

import pytest

from middleware import stack
from middleware.cors import CORS
from middleware.errors import ErrorsToJSON, HTTPError
from middleware.wsgi import respond
from tests.middleware.gateway import exchange, request
from tests.strict import client

ONE, TWO, EVIL = "http://one.example", "https://two.example:8443", "http://evil.example"
ALL_METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"


def hello(environ, start_response):
    return respond(environ, start_response, 200, [("Content-Type", "text/plain")], b"hello")


def missing(environ, start_response):
    raise HTTPError(404)


def access_headers(response):
    """The Access-Control-* headers and Vary, without their common beginning."""
    prefix = "Access-Control-"
    return {
        name.removeprefix(prefix): value
        for name, value in response.headers.items()
        if name.startswith(prefix) or name == "Vary"
    }


def get(app, origin, **options):
    headers = {} if origin is None else {"Origin": origin}
    return access_headers(client(app).get("/", headers=headers, **options))


def preflight(app, origin, asked=None, path="/"):
    headers = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    if asked is not None:
        headers["Access-Control-Request-Headers"] = asked
    return client(app).options(path, headers=headers, status=200)


def granted(origin):
    return {"Allow-Origin": origin, "Allow-Credentials": "true", "Expose-Headers": "filename", "Vary": "Origin"}


@pytest.mark.parametrize("origin", [ONE, TWO, ONE.upper()])
def test_an_allowed_origin_is_echoed_with_credentials(origin):
    assert get(CORS(hello, origins=[ONE, TWO]), origin) == granted(origin)


@pytest.mark.parametrize("origin", [None, EVIL, "null", ONE + "/x", ONE + ".evil.example", "xhttp://one.example", ""])
def test_everybody_else_gets_only_vary(origin):
    assert get(CORS(hello, origins=[ONE, TWO]), origin) == {"Vary": "Origin"}


@pytest.mark.parametrize("origin", [None, EVIL, "null"])
@pytest.mark.parametrize("origins", ["*", ["*"], [ONE, "*"]], ids=repr)
def test_the_wildcard_is_plain_and_without_credentials(origins, origin):
    assert get(CORS(hello, origins=origins), origin) == {"Allow-Origin": "*", "Expose-Headers": "filename"}


@pytest.mark.parametrize("origins", [(), [], "", [""]], ids=repr)
def test_without_origins_the_layer_does_nothing(origins):
    app = CORS(hello, origins=origins)
    assert get(app, ONE) == {}
    assert preflight(app, ONE).text == "hello"


def test_one_origin_may_be_given_as_text_and_with_a_slash():
    assert get(CORS(hello, origins=ONE + "/"), ONE) == granted(ONE)


def test_a_preflight_is_answered_here():
    response = preflight(CORS(missing, origins=[ONE]), ONE, "X-One, Content-Type", path="/no/such")
    assert response.body == b""
    assert access_headers(response) == granted(ONE) | {
        "Allow-Methods": ALL_METHODS,
        "Allow-Headers": "Content-Type, X-One",
        "Max-Age": "600",
    }


def test_a_preflight_that_asks_for_no_headers_gets_none():
    assert "Allow-Headers" not in access_headers(preflight(CORS(hello, origins=[ONE]), ONE))


def test_a_preflight_echoes_names_only():
    asked = "X-Fine, <b>, , a:b, two words"
    assert access_headers(preflight(CORS(hello, origins=[ONE]), ONE, asked))["Allow-Headers"] == "X-Fine"


def test_a_preflight_of_a_disallowed_origin_is_empty():
    assert access_headers(preflight(CORS(hello, origins=[ONE]), EVIL)) == {"Vary": "Origin"}


def test_a_preflight_under_the_wildcard():
    headers = access_headers(preflight(CORS(hello, origins="*"), EVIL, "content-type"))
    assert headers == {
        "Allow-Origin": "*",
        "Expose-Headers": "filename",
        "Allow-Methods": ALL_METHODS,
        "Allow-Headers": "content-type",
        "Max-Age": "600",
    }


def test_options_without_a_requested_method_is_the_application_s():
    response = client(CORS(hello, origins=[ONE])).options("/", headers={"Origin": ONE})
    assert (response.text, access_headers(response)) == ("hello", granted(ONE))


def test_errors_carry_the_headers_too():
    app = stack(missing, partial(CORS, origins=[ONE]), ErrorsToJSON)
    assert get(app, ONE, status=404) == granted(ONE)


@pytest.mark.parametrize(
    ("own", "expected"),
    [("Accept", ["Accept", "Origin"]), ("Accept, origin", ["Accept, origin"]), ("*", ["*"])],
)
def test_vary_is_added_once(own, expected):
    def app(environ, start_response):
        start_response("200 OK", [("Vary", own)])
        return [b""]

    seen = exchange(CORS(app, origins=[ONE]), request(HTTP_ORIGIN=ONE))
    assert [value for name, value in seen.headers if name == "Vary"] == expected


def test_headers_of_the_application_itself_give_way():
    def app(environ, start_response):
        start_response("200 OK", [("access-control-allow-origin", "*"), ("Age", "1")])
        return [b""]

    seen = exchange(CORS(app, origins=[ONE]), request(HTTP_ORIGIN=EVIL))
    assert seen.headers == [("Age", "1"), ("Vary", "Origin")]


@pytest.mark.parametrize(
    ("configured", "origin", "allowed"),
    [
        ("https://*.example.com", "https://a.example.com", True),
        ("https://*.example.com", "https://a.b.Example.com", True),
        ("https://*.example.com", "https://example.com", False),
        ("https://*.example.com", "https://aexample.com", False),
        ("https://*.example.com", "https://evil.com/.example.com", False),
        ("https://*.example.com", "https://a.example.com.evil.com", False),
        ("https://*.example.com", "http://a.example.com", False),
        ("https://*.example.com:8443", "https://a.example.com:8443", True),
        (r"https://(a|b)\.example", "https://b.example", True),
        (r"https://(a|b)\.example", "https://b.example.evil.com", False),
    ],
)
def test_an_entry_can_stand_for_many_origins(configured, origin, allowed):
    headers = get(CORS(hello, origins=[ONE, configured]), origin)
    assert headers == (granted(origin) if allowed else {"Vary": "Origin"})


def test_a_broken_pattern_is_refused_at_construction():
    with pytest.raises(ValueError, match="no allowed origin"):
        CORS(hello, origins=["https://(a.example"])


def test_methods_exposed_headers_and_age_can_be_given():
    app = CORS(hello, origins=[ONE], methods=["GET"], expose=["X-A", "X-B"], max_age_s=5)
    headers = access_headers(preflight(app, ONE))
    assert (headers["Allow-Methods"], headers["Expose-Headers"], headers["Max-Age"]) == ("GET", "X-A, X-B", "5")
    assert "Expose-Headers" not in get(CORS(hello, origins=[ONE], expose=()), ONE)
