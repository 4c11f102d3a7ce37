"""`/jobs`: trainings that go on behind an answer, looked at, waited for, cancelled and fetched later."""

from __future__ import annotations

import json
import threading
import time

import jwt
import pytest
from webtest import TestApp

from botapi.jobs.local import LocalRunner
from botapi.settings import Settings
from botapi.wsgi import application
from tests.channels.receiver import receiver
from tests.jobs.programs import COMMAND, FOR_EVER, GO_ON, children, is_running, wait_until
from tests.smallbot import PROJECT, agent
from tests.strict import client

ASYNC = {"Prefer": "respond-async"}
KEYS = {"id", "task", "state", "progress", "created_at", "started_at", "ended_at", "error", "result"}
SAID = "answer('done')"


@pytest.fixture
def playing(serve, tmp_path):
    """Makes servers whose jobs do what the posted document, a small program, says; it knows tmp_path as `out`."""

    def make(settings=None, queue=8, **options):
        server = serve(settings, **options)
        server.api.jobs.close()
        server.api.jobs = LocalRunner(1, queue, COMMAND)
        server.api.models = tmp_path
        return server

    return make


def train(app: TestApp, program: str, **options):
    return app.post("/model/train", program, headers=ASYNC, status=202, **options)


def until_ended(app: TestApp, place: str) -> dict:
    """The job at `place` once it has ended."""
    found: dict = {}

    def has_ended():
        found.update(app.get(place).json)
        return found["ended_at"] is not None

    wait_until(has_ended)
    return found


def test_who_does_not_wait_gets_the_place_of_the_job_and_fetches_the_archive_there(serve, tmp_path):
    server = serve()
    server.api.models = tmp_path / "models"
    app = client(server)
    found = train(app, PROJECT)
    place = found.headers["Location"]
    assert found.headers["Preference-Applied"] == "respond-async"
    assert (found.json["task"], f"/jobs/{found.json['id']}") == ("train", place)
    job = until_ended(app, place)
    assert set(job) == {*KEYS, "log"}
    assert (job["state"], job["progress"], job["error"]) == ("done", 1.0, None)
    assert any("is trained and saved at" in line for line in job["log"])
    archive = app.get(job["result"])
    assert archive.body == (server.api.models / archive.headers["filename"]).read_bytes()
    assert [{**one, "log": job["log"]} for one in app.get("/jobs").json] == [job]


def test_progress_grows_and_the_log_is_there_while_it_runs(playing, tmp_path):
    app = client(playing())
    program = "Path(request['progress']).write_text('0.4')\nPath(request['log.txt']).write_text('one line')\n" + GO_ON
    place = train(app, program).headers["Location"]
    wait_until(lambda: len(children(tmp_path)) == 1)
    job = app.get(place).json
    assert (job["state"], job["progress"], job["log"], job["result"]) == ("running", 0.4, ["one line"], None)
    assert "has not ended yet" in app.get(f"{place}/result", status=409).json["message"]
    assert app.get("/status").json["num_active_training_jobs"] == 1
    (tmp_path / "go").touch()
    until_ended(app, place)
    assert app.get("/status").json["num_active_training_jobs"] == 0


@pytest.mark.parametrize("prefer", ["Respond-Async", "wait=10, respond-async", 'respond-async; a="b"'])
def test_preference_may_be_one_of_several(playing, prefer):
    app = client(playing())
    app.post("/model/train", SAID, headers={"Prefer": prefer}, status=202)


@pytest.mark.parametrize("prefer", ["respond", "wait=10", "handling=strict", ""])
def test_other_preferences_are_ignored(app, prefer):
    app.post("/model/train", "nlu: [", headers={"Prefer": prefer}, status=400)


def test_a_request_that_is_wrong_is_refused_at_once_all_the_same(app):
    app.post("/model/train", headers=ASYNC, status=400)
    app.post("/model/train?augmentation=x", PROJECT, headers=ASYNC, status=400)
    assert app.get("/jobs").json == []


