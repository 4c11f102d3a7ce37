"""Errors to JSON: what applications raise, and what renderers make of it."""

from __future__ import annotations

import json
import logging

import pytest

from middleware.errors import ErrorsToJSON, HTTPError, plain, respond_error
from tests.middleware.gateway import exchange, request
from tests.strict import client


def raising(error):
    def app(environ, start_response):
        raise error

    return app


class OwnError(Exception):
    """An error that only the renderer below knows."""


def render(error, environ):
    """A renderer as an application would bring it."""
    if isinstance(error, OwnError):
        return 409, [("Content-Type", "text/plain")], f"own: {error}".encode()
    if isinstance(error, HTTPError):
        return error.status, [("Content-Type", "text/plain")], f"{error.reason}: {error.message}".encode()
    return None


def test_an_http_error_becomes_its_status_and_object():
    error = HTTPError(404, "NotFound", "No such bot; expected one of a, b.", details={"bot": "c"})
    response = client(ErrorsToJSON(raising(error))).get("/", status=404)
    assert response.content_type == "application/json"
    assert response.json == {
        "status": 404,
        "reason": "NotFound",
        "message": "No such bot; expected one of a, b.",
        "details": {"bot": "c"},
    }


@pytest.mark.parametrize(("status", "reason"), [(404, "NotFound"), (400, "BadRequest"), (599, "Unknown")])
def test_the_reason_defaults_to_the_phrase(status, reason):
    assert HTTPError(status).reason == reason


@pytest.mark.parametrize("layer", [ErrorsToJSON, lambda app: ErrorsToJSON(app, render=render)], ids=["plain", "own"])
def test_the_headers_of_an_error_go_out_once(layer):
    error = HTTPError(405, headers=[("Allow", "GET, HEAD")])
    assert client(layer(raising(error))).get("/", status=405).headers.getall("Allow") == ["GET, HEAD"]


def test_the_renderer_shapes_errors_it_knows(caplog):
    app = client(ErrorsToJSON(raising(OwnError("mine")), render=render))
    assert app.get("/", status=409).text == "own: mine"
    assert caplog.records == []


def test_an_unknown_error_is_logged_and_not_shown(caplog):
    response = client(ErrorsToJSON(raising(ValueError("secret detail")))).get("/x", status=500)
    assert "secret" not in response.text
    assert response.json["reason"] == "InternalServerError"
    (record,) = caplog.records
    assert record.exc_info[1].args == ("secret detail",)
    assert "'/x'" in record.getMessage()


def test_an_unknown_error_gets_the_shape_of_all_others(caplog):
    response = client(ErrorsToJSON(raising(ValueError("secret")), render=render)).get("/", status=500)
    assert response.text.startswith("InternalServerError: ")
    assert len(caplog.records) == 1


def test_an_error_that_is_rendered_as_500_is_logged_as_well(caplog):
    app = ErrorsToJSON(raising(OwnError("disk full")), render=lambda error, environ: (500, [], b"sorry"))
    assert exchange(app, request()).body == b"sorry"
    assert caplog.records[0].exc_info[1].args == ("disk full",)


def test_a_broken_renderer_still_gives_an_answer(caplog):
    def broken(error, environ):
        raise RuntimeError("renderer")

    response = client(ErrorsToJSON(raising(HTTPError(404)), render=broken)).get("/", status=404)
    assert response.json["reason"] == "NotFound"
    assert caplog.records[0].exc_info[1].args == ("renderer",)


def test_a_path_can_not_forge_a_log_line(caplog):
    exchange(ErrorsToJSON(raising(ValueError())), request(path="/a\nERROR forged"))
    assert "\n" not in caplog.records[0].getMessage()


def test_head_gets_the_error_without_its_body():
    response = client(ErrorsToJSON(raising(HTTPError(404)))).head("/", status=404)
    assert (response.body, int(response.headers["Content-Length"])) == (b"", len(plain(HTTPError(404))[2]))


def test_details_that_json_does_not_know_become_text():
    body = plain(HTTPError(400, details={"cause": OwnError("odd")}))[2]
    assert json.loads(body)["details"] == {"cause": "odd"}


def test_the_end_of_the_interpreter_is_no_error_response():
    with pytest.raises(SystemExit):
        ErrorsToJSON(raising(SystemExit(0)))(request(), lambda status, headers: None)


def test_layers_inside_answer_through_the_renderer_of_the_layer_outside():
    def layer(environ, start_response):
        return respond_error(environ, start_response, HTTPError(413, "TooLarge", "Send less."))

    assert exchange(ErrorsToJSON(layer, render=render), request()).body == b"TooLarge: Send less."
    assert json.loads(exchange(layer, request()).body)["message"] == "Send less."


def test_each_layer_renders_what_passes_it_by_its_own():
    inner = ErrorsToJSON(raising(HTTPError(404)))

    def between(environ, start_response):
        inner(environ, lambda status, headers, exc_info: None)
        raise OwnError("between")

    seen = exchange(ErrorsToJSON(between, render=render), request())
    assert (seen.status, seen.body) == ("409 Conflict", b"own: between")


def test_the_logger_can_be_given(caplog):
    logger = logging.getLogger("tests.own")
    exchange(ErrorsToJSON(raising(ValueError()), logger=logger), request())
    assert [record.name for record in caplog.records] == ["tests.own"]
