"""The composition root: settings in; a server with its layers, guards and routes in the right order out."""

from __future__ import annotations

import http.client
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit
from wsgiref.util import setup_testing_defaults, shift_path_info

import flask
import jwt
import pytest
from webtest import TestApp

from botapi.errors import ConfigError, ModelError
from botapi.settings import Settings
from botapi.web import routes
from botapi.wsgi import LAYERS, application, configure_cors, create_app, make_app, own_layers
from middleware import stack
from tests.smallbot import agent, archive
from tests.strict import client

SECRET = "a-secret-that-is-long-enough-for-hs256"
ROOT = Path(__file__).parents[1]
KEYS = {"version", "status", "message", "reason", "details", "help", "code"}


def bearer(**user):
    return {"Authorization": f"Bearer {jwt.encode({'user': user}, SECRET, algorithm='HS256')}"}


def path_of(endpoint):
    return endpoint.path.replace("{conversation_id:path}", "ann")


# ------------------------------------------------------------------ the whole


def test_the_two_lines_of_the_documentation_work():
    app = TestApp(create_app(agent()))
    body = '{"event": "slot", "name": "item", "value": "mexican"}'
    assert app.post("/conversations/default/tracker/events", body).json["slots"]["item"] == "mexican"


def test_unknown_paths_and_methods_are_error_objects(serve):
    app = client(serve())
    assert set(app.get("/nope", status=404).json) == KEYS
    assert set(app.delete("/version", status=405).json) == KEYS
    assert app.delete("/version", status=405).headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("endpoint", routes.endpoints(), ids=lambda e: f"{e.method} {e.path}")
def test_every_path_answers_head_or_options_and_another_method(serve, endpoint):
    app = client(serve())
    assert endpoint.method in app.options(path_of(endpoint)).headers["Allow"]
    assert set(app.request(path_of(endpoint), method="PATCH", status=405).json) == KEYS
    if endpoint.method == "GET":
        assert app.head(path_of(endpoint), status="*").body == b""


def test_errors_that_nobody_foresaw_are_500_without_their_text(serve, caplog):
    server = serve()
    server.api.agent.tracker_store = None
    found = client(server).get("/conversations/a/tracker", status=500).json
    assert set(found) == KEYS
    assert "NoneType" not in found["message"]
    assert "NoneType" in caplog.text


def test_every_response_has_a_request_id_and_log_lines_have_it_too(serve, caplog):
    caplog.set_level("INFO")
    found = client(serve()).get("/version", headers={"X-Request-ID": "abc"})
    assert found.headers["X-Request-ID"] == "abc"
    assert "abc" in caplog.text


@pytest.mark.parametrize("length", ["-1", "x", "1.5"])
def test_a_senseless_content_length_is_400(serve, length):
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/model/parse", "CONTENT_LENGTH": length}
    setup_testing_defaults(environ)
    environ["wsgi.input"] = io.BytesIO(b"{}")
    started = []
    body = b"".join(serve()(environ, lambda *start: started.append(start)))
    assert started[0][0] == "400 Bad Request"
    assert set(json.loads(body)) == KEYS


def test_a_body_over_the_limit_is_413(serve):
    body = b'{"text": "' + b"x" * 11_000_000 + b'"}'
    assert set(client(serve()).post("/model/parse", body, status=413).json) == KEYS


# ----------------------------------------------------------------------- CORS


def test_any_origin_may_read_by_default_without_credentials(serve):
    found = client(serve()).get("/version", headers={"Origin": "https://a.example"})
    assert found.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in found.headers


@pytest.mark.parametrize("origins", [None, "", []])
def test_no_origins_means_no_headers(serve, origins):
    found = client(serve(cors_origins=origins)).get("/version", headers={"Origin": "https://a.example"})
    assert "Access-Control-Allow-Origin" not in found.headers


def test_listed_origins_are_echoed_also_on_errors(serve):
    app = client(serve(cors_origins=["https://a.example", "https://b.example"], auth_token="t"))
    for path, status in (("/version", 200), ("/status", 401), ("/nope", 404)):
        found = app.get(path, headers={"Origin": "https://b.example"}, status=status)
        assert found.headers["Access-Control-Allow-Origin"] == "https://b.example"
        assert found.headers["Access-Control-Expose-Headers"] == "filename"


def test_a_preflight_needs_no_credentials(serve):
    headers = {"Origin": "https://a.example", "Access-Control-Request-Method": "PUT"}
    app = client(serve(cors_origins="https://a.example", auth_token="t"))
    assert "PUT" in app.options("/model", headers=headers, status=200).headers["Access-Control-Allow-Methods"]


def test_configure_cors_wraps_any_application():
    def bare(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "1")])
        return [b"x"]

    found = client(configure_cors(bare, "https://a.example")).get("/", headers={"Origin": "https://a.example"})
    assert found.headers["Access-Control-Allow-Origin"] == "https://a.example"
    with pytest.raises(ConfigError):
        configure_cors(bare, "https://[")


