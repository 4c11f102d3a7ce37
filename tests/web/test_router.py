"""The router: paths and methods in; the application with its parameters, 404, 405 or the answer to OPTIONS out."""

from __future__ import annotations

from urllib.parse import quote
from wsgiref.util import setup_testing_defaults

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botapi.web.router import Route, Router, allow
from middleware.errors import ErrorsToJSON, HTTPError
from tests.strict import client


def echo(label):
    """An application that answers with its label and the path parameters it was given."""

    def app(environ, start_response):
        _, params = environ["wsgiorg.routing_args"]
        body = f"{label} {sorted(params.items())}".encode()
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    return app


ROUTES = [
    Route("GET", "/", echo("root")),
    Route("GET", "/version", echo("version")),
    Route("GET", "/webhooks/rest/", echo("health")),
    Route("POST", "/webhooks/rest/webhook", echo("webhook")),
    Route("GET", "/conversations/{conversation_id:path}/tracker", echo("tracker")),
    Route("POST", "/conversations/{conversation_id:path}/tracker/events", echo("append")),
    Route("PUT", "/conversations/{conversation_id:path}/tracker/events", echo("replace")),
    Route("GET", "/jobs/{job}", echo("job")),
]


@pytest.fixture
def app():
    return client(ErrorsToJSON(Router(ROUTES, defaults={"conversation_id": "default"})))


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        pytest.param("/", "root []", id="root"),
        pytest.param("/version", "version []", id="fixed path"),
        pytest.param("/version/", "version []", id="trailing slash"),
        pytest.param("/webhooks/rest/", "health []", id="declared with a trailing slash"),
        pytest.param("/webhooks/rest", "health []", id="declared with a trailing slash, asked without"),
        pytest.param("/conversations/a/tracker", "tracker [('conversation_id', 'a')]", id="parameter"),
        pytest.param("/conversations/a/tracker/", "tracker [('conversation_id', 'a')]", id="parameter, trailing slash"),
        pytest.param("/conversations/a/b/c/tracker", "tracker [('conversation_id', 'a/b/c')]", id="slashes inside"),
        pytest.param("/conversations//tracker", "tracker [('conversation_id', 'default')]", id="empty parameter"),
        pytest.param("/conversations/tracker/tracker", "tracker [('conversation_id', 'tracker')]", id="own suffix"),
        pytest.param("/conversations/x%20%C3%A9/tracker", "tracker [('conversation_id', 'x é')]", id="escaped UTF-8"),
        pytest.param("/conversations/a%0Ab/tracker", "tracker [('conversation_id', 'a\\nb')]", id="line break"),
        pytest.param("/jobs/7", "job [('job', '7')]", id="one segment"),
    ],
)
def test_a_path_finds_its_application_and_parameters(app, path, answer):
    assert app.get(path).text == answer


@pytest.mark.parametrize("path", ["/nope", "/versions", "/version//", "/conversations/tracker", "/jobs/7/8", "/jobs/"])
def test_unknown_paths_are_404_that_name_them(app, path):
    response = app.get(path, status=404)
    assert response.json["reason"] == "NotFound"
    assert path.rstrip("/") in response.json["message"]


def test_a_known_path_with_another_method_is_405_and_says_which_methods_there_are(app):
    assert app.delete("/version", status=405).headers["Allow"] == "GET, HEAD, OPTIONS"
    response = app.delete("/conversations/a/tracker/events", status=405)
    assert response.headers["Allow"] == "OPTIONS, POST, PUT"
    assert "DELETE" in response.json["message"]


def test_the_first_path_that_fits_is_meant_whatever_its_methods():
    routes = [*ROUTES, Route("DELETE", "/conversations/{conversation_id:path}", echo("erase"))]
    app = client(ErrorsToJSON(Router(routes, defaults={"conversation_id": "default"})))
    assert app.delete("/conversations/a/b").text == "erase [('conversation_id', 'a/b')]"
    assert app.delete("/conversations/a/tracker", status=405).headers["Allow"] == "GET, HEAD, OPTIONS"
    assert app.delete("/conversations/a/tracker/", status=405).headers["Allow"] == "GET, HEAD, OPTIONS"


def test_head_is_served_by_get_without_its_body(app):
    response = app.head("/version")
    assert response.headers["Content-Length"] == str(len("version []"))
    assert response.body == b""


@pytest.mark.parametrize(
    ("path", "methods"), [("/version", "GET, HEAD, OPTIONS"), ("/conversations/a/tracker/events", "OPTIONS, POST, PUT")]
)
def test_options_is_answered_with_the_methods(app, path, methods):
    response = app.options(path)
    assert response.status_int == 204
    assert response.headers["Allow"] == methods


def test_options_of_an_unknown_path_is_404(app):
    app.options("/nope", status=404)


@pytest.mark.parametrize("path_info", ["/conversations/\xff/tracker", "/conversations/\0/tracker", "/\u20ac"])
def test_paths_that_are_no_text_are_400(path_info):
    environ = {"PATH_INFO": path_info}
    setup_testing_defaults(environ)
    with pytest.raises(HTTPError) as refused:
        Router(ROUTES)(environ, None)
    assert refused.value.status == 400


def test_an_empty_path_is_the_root(app):
    assert app.get("").text == "root []"


def test_script_name_stays_as_it_is(app):
    def mounted(environ, start_response):
        environ["SCRIPT_NAME"] = "/bot"
        return Router([Route("GET", "/version", seen)])(environ, start_response)

    def seen(environ, start_response):
        body = f"{environ['SCRIPT_NAME']} {environ['PATH_INFO']}".encode()
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
        return [body]

    assert client(mounted).get("/version").text == "/bot /version"


def test_the_same_method_and_path_twice_is_refused():
    with pytest.raises(ValueError, match="GET /version"):
        Router([Route("GET", "/version", echo("a")), Route("GET", "/version/", echo("b"))])


def test_allow_adds_head_to_get_and_options_to_all():
    assert allow(["GET"]) == "GET, HEAD, OPTIONS"
    assert allow(["POST"]) == "OPTIONS, POST"


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1))
def test_any_conversation_id_comes_back_as_it_was(conversation_id):
    path = f"/conversations/{conversation_id}/tracker".encode().decode("latin-1")
    app, params, _ = Router(ROUTES).match("GET", path.encode("latin-1").decode())
    assert app is not None
    assert params == {"conversation_id": conversation_id}


def test_a_long_path_of_slashes_is_matched_at_once(app):
    path = "/conversations" + "/" * 8000 + "x"
    app.get(quote(path), status=404)
