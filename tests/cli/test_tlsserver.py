"""`botapi run` over TLS, as a process, and what keeps its server from starting."""

from __future__ import annotations

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from botapi.cli.tlsserver import TLSServer
from botapi.errors import ConfigError
from botapi.web.tls import create_ssl_context
from tests.certificates import self_signed

ROOT = Path(__file__).parents[2]


def test_a_bot_answers_over_tls_and_stops_on_sigterm(small, tmp_path):
    chain, key = self_signed(tmp_path)
    command = [sys.executable, "-m", "botapi", "run", "-p", "0", "--ssl-certificate", chain, "--ssl-keyfile", key]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=small, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = urlsplit(process.stdout.readline().rpartition(" ")[2].strip())
            assert url.scheme == "https"
            context = ssl.create_default_context(cafile=chain)
            connection = http.client.HTTPSConnection(url.hostname, url.port, timeout=20, context=context)
            for _ in range(2):  # on one connection
                connection.request("POST", "/webhooks/rest/webhook", b'{"sender": "a", "message": "hello"}')
                assert json.load(connection.getresponse())[0]["text"] == "Hello!"
            connection.close()
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()


@pytest.fixture
def built(tmp_path):
    """Makes TLS servers on an address, and closes them."""
    made = []
    chain, key = self_signed(tmp_path)

    def make(port=0):
        made.append(
            TLSServer(
                lambda environ, start_response: [],
                context=create_ssl_context(chain, key),
                certificate=chain,
                key=key,
                password=None,
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
