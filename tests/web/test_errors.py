"""Errors as answers: every kind of exception in; status and error object out, always with the same keys."""

from __future__ import annotations

import json

import pytest

from botapi.errors import (
    BotError,
    Busy,
    ConfigError,
    Conflict,
    DataError,
    InputError,
    ModelError,
    NotAcceptable,
    NotFound,
    StoreError,
    Timeout,
)
from botapi.web.errors import ErrorResponse, answer_to, render
from middleware.errors import HTTPError

KEYS = {"version", "status", "message", "reason", "details", "help", "code"}


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (InputError("x"), 400, "BadRequest"),
        (DataError("x", file="nlu.yml", line=3), 400, "BadRequest"),
        (ModelError("x"), 400, "BadRequest"),
        (NotFound("x"), 404, "Not found"),
        (NotFound("x", reason="NotFound"), 404, "NotFound"),
        (NotAcceptable("x"), 406, "NotAcceptable"),
        (Conflict("x"), 409, "Conflict"),
        (ConfigError("x"), 500, "ConfigError"),
        (StoreError("x"), 500, "StoreError"),
        (Busy("x"), 503, "Busy"),
        (Timeout("x"), 503, "Timeout"),
        (HTTPError(405, "MethodNotAllowed", "x"), 405, "MethodNotAllowed"),
        (HTTPError(413, message="x"), 413, None),
        (ErrorResponse(418, "Teapot", "x"), 418, "Teapot"),
    ],
)
def test_every_error_on_purpose_has_its_status_and_the_whole_object(error, status, reason):
    found, headers, body = render(error, {})
    value = json.loads(body)
    assert found == status == value["code"]
    assert set(value) == KEYS
    assert value["status"] == "failure"
    assert value["reason"] == (reason or error.reason)
    assert value["message"].startswith("x")
    assert ("Content-Type", "application/json") in headers


def test_details_and_help_are_passed_on():
    error = InputError("x", details={"parameter": "name", "in": "body"}, help="https://help.example")
    info = answer_to(error).error_info
    assert info["details"] == {"parameter": "name", "in": "body"}
    assert info["help"] == "https://help.example"


def test_busy_says_when_to_come_back():
    _, headers, _ = render(Busy("x", retry_after_s=7), {})
    assert ("Retry-After", "7") in headers


def test_headers_of_http_errors_are_left_to_the_middleware():
    _, headers, _ = render(HTTPError(405, message="x", headers=[("Allow", "GET")]), {})
    assert headers == [("Content-Type", "application/json")]
    assert answer_to(HTTPError(405, message="x", headers=[("Allow", "GET")])).headers == [("Allow", "GET")]


def test_an_error_that_nobody_foresaw_is_not_described():
    assert render(KeyError("secret"), {}) is None


def test_a_subclass_answers_as_its_class_does():
    class Special(NotFound):
        """A NotFound of a plug-in."""

    assert answer_to(Special("x")).status == 404
    assert answer_to(BotError("x")).status == 500


def test_an_error_response_is_made_as_in_the_reference():
    error = ErrorResponse(404, "NotFound", "No such thing.", {"a": 1}, "https://help.example")
    assert error.error_info["details"] == {"a": 1}
    assert error.error_info["help"] == "https://help.example"
    assert ErrorResponse(404, "NotFound", "x").error_info["details"] == {}
