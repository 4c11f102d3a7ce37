"""Models from elsewhere: servers that callers name, uploads, remote storage; what is served afterwards."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from botapi.model import open_model
from botapi.wsgi import create_app
from tests.archives import whole, zipped
from tests.modelserver import model_server
from tests.smallbot import agent
from tests.strict import client
from tests.twobots import archive


@pytest.fixture
def remote():
    with model_server() as found:
        found.serve(archive("red"))
        yield found


@pytest.fixture
def local():
    """A server that may ask this machine for models, and takes uploads of 100,000 bytes."""
    sections = {"outbound": {"allow": ["127.0.0.0/8"]}, "body_limit": {"upload_bytes": 100_000}}
    found = create_app(agent(), endpoints=sections)
    yield client(found)
    found.close()


def model_id(app):
    return app.get("/status").json["model_id"]


def put(app, status=204, **body):
    return app.put_json("/model", body, status=status)


# -------------------------------------------------------------- model servers


def test_the_model_of_a_server_is_loaded_and_shown_under_its_name(local, remote):
    put(local, model_server={"url": remote.url, "token": "word", "token_name": "key", "headers": {"X-A": "b"}})
    assert local.get("/status").json["model_file"] == "red.tar.gz"
    asked = remote.next()
    assert (asked[":path"], asked["x-a"]) == ("/models/live?key=word", "b")


def test_the_loaded_model_can_be_tested(local, remote):
    put(local, model_server={"url": remote.url, "wait_time_between_pulls": None})
    examples = 'nlu:\n- intent: greet\n  examples: |\n    - hello\n- intent: x\n  examples: "- y"\n'
    found = local.post("/model/test/intents", examples, headers={"Content-Type": "application/x-yaml"}).json
    assert found["intent_evaluation"]["predictions"]


@pytest.mark.parametrize("status", [204, 304, 404, 500, 302])
def test_a_server_that_has_none_is_400_and_changes_nothing(local, remote, status):
    before = model_id(local)
    remote.answer(status, archive("red").read_bytes(), Location="http://127.0.0.1/")
    found = put(local, 400, model_server={"url": remote.url}).json
    assert found["details"] == {"parameter": "model", "in": "query"}
    assert str(status) in found["message"]
    assert model_id(local) == before


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04", b"\x1f\x8b\x08 nothing", archive("red").read_bytes()[:-99]])
def test_a_server_that_lies_is_400_and_changes_nothing(local, remote, body):
    before, folders = model_id(local), copies()
    remote.answer(200, body, ETag="a", filename="../../red.tar.gz")
    found = put(local, 400, model_server={"url": remote.url}).json
    assert "model.tar.gz" in found["message"] and tempfile.gettempdir() not in found["message"]
    assert model_id(local) == before
    assert copies() <= folders


def copies():
    """The private folders of models that came from elsewhere."""
    return {path.name for path in Path(tempfile.gettempdir()).glob("botapi-model-*")}


REFUSED = (
    "http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://[::1]:{port}/", "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/", "http://[::127.0.0.1]:{port}/", "http://[64:ff9b::7f00:1]:{port}/",
    "http://2130706433:{port}/", "http://0x7f.1:{port}/", "http://0.0.0.0:{port}/", "http://[::]:{port}/",
    "http://10.0.0.1/", "http://192.168.1.1/", "http://[::ffff:10.0.0.1]/", "http://[fd00::1]/",
    "http://169.254.169.254/latest/meta-data/", "http://[::ffff:169.254.169.254]/", "http://[fe80::1]/",
    "http://a:b@93.184.216.34/", "ftp://93.184.216.34/", "file:///etc/passwd", "http://", "http://[/", "x", "http:///a",
)  # fmt: skip


@pytest.mark.parametrize("url", REFUSED)
def test_a_url_that_leads_into_the_house_is_refused(app, remote, url):
    port = remote.url.split(":")[2].partition("/")[0]
    found = put(app, 400, model_server={"url": url.replace("{port}", port)}).json
    assert found["details"] == {"parameter": "model_server", "in": "body"}
    assert remote.asked.empty()


@pytest.mark.parametrize(
    "section",
    [
        "http://93.184.216.34/", ["a"], 5, {"a": 1}, {"url": 5}, {"url": None}, {"url": "http://a:b/"},
        {"url": "http://93.184.216.34/", "params": 5},
        {"url": "http://93.184.216.34/", "basic_auth": {"username": "a"}},
        {"url": "http://93.184.216.34/", "cafile": "/etc/passwd"},
        {"url": "http://93.184.216.34/", "wait_time_between_pulls": 0.01},
        {"url": "http://93.184.216.34/", "timeout": "x"},
    ],
)  # fmt: skip
def test_a_server_that_is_none_is_refused(app, section):
    found = put(app, 400, model_server=section).json
    assert found["details"] == {"parameter": "model_server", "in": "body"}


def test_a_header_that_breaks_out_of_its_line_is_refused(local, remote):
    found = put(local, 400, model_server={"url": remote.url, "headers": {"X-A": "b\r\nX-C: d"}}).json
    assert found["details"] == {"parameter": "model", "in": "query"}
    assert remote.asked.empty()


# -------------------------------------------------------------- remote storage


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"remote_storage": "gcs", "model_file": "a"}, "'gcs' is not supported"),
        ({"remote_storage": "azure", "model_file": "a"}, "'azure' is not supported"),
        ({"remote_storage": "os.system", "model_file": "a"}, "not supported"),
        ({"remote_storage": "aws", "model_file": "a"}, "BUCKET_NAME"),
        ({"remote_storage": {"a": 1}, "model_file": "a"}, "expected the name of a storage"),
        ({"remote_storage": "aws"}, "name of an archive"),
        ({"remote_storage": "aws", "model_file": 5}, "name of an archive"),
    ],
)
def test_remote_storage_that_can_not_be_used_is_400(app, monkeypatch, body, word):
    monkeypatch.delenv("BUCKET_NAME", raising=False)
    assert word in put(app, 400, **body).json["message"]


# --------------------------------------------------------------------- uploads

EMPTY_FILE = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n\r\n--b--'


def test_an_archive_as_the_body_takes_the_place_of_the_model(local):
    local.post("/webhooks/rest/webhook", '{"sender": "a", "message": "hello"}')
    before = local.get("/conversations/a/tracker").json["events"]
    answer = local.post("/model", archive("blue").read_bytes(), headers={"Content-Type": "application/gzip"})
    assert answer.status_int == 204
    assert model_id(local) == open_model(archive("blue")).metadata.model_id
    # All that a conversation had is there, and it goes on with the new model.
    assert local.get("/conversations/a/tracker").json["events"] == before
    said = local.post("/webhooks/rest/webhook", '{"sender": "a", "message": "hello"}').json
    assert [message["text"] for message in said] == ["first blue", "second blue"]


def test_a_zip_in_a_form_is_taken_as_by_rasa_core(local, tmp_path):
    path = zipped(tmp_path / "made.zip", whole(open_model(archive("red")).members))
    local.post("/model", {"other": "x"}, upload_files=[("model", "made.zip", path.read_bytes())], status=204)
    assert local.get("/status").json["model_file"] == "made.zip"


def test_what_training_answers_with_can_be_uploaded(local, tmp_path):
    document = 'nlu:\n- intent: a\n  examples: "- a"\n- intent: b\n  examples: "- b"\npipeline:\n'
    document += "- name: KeywordIntentClassifier\n"
    trained = local.post("/model/train?save_to_default_model_directory=false", document)
    local.post("/model", trained.body, headers={"Content-Type": trained.headers["Content-Type"]}, status=204)
    assert local.post_json("/model/parse", {"text": "b"}).json["intent"]["name"] == "b"


@pytest.mark.parametrize(
    "name", ["../../../evil.tar.gz", "/tmp/evil.tar.gz", "evil\\..\\x.zip", "evil.sh", "\u00fc.zip", ""]
)
def test_an_unsafe_name_never_reaches_the_disk(server, app, name):
    app.post("/model", {}, upload_files=[("model", name, archive("red").read_bytes())], status=204)
    path = server.api.agent.bot.path
    assert (path.name, path.parent.parent) == ("model.tar.gz", Path(tempfile.gettempdir()))
    assert os.listdir(path.parent) == ["model.tar.gz"]


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (b"", "application/zip", "InvalidParameter"),
        (b"x=1", "application/x-www-form-urlencoded", "BadRequest"),
        (b"{}", "application/json", "BadRequest"),
        (b"--b--", "multipart/form-data; boundary=b", "BadRequest"),
        (b"--b\r\n\r\nx", "multipart/form-data; boundary=b", "BadRequest"),
        (b"--b", "multipart/form-data", "BadRequest"),
        (EMPTY_FILE, "multipart/form-data; boundary=b", "InvalidParameter"),
        (archive("red").read_bytes()[:-200], "application/gzip", "BadRequest"),
        (b"PK\x05\x06" + bytes(18), "application/zip", "BadRequest"),
    ],
)  # fmt: skip
def test_an_upload_that_is_no_model_is_400_and_changes_nothing(local, body, kind, reason):
    before, folders = model_id(local), copies()
    found = local.post("/model", body, headers={"Content-Type": kind}, status=400).json
    assert found["reason"] == reason
    assert model_id(local) == before
    assert copies() <= folders


def test_an_upload_over_the_limit_is_413(local):
    found = local.post("/model", os.urandom(100_001), headers={"Content-Type": "application/zip"}, status=413).json
    assert found["details"] == {"limit_bytes": 100_000}


def test_the_limit_is_100_mebibytes_unless_said(server):
    (upload,) = [one for one in server.table if (one.method, one.path) == ("POST", "/model")]
    assert upload.limit_bytes == 100 << 20
    assert server.api.poller.max_bytes == 100 << 20


# ------------------------------------------------------------------- many texts


def test_several_texts_are_understood_at_once(app):
    found = app.post_json("/model/parse", {"texts": ["hello", " bye ", ""]}).json
    assert [one["text"] for one in found] == ["hello", "bye", ""]
    assert [one["intent"]["name"] for one in found[:2]] == ["greet", "bye"]
    assert found[0] == app.post_json("/model/parse", {"text": "hello"}).json


@pytest.mark.parametrize(("mode", "key"), [("WIT", "intents"), ("LUIS", "prediction"), ("DIALOGFLOW", "queryResult")])
def test_several_texts_are_answered_as_other_services_do(app, mode, key):
    found = app.post_json(f"/model/parse?emulation_mode={mode}", {"texts": ["hello", "bye"]}).json
    assert len(found) == 2 and all(key in one for one in found)


def test_no_texts_are_an_empty_list(app):
    assert app.post_json("/model/parse", {"texts": []}).json == []


@pytest.mark.parametrize("texts", [None, "hello", {"a": "hello"}, ["hello", 5], [["hello"]], ["a"] * 1001])
def test_texts_that_are_none_are_400(app, texts):
    found = app.post_json("/model/parse", {"texts": texts}, status=400).json
    assert found["details"] == {"parameter": "texts", "in": "body"}