def test_result_of_a_failed_job_is_the_error_that_its_caller_would_have_got(app):
    place = train(app, "nlu: [").headers["Location"]
    job = until_ended(app, place)
    error = app.get(f"{place}/result", status=400).json
    assert (job["state"], job["result"], job["error"]) == ("failed", None, error)
    assert "request body, line" in error["message"]


def test_result_of_a_failure_of_ours_tells_nothing_but_the_log_does(playing, caplog):
    app = client(playing())
    place = train(app, "(folder / 'result.json').write_text('[]')").headers["Location"]
    job = until_ended(app, place)
    assert (job["state"], job["error"]["code"], job["error"]["reason"]) == ("failed", 500, "InternalServerError")
    assert "TypeError" not in json.dumps(job) and "TypeError" in caplog.text


def test_a_test_is_a_job_but_no_training(playing, tmp_path):
    app = client(playing())
    program = f"out = Path({str(tmp_path)!r})\n{GO_ON}"
    place = app.post("/model/test/stories", program, headers=ASYNC, status=202).headers["Location"]
    assert app.get("/status").json["num_active_training_jobs"] == 0
    (tmp_path / "go").touch()
    assert until_ended(app, place)["task"] == "test_stories"
    assert app.get(f"{place}/result").json == "done"


def test_cancelling_ends_the_child_within_five_seconds(playing, tmp_path):
    app = client(playing())
    place = train(app, FOR_EVER).headers["Location"]
    wait_until(lambda: len(children(tmp_path)) == 1)
    began = time.monotonic()
    assert app.delete(place, status=204).body == b""
    job = until_ended(app, place)
    assert time.monotonic() - began < 5
    assert not is_running(children(tmp_path)[0])
    assert (job["state"], job["error"]["reason"]) == ("cancelled", "Cancelled")
    assert app.get(f"{place}/result", status=409).json["reason"] == "Cancelled"


def test_real_training_is_cancelled_and_leaves_no_archive(serve, tmp_path):
    server = serve()
    server.api.models = tmp_path / "models"
    app = client(server)
    examples = "".join(f"      - word{n} other{n % 97}\n" for n in range(20_000))
    document = f"nlu:\n  - intent: a\n    examples: |\n{examples}  - intent: b\n    examples: |\n      - x\n"
    place = train(app, document).headers["Location"]
    wait_until(lambda: app.get(place).json["progress"] > 0)
    app.delete(place, status=204)
    assert until_ended(app, place)["state"] == "cancelled"
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_who_waits_for_a_cancelled_job_is_told(playing, tmp_path):
    app = client(playing())
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(app.post("/model/train", FOR_EVER, status=409)))
    waiting.start()
    wait_until(lambda: len(children(tmp_path)) == 1)
    (job,) = app.get("/jobs").json
    app.delete(f"/jobs/{job['id']}", status=204)
    waiting.join()
    assert answers[0].json["reason"] == "Cancelled"


def test_an_ended_job_is_forgotten_with_its_result(playing):
    app = client(playing())
    place = until_ended(app, train(app, SAID).headers["Location"])["id"]
    app.delete(f"/jobs/{place}", status=204)
    for path in (f"/jobs/{place}", f"/jobs/{place}/result"):
        assert app.get(path, status=404).json["reason"] == "Not found"
    app.delete(f"/jobs/{place}", status=404)


def test_an_archive_that_somebody_removed_is_404(serve, tmp_path):
    server = serve()
    server.api.models = tmp_path / "models"
    app = client(server)
    job = until_ended(app, train(app, PROJECT).headers["Location"])
    for file in server.api.models.iterdir():
        file.unlink()
    assert "no longer there" in app.get(job["result"], status=404).json["message"]


def test_places_are_named_as_the_server_is_mounted(playing):
    app = client(playing())
    found = train(app, SAID, extra_environ={"SCRIPT_NAME": "/my bot"})
    assert found.headers["Location"] == f"/my%20bot/jobs/{found.json['id']}"


# ------------------------------------------------------------------------------------------ limits


