"""`POST /model/train`: YAML in; the archive, now or later, or one sentence about what is wrong with it, out."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from botapi.settings import Settings
from botapi.wsgi import application, create_app
from tests.channels.receiver import receiver
from tests.smallbot import PROJECT, agent, archive
from tests.strict import client

KEYS = {"version", "status", "message", "reason", "details", "help", "code"}


@pytest.fixture
def serve():
    """Makes servers with the small bot, and closes them: options of create_app in, a server out."""
    made = []

    def make(**options):
        made.append(create_app(agent(), **options))
        return made[-1]

    yield make
    for server in made:
        server.close()


def test_training_answers_with_the_archive(serve, tmp_path):
    server = serve()
    server.api.models = tmp_path / "models"
    found = client(server).post("/model/train?save_to_default_model_directory=false", PROJECT)
    assert found.headers["Content-Type"] == "application/x-tar"
    assert found.headers["Content-Disposition"] == f'attachment; filename="{found.headers["filename"]}"'
    assert not server.api.models.exists()
    (tmp_path / "trained.tar.gz").write_bytes(found.body)
    server.api.agent.load_model(tmp_path / "trained.tar.gz")
    assert server.api.agent.parse("hello")["intent"]["name"] == "greet"


def test_a_trained_model_is_kept_by_default_and_the_second_is_the_same(serve, tmp_path):
    server = serve()
    server.api.models = tmp_path / "models"
    app = client(server)
    first = app.post("/model/train", PROJECT)
    assert [path.name for path in server.api.models.iterdir()] == [first.headers["filename"]]
    assert app.post("/model/train", PROJECT).headers["filename"] == first.headers["filename"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("just text", id="no keys"),
        pytest.param("a: [", id="broken"),
        pytest.param(b"a: \xff", id="no UTF-8"),
        pytest.param("a: " + "[" * 101 + "]" * 101, id="nested 101 deep"),
        pytest.param("a: !!python/object/apply:os.system [ls]", id="a tag for code"),
        pytest.param(
            "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)),
            id="aliases that explode",
        ),
        pytest.param("domain: 5\nnlu: 7", id="wrong kinds"),
        pytest.param("nlu:\n- intent: a\n  examples: 5", id="wrong examples"),
        pytest.param(
            "pipeline:\n- name: os.system\nnlu:\n- intent: a\n  examples: |\n    - b", id="a class of one's own"
        ),
    ],
)
def test_bad_training_data_is_a_4xx_that_says_why(serve, tmp_path, body):
    server = serve()
    server.api.models = tmp_path / "models"
    found = client(server).post("/model/train", body, status="4*")
    assert set(found.json) == KEYS
    assert found.json["message"]
    assert not list(tmp_path.rglob("*.tar.gz"))


def test_training_without_a_body_says_what_is_missing(serve):
    found = client(serve()).post("/model/train", status=400).json
    assert found["message"].startswith("You must provide training data")


@pytest.mark.parametrize("value", ["x", "-1", "100000"])
def test_a_senseless_augmentation_is_400(serve, value):
    found = client(serve()).post(f"/model/train?augmentation={value}", PROJECT, status=400).json
    assert found["details"] == {"parameter": "augmentation", "in": "query"}


def test_a_callback_url_gets_the_archive_later(serve, tmp_path):
    server = serve(endpoints={"outbound": {"allow": ["127.0.0.1"]}})
    server.api.models = tmp_path / "models"
    with receiver() as there:
        found = client(server).post(f"/model/train?callback_url={there.url}/done", PROJECT, status=204)
        assert found.body == b""
        path, headers, body = there.next(timeout_s=60)
    assert path == "/done"
    assert headers["Content-Type"] == "application/x-tar"
    assert body == (server.api.models / headers["filename"]).read_bytes()


def test_a_callback_url_gets_errors_too(serve):
    server = serve(endpoints={"outbound": {"allow": ["127.0.0.1"]}})
    with receiver() as there:
        client(server).post(f"/model/train?callback_url={there.url}", status=204)
        _, _, found = there.next()
    assert found["reason"] == "BadRequest"
    assert set(found) == KEYS


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://169.254.169.254/latest", "file:///etc/passwd", "x"])
def test_a_callback_url_that_leads_inside_is_400(serve, url):
    found = client(serve()).post(f"/model/train?callback_url={url}", PROJECT, status=400).json
    assert "refused" in found["message"]


def test_heavy_work_has_few_places_and_chat_goes_on(tmp_path):
    server = application(agent(), Settings(enable_api=True), threads=3)
    entered, go = threading.Event(), threading.Event()

    def slow(*given, **options):
        entered.set()
        go.wait(30)
        return archive()

    server.api.jobs.train = slow
    app = client(server)
    first = threading.Thread(target=partial(app.post, "/model/train", PROJECT))
    first.start()
    assert entered.wait(10)
    refused = client(server).post("/model/train", PROJECT, status=503)
    assert refused.json["reason"] == "Busy"
    assert int(refused.headers["Retry-After"]) > 0
    assert client(server).post_json("/webhooks/rest/webhook", {"message": "hello"}).json
    go.set()
    first.join()
    client(server).post("/model/train", PROJECT)
    server.close()


def test_work_that_takes_too_long_is_503_with_its_job(serve):
    found = client(serve(response_timeout=0.001)).post("/model/train", PROJECT, status=503).json
    assert found["reason"] == "Timeout"
    assert found["details"]["job"]
