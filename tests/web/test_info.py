"""Version, health, status and domain: requests in; what clients and probes look for out."""

from __future__ import annotations

import json

import pytest
import yaml

from botapi import __version__
from botapi.errors import NotAcceptable
from botapi.web.handlers.info import negotiated


def test_the_root_says_hello(app):
    found = app.get("/")
    assert found.text == f"Hello from botapi: {__version__}"
    assert found.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_the_version_is_an_object(app):
    assert set(app.get("/version").json) == {"version", "minimum_compatible_version"}
    assert app.get("/version").json["version"] == __version__


def test_the_status_names_the_model(app):
    found = app.get("/status").json
    assert set(found) == {"model_file", "model_id", "num_active_training_jobs"}
    assert found["model_file"].endswith(".tar.gz")
    assert "/" not in found["model_file"]
    assert len(found["model_id"]) == 32
    assert found["num_active_training_jobs"] == 0


def test_a_server_with_a_model_is_healthy_and_ready(app):
    assert app.get("/healthz").json == {"status": "ok"}
    assert app.get("/readyz").json == {"status": "ok"}


def test_a_server_without_a_model_is_healthy_but_not_ready(empty):
    assert empty.get("/healthz").json == {"status": "ok"}
    assert empty.get("/readyz", status=503).json["reason"] == "no model loaded"


def test_a_server_that_drains_is_not_ready(server, app):
    server.drain()
    assert app.get("/readyz", status=503).json["reason"] == "shutting down"
    assert app.get("/healthz").status_int == 200


def test_the_domain_is_the_same_as_json_and_yaml(app):
    as_json = app.get("/domain")
    assert as_json.headers["Content-Type"] == "application/json"
    as_yaml = app.get("/domain", headers={"Accept": "application/x-yaml"})
    assert as_yaml.headers["Content-Type"] == "application/x-yaml"
    assert set(yaml.safe_load(as_yaml.text)) == set(as_json.json)
    assert "utter_greet" in as_json.json["responses"]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "json"),
        ("", "json"),
        ("*/*", "json"),
        ("application/json", "json"),
        ("application/json;q=0.9", "json"),
        ("application/x-yaml", "yaml"),
        ("text/yml", "yaml"),
        ("text/html, application/x-yaml;q=0.9, */*;q=0.8", "yaml"),
        ("text/html, application/x-yaml;q=0.5, */*;q=0.8", "json"),
        ("application/json;q=0, application/yaml;q=0.1", "yaml"),
        ("application/x-yaml, application/json", "json"),
    ],
)
def test_the_accept_header_chooses(accept, kind):
    assert negotiated(accept).endswith(kind)


@pytest.mark.parametrize(
    "accept", ["text/html", "application/json;q=0", "image/png, text/plain;q=0.5", ";;;,", "*/*;q=x"]
)
def test_other_accept_headers_are_refused(accept):
    with pytest.raises(NotAcceptable):
        negotiated(accept)


def test_a_domain_that_nobody_accepts_is_406(app):
    found = app.get("/domain", headers={"Accept": "text/html"}, status=406).json
    assert found["reason"] == "NotAcceptable"
    assert json.dumps(found)
