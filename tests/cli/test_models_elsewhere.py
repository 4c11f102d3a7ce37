"""Models that no file of the project holds: from a model server and from S3, in real processes."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from importlib.util import find_spec

import pytest

from tests.modelserver import model_server
from tests.programs import ROOT, Served, finished, served
from tests.s3 import s3
from tests.twobots import archive


@pytest.fixture
def remote():
    with model_server() as found:
        yield found


def configure(folder, url, wait_s=0.05, key="models"):
    (folder / "endpoints.yml").write_text(f"{key}:\n  url: {url}\n  wait_time_between_pulls: {wait_s}\n")


def eventually_says(server, text, timeout_s=30.0):
    """Whether the bot comes to say so: its model arrives in the server's own time."""
    deadline = time.monotonic() + timeout_s
    while (said := server.request("POST", "/webhooks/rest/webhook", {"message": "hello"})[1]) and (
        time.monotonic() < deadline
    ):
        if isinstance(said, list) and said[0]["text"] == text:
            return True
        threading.Event().wait(0.05)
    return False


def ended(server):
    server.process.send_signal(signal.SIGTERM)
    return server.process.wait(20)


def test_a_model_server_gives_the_first_model_and_later_ones(tmp_path, remote):
    remote.serve(archive("red"))
    configure(tmp_path, remote.url)
    with served("--enable-api", folder=tmp_path) as server:
        assert server.announcement.startswith("Serving red on")
        assert server.say("hello") == ["first red", "second red"]
        assert server.request("GET", "/status")[1]["model_file"] == "red.tar.gz"
        remote.answer(500)
        remote.next()
        assert server.say("hello") == ["first red", "second red"]
        remote.serve(archive("blue"), etag='"two"')
        assert eventually_says(server, "first blue")
        assert ended(server) == 0
        assert "Traceback" not in server.process.stderr.read()


def test_a_server_that_has_no_model_yet_does_not_keep_the_bot_from_starting(tmp_path, remote):
    configure(tmp_path, remote.url, key="model")
    with served(folder=tmp_path) as server:
        assert server.announcement.startswith("Serving no model yet on")
        assert server.request("GET", "/")[0] == 200
        remote.serve(archive("red"))
        assert eventually_says(server, "first red")


def test_a_local_model_is_served_until_the_server_can_be_reached(tmp_path):
    (tmp_path / "models").mkdir()
    shutil.copy(archive("blue"), tmp_path / "models")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    configure(tmp_path, url)
    with served(folder=tmp_path) as server:
        assert server.say("hello") == ["first blue", "second blue"]


def test_make_app_asks_the_model_server_too(tmp_path, remote):
    remote.serve(archive("red"))
    configure(tmp_path, remote.url)
    command = (sys.executable, "-m", "waitress", "--listen=127.0.0.1:0", "--call", "botapi.wsgi:make_app")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            line = next(line for line in process.stderr if "Serving on" in line)
            server = Served(process, re.search(r"http://\S+", line)[0], line)
            assert server.say("hello") == ["first red", "second red"]
            remote.serve(archive("blue"), etag='"two"')
            assert eventually_says(server, "first blue")
        finally:
            process.terminate()


@pytest.mark.skipif(not (find_spec("boto3") and find_spec("moto")), reason="needs boto3 and moto[server]")
def test_a_bucket_gives_the_first_model_and_others_on_demand(tmp_path):
    with s3() as bucket:
        bucket.put("shop/red.tar.gz", archive("red").read_bytes())
        bucket.put("blue.tar.gz", archive("blue").read_bytes())
        bucket.put("broken.tar.gz", b"nothing")
        words = ("--remote-storage", "aws", "-m", "shop/red", "--enable-api")
        with served(*words, folder=tmp_path, **bucket.environment) as server:
            assert server.say("hello") == ["first red", "second red"]
            assert server.request("GET", "/status")[1]["model_file"] == "red.tar.gz"
            for name in ("broken", "missing"):
                status, error = server.request("PUT", "/model", {"remote_storage": "aws", "model_file": name})
                assert (status, error["details"]) == (400, {"parameter": "model", "in": "query"})
            assert server.say("hello") == ["first red", "second red"]
            assert server.request("PUT", "/model", {"remote_storage": "aws", "model_file": "blue"})[0] == 204
            assert server.say("hello") == ["first blue", "second blue"]


def test_another_storage_is_refused_with_what_to_do(tmp_path):
    found = finished("run", "--remote-storage", "gcs", "-m", "a", folder=tmp_path)
    assert found.returncode == 1
    assert "'gcs' is not supported; 'aws' is" in found.stderr
    assert "Traceback" not in found.stderr
