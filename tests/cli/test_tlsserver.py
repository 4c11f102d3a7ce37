"""`botapi run` over TLS, as a process that curl and others talk to, and what keeps its server from starting."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from botapi.cli.tlsserver import TLSServer
from botapi.errors import ConfigError
from botapi.web.tls import create_ssl_context
from tests.certificates import issued, self_signed
from tests.waiting import action_server, waiting_bot

ROOT = Path(__file__).parents[2]
HELLO = b'{"sender": "a", "message": "hello"}'
UNKNOWN_AUTHORITY = 60  # curl's exit code
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@contextmanager
def served(folder, *words, **environment):
    """(process, its https://… address) of a bot served with these further words."""
    command = [sys.executable, "-m", "botapi", "run", "-p", "0", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().rpartition(" ")[2].strip()
            assert url.startswith("https://")
            yield process, url
        finally:
            process.kill()


def connection(url, authority):
    """A connection that trusts the authority."""
    parts, context = urlsplit(url), ssl.create_default_context(cafile=authority)
    return closing(http.client.HTTPSConnection(parts.hostname, parts.port, timeout=20, context=context))


def curl(url, *words):
    """(exit code, body) of a request of curl's own."""
    done = subprocess.run(["curl", "-sS", "--max-time", "20", *words, url], capture_output=True, text=True)
    return done.returncode, done.stdout


def test_a_bot_answers_over_tls_and_stops_on_sigterm(small, tmp_path):
    chain, key = self_signed(tmp_path)
    with served(small, "--ssl-certificate", chain, "--ssl-keyfile", key) as (process, url):
        with connection(url, chain) as client:
            for _ in range(2):  # on one connection
                client.request("POST", "/webhooks/rest/webhook", HELLO)
                assert json.load(client.getresponse())[0]["text"] == "Hello!"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


@needs_curl
def test_curl_knows_the_server_by_its_authority_and_by_nothing_else(small, tmp_path):
    chain, key = self_signed(tmp_path, "secret")
    words = ("--ssl-certificate", chain, "--ssl-keyfile", key, "--ssl-password", "secret")
    with served(small, *words) as (_, url):
        assert curl(url, "--cacert", chain) == (0, curl(url, "--insecure")[1])
        assert curl(url, "--cacert", chain)[1].startswith("Hello from botapi")
        assert curl(url) == (UNKNOWN_AUTHORITY, "")
        assert curl(url, "--cacert", self_signed(tmp_path / "other")[0]) == (UNKNOWN_AUTHORITY, "")


@needs_curl
@pytest.mark.parametrize("is_given, code", [(True, 0), (False, UNKNOWN_AUTHORITY)], ids=["with a CA", "without"])
def test_the_ca_file_fills_the_gap_between_certificate_and_root(small, tmp_path, is_given, code):
    certificate, key, intermediate, root = issued(tmp_path)
    words = ("--ssl-certificate", certificate, "--ssl-keyfile", key)
    with served(small, *words, *(("--ssl-ca-file", intermediate) if is_given else ())) as (_, url):
        assert curl(f"{url}/", "--cacert", root)[0] == code


def test_a_turn_is_finished_on_sigterm(tmp_path):
    chain, key = self_signed(tmp_path)
    words = ("--ssl-certificate", chain, "--ssl-keyfile", key)
    with action_server() as actions:
        with served(waiting_bot(tmp_path / "bot"), *words, ACTION_URL=actions.url) as (process, url):
            with connection(url, chain) as client:
                client.request("POST", "/webhooks/rest/webhook", HELLO)
                actions.next()
                process.send_signal(signal.SIGTERM)
                while accepts(url):
                    pass
                actions.may_answer.set()
                assert [message["text"] for message in json.load(client.getresponse())] == ["First.", "Last."]
            assert process.wait(20) == 0


def accepts(url):
    """Whether somebody still listens."""
    try:
        socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=20).close()
    except ConnectionRefusedError:
        return False
    except ConnectionResetError:  # taken by the kernel as the door closed
        return True
    return True


def test_messages_are_streamed_as_they_come(tmp_path):
    chain, key = self_signed(tmp_path)
    words = ("--ssl-certificate", chain, "--ssl-keyfile", key)
    with action_server() as actions:
        with served(waiting_bot(tmp_path / "bot"), *words, ACTION_URL=actions.url) as (_, url):
            with connection(url, chain) as client:
                client.request("POST", "/webhooks/rest/webhook?stream=true", HELLO)
                answer = client.getresponse()
                assert json.loads(answer.readline())["text"] == "First."
                actions.may_answer.set()
                assert json.loads(answer.readline())["text"] == "Last."
                assert answer.read() == b""


def test_clients_that_say_nothing_keep_nobody_out(small, tmp_path):
    chain, key = self_signed(tmp_path)
    with served(small, "--ssl-certificate", chain, "--ssl-keyfile", key, "--threads", "2") as (_, url):
        parts = urlsplit(url)
        silent = [socket.create_connection((parts.hostname, parts.port), timeout=20) for _ in range(8)]
        silent[0].sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")  # no TLS at all
        try:
            with connection(url, chain) as client:
                client.request("GET", "/")
                assert client.getresponse().status == 200
        finally:
            for one in silent:
                one.close()


@pytest.fixture
def built(tmp_path):
    """Makes TLS servers on an address, and closes them."""
    made = []
    context = create_ssl_context(*self_signed(tmp_path))

    def make(port=0):
        made.append(
            TLSServer(
                lambda environ, start_response: [],
                context=context,
                host="127.0.0.1",
                port=port,
                threads=1,
                idle_s=1,
                max_body_bytes=100,
            )
        )
        return made[-1]

    yield make
    for server in made:
        server.cheroot.stop()


def test_the_address_is_known_once_it_is_bound(built):
    ((host, port),) = built().addresses
    assert host == "127.0.0.1"
    assert port > 0


# cheroot leaves a socket that it could not bind to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
def test_a_port_in_use_is_one_sentence(built):
    ((_, port),) = built().addresses
    with pytest.raises(ConfigError, match=f"Can't listen on 127.0.0.1 port {port}"):
        built(port)


def test_without_cheroot_the_sentence_says_what_to_install(built, monkeypatch):
    monkeypatch.setitem(sys.modules, "cheroot.wsgi", None)
    with pytest.raises(ConfigError, match=r"pip install botapi\[tls\]"):
        built()
