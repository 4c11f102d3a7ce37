"""`botapi run` as a process."""

from __future__ import annotations

import shutil
import signal
import sys

import pytest

from tests.programs import finished, served
from tests.projects import write

ANYWHERE = ("-i", "0.0.0.0")


def test_it_says_where_it_serves_and_answers_there(small):
    with served(folder=small) as server:
        name = next((small / "models").iterdir()).name.removesuffix(".tar.gz")
        assert server.announcement == f"Serving {name} on {server.url}"
        assert server.url.startswith("http://127.0.0.1:")
        assert server.say("hello") == ["Hello!"]
        assert server.request("GET", "/status")[0] == 404  # the API is not enabled


def test_sigterm_ends_it_with_exit_code_0(small):
    with served(folder=small) as server:
        server.say("hello")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0
        assert "Traceback" not in server.process.stderr.read()


def test_a_restart_forgets_nothing(small):
    for _ in range(2):
        with served("--enable-api", folder=small) as server:
            server.say("hello", sender="ada")
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(20) == 0
    with served("--enable-api", folder=small) as server:
        status, tracker = server.request("GET", "/conversations/ada/tracker?include_events=ALL")
        assert status == 200
        assert [event["text"] for event in tracker["events"] if event["event"] == "user"] == ["hello", "hello"]


def test_the_old_spelling_serves_two_models_given_apart(small):
    for kind, folder in (("core", "models/dialogue"), ("nlu", "models/nlu/current")):
        assert finished("train", kind, "--out", folder, folder=small).returncode == 0
    words = ("--enable_api", "-d", "models/dialogue", "-u", "models/nlu/current", "-o", "out.log")
    with served(*words, folder=small, command=(sys.executable, "-m", "botapi.run")) as server:
        assert server.say("see you") == ["Bye!"]
        assert server.request("GET", "/version")[0] == 200
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0
    assert "/webhooks/rest/webhook 200" in (small / "out.log").read_text()


def test_one_half_alone_serves_too(small):
    assert finished("train", "nlu", "--out", "understanding", folder=small).returncode == 0
    with served("--enable-api", "-u", "understanding", folder=small) as server:
        assert server.request("POST", "/model/parse", {"text": "bye"})[1]["intent"]["name"] == "bye"


@pytest.mark.parametrize("words", [("models",), ("-m", "models"), ("--model", "models")], ids=" ".join)
def test_the_model_may_be_named_in_three_ways(small, words):
    with served(*words, folder=small) as server:
        assert server.say("bye") == ["Bye!"]


def test_the_api_without_a_model_waits_for_one(small):
    shutil.move(small / "models", small / "elsewhere")
    with served("--enable-api", folder=small) as server:
        assert server.announcement.startswith("Serving no model yet on ")
        assert server.request("GET", "/status")[0] == 409
        assert server.request("PUT", "/model", {"model_file": "elsewhere"})[0] == 204
        assert server.say("hello") == ["Hello!"]


def test_a_token_guards_the_api(small):
    with served("--enable-api", "--auth-token", "secret", folder=small) as server:
        assert server.request("GET", "/status")[0] == 401
        assert server.request("GET", "/status?token=secret")[0] == 200
        assert server.say("hello") == ["Hello!"]


def test_a_token_may_come_from_the_environment(small):
    with served("--enable-api", *ANYWHERE, folder=small, BOTAPI_AUTH_TOKEN="secret") as server:
        assert server.request("GET", "/status")[0] == 401
        assert server.request("GET", "/status?token=secret")[0] == 200


def test_the_api_on_every_interface_wants_authentication(small):
    done = finished("run", "--enable-api", *ANYWHERE, "-p", "0", folder=small)
    assert done.returncode == 1
    assert "--allow-unauthenticated" in done.stderr and "Traceback" not in done.stderr
    for words in (["--auth-token", "t"], ["--jwt-secret", "s" * 32], ["--allow-unauthenticated"]):
        with served("--enable-api", *ANYWHERE, *words, folder=small) as server:
            assert server.url.startswith("http://0.0.0.0:")


@pytest.mark.parametrize(
    "words, sentence",
    [
        pytest.param(["-m", "none.tar.gz"], "There is no model at none.tar.gz", id="missing model"),
        pytest.param(["-m", "domain.yml"], "domain.yml is not a readable model archive", id="file that is no model"),
        pytest.param(["-m", "data"], "The folder data holds no model", id="folder without models"),
        pytest.param(["-m", "models", "-d", "models"], "Name either a whole model", id="model both ways"),
        pytest.param(["--endpoints", "none.yml"], "The file 'none.yml' is missing", id="missing endpoints"),
        pytest.param(["--endpoints", "bad.yml"], "bad.yml, line 2", id="broken endpoints"),
        pytest.param(["--endpoints", "store.yml"], "type 'abacus' is not supported", id="unknown store"),
        pytest.param(["--credentials", "phone.yml"], "'phone' is not supported", id="unknown channel"),
        pytest.param(["--ssl-certificate", "x.pem"], "The certificate 'x.pem'", id="TLS"),
        pytest.param(["--connector", "slack"], "credentials.yml", id="connector"),
        pytest.param(["--jwt-secret", "s", "--jwt-method", "none"], "none", id="JWT algorithm"),
        pytest.param(
            ["-i", "no.such.host.invalid", "-t", "x"], "Can't listen on no.such.host.invalid", id="unknown interface"
        ),
        pytest.param(["--log-file", "no/where.log"], "The log file no/where.log can't be written", id="log file"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(small, words, sentence):
    write(
        small,
        {
            "bad.yml": "a: 1\nb: [",
            "store.yml": "tracker_store: {type: abacus}",
            "phone.yml": "phone: {}",
        },
    )
    done = finished("run", "--enable-api", "-p", "0", "--quiet", *words, folder=small)
    assert done.returncode == 1
    assert done.stderr.startswith("botapi: ") and done.stderr.count("\n") == 1
    assert sentence in done.stderr


def test_without_the_api_a_model_is_needed(small):
    shutil.rmtree(small / "models")
    done = finished("run", "-p", "0", folder=small)
    assert done.returncode == 1
    assert "botapi train" in done.stderr