# --------------------------------------------------------- layers of one's own


class Stamp:
    """A layer of a project's own: adds a header, and answers /stamp itself."""

    def __init__(self, app, *, text="stamped"):
        self.app, self.text = app, text

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"] == "/stamp":
            start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "0")])
            return []

        def start(status, headers, exc_info=None):
            return start_response(status, [*headers, ("X-Stamp", self.text)], *filter(None, [exc_info]))

        return self.app(environ, start)


class Broken:
    """A layer that always fails."""

    def __init__(self, app):
        self.app = app

    def __call__(self, environ, start_response):
        raise KeyError("broken")


def with_layers(serve, *layers, **options):
    return client(serve(endpoints={"middleware": list(layers)}, **options))


def test_a_layer_named_in_endpoints_is_used_in_order(serve):
    entries = [{"class": "tests.test_wsgi.Stamp", "options": {"text": "one"}}, {"class": "tests.test_wsgi.Stamp"}]
    app = with_layers(serve, *entries, cors_origins="https://a.example")
    found = app.get("/version", headers={"Origin": "https://a.example"})
    assert found.headers.getall("X-Stamp") == ["stamped", "one"]
    assert found.headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert app.get("/nope", status=404).headers.getall("X-Stamp") == ["stamped", "one"]


def test_a_layer_cannot_take_the_guard_away(serve):
    app = with_layers(serve, {"class": "tests.test_wsgi.Stamp"}, auth_token="t")
    app.get("/stamp")
    assert app.get("/status", status=401).headers["X-Stamp"] == "stamped"


def test_a_layer_that_fails_is_an_error_object(serve):
    assert set(with_layers(serve, {"class": "tests.test_wsgi.Broken"}).get("/version", status=500).json) == KEYS


def test_a_layer_of_ours_is_used_by_name(serve):
    app = with_layers(serve, {"name": "body_limit", "options": {"limit_bytes": 10}})
    app.post("/model/parse", b"x" * 11, status=413)


def test_endpoints_may_be_a_file(tmp_path, monkeypatch):
    monkeypatch.setenv("STAMP", "from a file")
    path = tmp_path / "endpoints.yml"
    path.write_text("middleware:\n- class: tests.test_wsgi.Stamp\n  options:\n    text: ${STAMP}\n")
    app = create_app(agent(), endpoints=path)
    assert client(app).get("/version").headers["X-Stamp"] == "from a file"
    app.close()


@pytest.mark.parametrize(
    ("section", "part"),
    [
        ("cors", "a list"),
        ([{"name": "nope"}], "'nope' is not known"),
        ([{"class": "tests.test_wsgi.Nope"}], "can't be imported"),
        ([{"name": "cors", "class": "tests.test_wsgi.Stamp"}], "is no layer"),
        ([{}], "is no layer"),
        ([{"name": "cors", "origins": "*"}], "is no layer"),
        ([{"name": "cors", "options": "*"}], "is no layer"),
        ([{"class": "tests.test_wsgi.Stamp", "options": {"nope": 1}}], "does not take the options"),
        ([{"name": "body_limit", "options": {"limit_bytes": -1}}], "does not take the options"),
    ],
)
def test_a_layer_that_cannot_be_made_refuses_to_start(section, part):
    with pytest.raises(ConfigError, match=part):
        stack(lambda environ, start_response: [], *own_layers(section))


def test_layers_may_be_named_alone():
    assert len(own_layers(list(LAYERS))) == len(LAYERS)
    assert own_layers(None) == []


# -------------------------------------------------------------------- without


def test_without_the_api_only_the_root_and_channels_answer():
    server = application(agent(), Settings(enable_api=False))
    app = client(server)
    app.get("/")
    assert app.post_json("/webhooks/rest/webhook", {"message": "hello"}).json
    for endpoint in routes.API:
        app.request(path_of(endpoint), method=endpoint.method, status=404)
    server.close()


def test_without_a_model_the_api_serves_and_waits_for_one():
    server = create_app()
    app = client(server)
    app.get("/version")
    app.get("/status", status=409)
    server.api.model_folders = (archive().parent,)
    app.put_json("/model", {"model_file": str(archive())})
    assert app.post_json("/webhooks/rest/webhook", {"message": "hello"}).json[0]["text"] == "Hello there."
    server.close()


# -------------------------------------------------------------------- mounted


def test_mounted_in_bare_wsgi_every_route_answers_below_the_prefix(serve):
    server = serve()

    def host(environ, start_response):
        assert shift_path_info(environ) == "bot"
        return server(environ, start_response)

    app = client(host)
    for endpoint in server.table:
        assert endpoint.method in app.options(f"/bot{path_of(endpoint)}").headers["Allow"]
    assert app.get("/bot/conversations/a%2Fb/tracker").json["sender_id"] == "a/b"
    assert app.get("/bot").text.startswith("Hello")