def test_work_that_takes_too_long_is_503_with_its_job_which_goes_on(playing, tmp_path):
    app = client(playing(response_timeout=0.001))
    found = app.post("/model/train", GO_ON, status=503).json
    assert found["reason"] == "Timeout"
    place = f"/jobs/{found['details']['job']}"
    assert app.get(place).json["ended_at"] is None
    (tmp_path / "go").touch()
    assert until_ended(app, place)["state"] == "done"


def test_few_callers_may_wait_and_the_others_go_on(playing, tmp_path):
    server = playing(Settings(enable_api=True, folder=str(tmp_path)), threads=3)
    app = client(server)
    answers = []
    first = threading.Thread(
        target=lambda: answers.append(client(server).post("/model/train", GO_ON, expect_errors=True))
    )
    first.start()
    wait_until(lambda: len(children(tmp_path)) == 1)
    refused = app.post("/model/train", GO_ON, status=503)
    assert refused.json["reason"] == "Busy"
    assert int(refused.headers["Retry-After"]) > 0
    assert app.post_json("/webhooks/rest/webhook", {"message": "hello"}).json
    place = train(app, GO_ON).headers["Location"]
    (tmp_path / "go").touch()
    first.join()
    assert until_ended(app, place)["state"] == "done"
    assert app.post("/model/test/stories", "answer({'done': 1})").json == {"done": 1}


def test_full_queue_is_503_whoever_waits(playing, tmp_path):
    app = client(playing(queue=1))
    for _ in range(2):
        train(app, GO_ON)
    for headers in ({}, ASYNC):
        refused = app.post("/model/train", GO_ON, headers=headers, status=503)
        assert refused.json["reason"] == "Busy" and int(refused.headers["Retry-After"]) > 0
    (tmp_path / "go").touch()
    wait_until(lambda: all(job["state"] == "done" for job in app.get("/jobs").json))


def test_callbacks_need_no_place_of_those_who_wait(playing, tmp_path):
    server = playing(Settings(enable_api=True, interface="127.0.0.1", folder=str(tmp_path)), threads=3)
    app = client(server)
    with receiver() as there:
        for number in range(3):
            program = f"out = Path({str(tmp_path)!r})\nwhile not (out / 'go').exists(): time.sleep(0.005)\n"
            path = f"/model/test/stories?callback_url={there.url}/{number}"
            app.post(path, program + f"answer({{'number': {number}}})", status=204)
        assert server.api.jobs.active <= 3
        (tmp_path / "go").touch()
        found = {path: body for path, _, body in (there.next(timeout_s=30) for _ in range(3))}
    assert found == {f"/{number}": {"number": number} for number in range(3)}


def test_a_callback_comes_before_a_preference(playing, tmp_path):
    app = client(playing(Settings(enable_api=True, interface="127.0.0.1", folder=str(tmp_path))))
    with receiver() as there:
        app.post(f"/model/test/stories?callback_url={there.url}", "answer({'a': 1})", headers=ASYNC, status=204)
        assert there.next(timeout_s=30)[2] == {"a": 1}


def test_a_server_that_stops_posts_what_became_of_its_jobs(tmp_path):
    server = application(agent(), Settings(enable_api=True, interface="127.0.0.1", folder=str(tmp_path)))
    server.api.jobs.close()
    server.api.jobs = LocalRunner(command=COMMAND)
    with receiver() as there:
        program = f"out = Path({str(tmp_path)!r})\n{FOR_EVER}"
        client(server).post(f"/model/test/stories?callback_url={there.url}", program, status=204)
        wait_until(lambda: len(children(tmp_path)) == 1)
        server.close()
        assert there.next()[2]["reason"] == "Cancelled"


@pytest.mark.parametrize(
    "method, path", [("GET", "/jobs"), ("GET", "/jobs/x"), ("DELETE", "/jobs/x"), ("GET", "/jobs/x/result")]
)
def test_jobs_are_for_administrators(serve, method, path):
    server = serve(jwt_secret="k" * 40)
    app = client(server)
    assert app.request(path, method=method, status=401)
    for role, status in (("user", 403), ("admin", 200 if path == "/jobs" else 404)):
        token = jwt.encode({"user": {"username": "x", "role": role}}, "k" * 40)
        app.request(path, method=method, headers={"Authorization": f"Bearer {token}"}, status=status)
