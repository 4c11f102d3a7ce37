"""Training over HTTP: YAML or events in; a model, now or later, or one sentence about what is wrong with it, out."""

from __future__ import annotations

import pytest

from botapi.errors import Conflict
from tests.channels.receiver import receiver
from tests.smallbot import PROJECT, archive
from tests.strict import client

KEYS = {"version", "status", "message", "reason", "details", "help", "code"}


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


# ------------------------------------------------------------------------------------------ /finetune

SAID_AFTER_SHOW = [
    {"event": "action", "name": "action_listen"},
    {"event": "user", "text": "show", "parse_data": {"intent": {"name": "show", "confidence": 1.0}, "entities": []}},
    {"event": "action", "name": "utter_show"},
    {"event": "action", "name": "action_listen"},
    {"event": "user", "text": "dunno", "parse_data": {"intent": {"name": "order", "confidence": 1.0}, "entities": []}},
    {"event": "action", "name": "utter_bye"},
]
LEARNING = """
intents: [show, order]
responses: {utter_show: [{text: Look}], utter_bye: [{text: Bye}]}
policies: [{name: TEDPolicy}]
nlu:
- intent: show
  examples: '- show'
stories:
- story: one
  steps: [{intent: show}, {action: utter_show}]
"""


@pytest.fixture
def learning(serve, tmp_path):
    """A server whose model learns from stories."""
    server = serve()
    server.api.models = tmp_path / "models"
    found = client(server).post("/model/train", LEARNING)
    server.api.agent.load_model(server.api.models / found.headers["filename"])
    return server


def test_a_conversation_is_learned_and_the_model_swapped(learning):
    app = client(learning)
    before = app.get("/status").json
    assert app.post_json("/finetune?epochs=20&batch_size=5", SAID_AFTER_SHOW, status=204).body == b""
    after = app.get("/status").json
    assert after["model_id"] != before["model_id"] and after["model_file"].endswith("-finetuned.tar.gz")
    found = app.post_json("/model/predict", SAID_AFTER_SHOW[:-1]).json
    assert (found["scores"][0]["action"], found["policy"]) == ("utter_bye", "TEDPolicy")
    (job,) = [job for job in app.get("/jobs").json if job["task"] == "finetune"]
    assert app.get(job["result"], status=204).body == b""


def test_learning_on_is_a_training_that_one_need_not_wait_for(learning):
    found = client(learning).post_json("/finetune", SAID_AFTER_SHOW, headers={"Prefer": "respond-async"}, status=202)
    assert (found.json["task"], found.json["state"] in ("queued", "running")) == ("finetune", True)
    assert client(learning).get("/status").json["num_active_training_jobs"] == 1


def test_a_model_that_was_loaded_meanwhile_stays(learning, tmp_path):
    app = client(learning)
    found = app.post_json("/finetune", SAID_AFTER_SHOW, headers={"Prefer": "respond-async"}, status=202).json
    learning.api.agent.load_model(archive())
    model_id = app.get("/status").json["model_id"]
    with pytest.raises(Conflict, match="Another model was loaded meanwhile"):
        learning.api.jobs.get(found["id"]).wait(60)
    assert app.get("/status").json["model_id"] == model_id


@pytest.mark.parametrize(
    "body, reason",
    [
        pytest.param("", "InvalidParameter", id="nothing"),
        pytest.param("[", "InvalidParameter", id="broken"),
        pytest.param("{}", "InvalidParameter", id="no list"),
        pytest.param('[{"event": "dance"}]', "InvalidParameter", id="unknown event"),
        pytest.param("[]", "BadRequest", id="no action"),
        pytest.param('[{"event": "action", "name": "utter_dance"}]', "BadRequest", id="unknown action"),
    ],
)
def test_events_that_can_not_be_learned_are_400(learning, body, reason):
    model_id = client(learning).get("/status").json["model_id"]
    assert client(learning).post("/finetune", body, status=400).json["reason"] == reason
    assert client(learning).get("/status").json["model_id"] == model_id


@pytest.mark.parametrize("epochs", ["0", "x", "1001"])
def test_a_senseless_number_of_epochs_is_400(learning, epochs):
    found = client(learning).post_json(f"/finetune?epochs={epochs}", SAID_AFTER_SHOW, status=400).json
    assert found["details"] == {"parameter": "epochs", "in": "query"}


def test_a_model_without_a_policy_that_learns_is_400(app):
    found = app.post_json("/finetune", SAID_AFTER_SHOW, status=400).json
    assert (found["reason"], "TEDPolicy" in found["message"]) == ("TrainingError", True)
