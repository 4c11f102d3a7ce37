"""Serving until told to stop, on real sockets, with and without TLS."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from botapi.cli.server import Server
from botapi.errors import ConfigError
from tests.certificates import self_signed
from tests.cli.slowserver import LARGE

PROGRAM = Path(__file__).with_name("slowserver.py")
ROOT = Path(__file__).parents[2]


with_and_without_tls = pytest.mark.parametrize("certificate", ["plain", "tls"], indirect=True)


@pytest.fixture
def certificate(request, tmp_path):
    """The files of the server's certificate and its key; none where it speaks no TLS."""
    return self_signed(tmp_path) if getattr(request, "param", "plain") == "tls" else ()


@pytest.fixture
def serving(certificate):
    """Starts the slow server: (process, port) of it; whatever the test does, it is gone afterwards."""

    @contextmanager
    def start(drain_s):
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(drain_s), *certificate],
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

    return start


@pytest.fixture
def send(request, certificate):
    """Sends a request: (port, path) -> the connection on which the answer comes."""

    def sender(port, path="/"):
        if certificate:
            context = ssl.create_default_context(cafile=certificate[0])
            connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        request.addfinalizer(connection.close)
        connection.request("GET", path)
        return connection

    return sender


@with_and_without_tls
def test_a_signal_lets_the_running_request_finish_and_takes_no_more(serving, send):
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


@with_and_without_tls
def test_requests_that_take_longer_than_the_limit_are_cut_off(serving, send):
    with serving(drain_s=0.1) as (process, port):
        running = send(port)
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionError):
            running.getresponse()
        assert process.wait(20) == 1


@with_and_without_tls
def test_idle_connections_hold_nothing_up(serving, send):
    with serving(drain_s=20) as (process, port):
        idle = send(port, "/quick")
        assert idle.getresponse().read() == b"done"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@with_and_without_tls
def test_a_second_signal_ends_it_at_once(serving, send):
    with serving(drain_s=60) as (process, port):
        send(port)
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "draining\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) != 0


@with_and_without_tls
def test_the_answer_keeps_the_connection_and_names_the_server(serving, send):
    with serving(drain_s=1) as (process, port):
        connection = send(port, "/quick")
        first = connection.getresponse()
        assert (first.read(), first.getheader("Server")) == (b"done", "botapi")
        connection.request("GET", "/quick")
        assert connection.getresponse().status == 200


def test_head_and_body_of_an_answer_arrive_together(serving):
    with serving(drain_s=1) as (_, port), socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = client.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and answer.endswith(b"\r\n\r\ndone")


def test_a_client_that_has_said_all_still_gets_its_answer(serving):
    with serving(drain_s=1) as (process, port), socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        assert process.stdout.readline() == "started\n"
        process.stdin.write("go on\n")
        assert client.recv(65536).endswith(b"done")


def test_pipelined_requests_are_all_answered(serving):
    with serving(drain_s=1) as (_, port), socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n" * 40)
        got = b""
        while got.count(b"\r\n\r\ndone") < 40:
            got += client.recv(65536)
        assert got.count(b"HTTP/1.1 200 OK") == 40


@pytest.mark.parametrize("pieces", [[b"a body"], [b"a bo", b"dy"], [b"a", b" bod", b"y"]], ids=len)
def test_a_body_may_come_apart_from_its_head(serving, pieces):
    with serving(drain_s=1) as (_, port), socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(20):
            client.sendall(b"POST /quick HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n")
            for piece in pieces:
                client.sendall(piece)
            assert client.recv(65536).endswith(b"\r\n\r\na body")


def test_a_large_answer_arrives_whole_however_slowly_it_is_read(serving):
    with serving(drain_s=1) as (_, port), socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        got = b"".join(iter(lambda: client.recv(10_000), b""))
        assert got.endswith(b"\r\n\r\n" + LARGE)


def test_what_is_left_to_do_is_done_after_the_answer(serving, send):
    with serving(drain_s=20) as (process, port):
        assert send(port, "/afterwards").getresponse().read() == b"done"
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "draining\n"
        process.stdin.write("go on\n")
        assert process.wait(20) == 0


def test_more_requests_than_threads_wait_their_turn(serving, send):
    with serving(drain_s=20) as (process, port):
        running = [send(port) for _ in range(4)]
        for _ in running:
            assert process.stdout.readline() == "started\n"
        waiting = send(port, "/quick")
        process.stdin.close()  # no thread waits for a line any longer
        assert [one.getresponse().read() for one in (*running, waiting)] == [b"done"] * 5


def test_requests_that_wait_leave_the_threads_to_work(serving, send):
    with serving(drain_s=20) as (process, port):
        waiting = [send(port, "/later/") for _ in range(8)]  # twice as many as there are threads
        for _ in waiting:
            assert process.stdout.readline() == "started\n"
        assert send(port, "/quick").getresponse().read() == b"done"
        process.stdin.close()
        assert [one.getresponse().read() for one in waiting] == [b"done"] * 8


def test_clients_may_come_back_while_turns_run(serving, send):
    with serving(drain_s=20) as (process, port):
        connection = send(port, "/quick")
        connection.getresponse().read()
        running = send(port, "/busy")
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "draining\n"
        connection.request("GET", "/quick")
        assert connection.getresponse().read() == b"done"
        process.stdin.write("go on\n")
        assert running.getresponse().read() == b"done"
        assert process.wait(20) == 0


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
