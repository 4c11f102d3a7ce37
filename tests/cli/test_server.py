"""Serving until told to stop, on real sockets."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from botapi.cli.server import Server
from botapi.errors import ConfigError

PROGRAM = Path(__file__).with_name("slowserver.py")
ROOT = Path(__file__).parents[2]


@contextmanager
def serving(drain_s):
    """(process, port) of the slow server; whatever the test does, it is gone afterwards."""
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), str(drain_s)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    with process:
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


@pytest.fixture
def send(request):
    """Sends a request: (port, path) -> the connection on which the answer comes."""

    def sender(port, path="/"):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        request.addfinalizer(connection.close)
        connection.request("GET", path)
        return connection

    return sender


def test_a_signal_lets_the_running_request_finish_and_takes_no_more(send):
    with serving(drain_s=20) as (process, port):
        running = send(port)
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "draining\n"
        while accepts(port):
            pass
        process.stdin.write("go on\n")
        assert running.getresponse().read() == b"done"
        assert process.wait(20) == 0


def accepts(port):
    """Whether somebody still listens; `draining` is said just before the door closes."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=20).close()
    except ConnectionRefusedError:
        return False
    except ConnectionResetError:  # taken by the kernel as the door closed
        return True
    return True


def test_requests_that_take_longer_than_the_limit_are_cut_off(send):
    with serving(drain_s=0.1) as (process, port):
        running = send(port)
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionError):
            running.getresponse()
        assert process.wait(20) == 1


def test_idle_connections_hold_nothing_up(send):
    with serving(drain_s=20) as (process, port):
        idle = send(port, "/quick")
        assert idle.getresponse().read() == b"done"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_second_signal_ends_it_at_once(send):
    with serving(drain_s=60) as (process, port):
        send(port)
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "draining\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) != 0


def test_the_answer_keeps_the_connection_and_names_the_server(send):
    with serving(drain_s=1) as (process, port):
        connection = send(port, "/quick")
        first = connection.getresponse()
        assert (first.read(), first.getheader("Server")) == (b"done", "botapi")
        connection.request("GET", "/quick")
        assert connection.getresponse().status == 200


def test_a_port_in_use_is_told_in_a_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"Can't listen on 127.0.0.1 port {port}: .*--port"):
            Server(print, host="127.0.0.1", port=port, threads=1, idle_s=1, max_body_bytes=1)


def test_an_address_that_is_not_ours_is_told_in_a_sentence():
    with pytest.raises(ConfigError, match="Can't listen on 192.0.2.1"):
        Server(print, host="192.0.2.1", port=0, threads=1, idle_s=1, max_body_bytes=1)