def test_mounted_in_flask_every_route_answers_below_the_prefix(serve):
    server = serve()
    host = flask.Flask("host")
    flask_app = host.wsgi_app

    def mounted(environ, start_response):
        if environ["PATH_INFO"].startswith("/bot/"):
            environ["SCRIPT_NAME"] += "/bot"
            environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix("/bot")
            return server(environ, start_response)
        return flask_app(environ, start_response)

    host.wsgi_app = mounted
    app = TestApp(host)
    for endpoint in server.table:
        allowed = app.options(f"/bot{path_of(endpoint)}").headers["Allow"]
        assert endpoint.method in allowed
    assert app.post_json("/bot/webhooks/rest/webhook", {"message": "hello"}).json[0]["text"] == "Hello there."
    app.get("/version", status=404)


# ----------------------------------------------------------------- make_app


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project's folder with a model, as the current directory; no BOTAPI_ variable is set."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "one.tar.gz").write_bytes(archive().read_bytes())
    return tmp_path


def made(monkeypatch, **variables):
    for name, value in variables.items():
        monkeypatch.setenv(f"BOTAPI_{name}", str(value))
    return make_app()


def test_make_app_serves_the_newest_model_without_the_api(project, monkeypatch):
    server = made(monkeypatch)
    app = client(server)
    assert app.post_json("/webhooks/rest/webhook", {"message": "hello"}).json[0]["text"] == "Hello there."
    app.get("/status", status=404)
    server.close()
    server.api.agent.close()
    assert (project / "conversations.db").is_file()


def test_waitress_serve_calls_make_app(project):
    command = [sys.executable, "-m", "waitress", "--port", "0", "--call", "botapi.wsgi:make_app"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            line = next(line for line in process.stderr if "Serving on" in line)
            url = urlsplit(re.search(r"http://\S+", line)[0])
            connection = http.client.HTTPConnection("127.0.0.1", url.port, timeout=20)
            for method, status in (("POST", 200), ("HEAD", 405)):  # on one connection
                connection.request(method, "/webhooks/rest/webhook", b'{"sender": "a", "message": "hello"}')
                answer = connection.getresponse()
                body = answer.read()
                assert answer.status == status
                assert method == "HEAD" or json.loads(body) == [{"recipient_id": "a", "text": "Hello there."}]
            connection.close()
        finally:
            process.terminate()


def test_make_app_refuses_an_open_api(project, monkeypatch):
    with pytest.raises(ConfigError, match="BOTAPI_ALLOW_UNAUTHENTICATED"):
        made(monkeypatch, ENABLE_API=1)


def test_make_app_reads_all_its_variables(project, monkeypatch):
    (project / "e.yml").write_text("middleware:\n- class: tests.test_wsgi.Stamp\ntracker_store:\n  type: in_memory\n")
    (project / "c.yml").write_text("rest:\ncallback:\n  url: http://127.0.0.1:9/\n")
    server = made(
        monkeypatch,
        MODEL=project / "models" / "one.tar.gz",
        ENDPOINTS="e.yml",
        CREDENTIALS="c.yml",
        ENABLE_API=1,
        AUTH_TOKEN="t",
        JWT_SECRET=SECRET,
        JWT_METHOD="HS256",
        CORS="https://a.example https://b.example",
        RESPONSE_TIMEOUT=5,
    )
    app = client(server)
    found = app.get("/status?token=t", headers={"Origin": "https://b.example"})
    assert found.json["model_file"] == "one.tar.gz"
    assert found.headers["Access-Control-Allow-Origin"] == "https://b.example"
    assert found.headers["X-Stamp"] == "stamped"
    app.get("/status", headers=bearer(username="ann", role="admin"))
    app.get("/webhooks/callback/")
    assert server.api.response_timeout_s == 5
    server.close()
    assert not (project / "conversations.db").exists()


def test_make_app_without_a_model_needs_the_api(project, monkeypatch):
    (project / "models" / "one.tar.gz").unlink()
    with pytest.raises(ModelError):
        made(monkeypatch)
    server = made(monkeypatch, ENABLE_API=1, ALLOW_UNAUTHENTICATED=1)
    assert client(server).get("/readyz", status=503)
    server.close()
    server.api.agent.close()


@pytest.mark.parametrize(
    "section",
    [{"type": "celery"}, {"workers": 0}, {"workers": "2"}, {"queue": -1}, {"threads": 2}, {"workers": True}],
)
def test_jobs_settings_that_cannot_work_refuse_to_start(section):
    with pytest.raises(ConfigError, match="jobs"):
        create_app(endpoints={"jobs": section})
