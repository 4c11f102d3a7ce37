"""Models of a model server: a real one that answers well, badly or not at all; what the agent serves afterwards."""

from __future__ import annotations

import logging
import socket
import threading
import time

import pytest

from botapi.agent.agent import Agent
from botapi.agent.loader import model_poller
from botapi.agent.poller import ModelPoller, ModelServer, named_model_server, read_model_server
from botapi.errors import ConfigError, InputError, ModelError
from botapi.model import open_model
from botapi.outbound import Endpoint, Outbound, OutboundError, guard
from botapi.settings import Settings
from tests.archives import whole, zipped
from tests.modelserver import model_server
from tests.twobots import archive

LIMIT_BYTES = 1 << 20


@pytest.fixture
def remote():
    with model_server() as found:
        yield found


@pytest.fixture
def agent():
    found = Agent()
    yield found
    found.close()


@pytest.fixture
def poller(agent, remote):
    """A poller that asks only when it is told to."""
    yield from made(agent, ModelServer(lambda: Endpoint(remote.url), None))


def made(agent, server):
    outbound = Outbound()
    found = ModelPoller(agent, outbound, server, max_bytes=LIMIT_BYTES)
    yield found
    found.close()
    outbound.close()


def name_of(agent):
    return agent.bot and agent.bot.metadata.name


def eventually(condition, timeout_s=20.0):
    """Wait until the condition holds, which some other thread brings about."""
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        threading.Event().wait(0.005)
    return condition()


def test_an_archive_is_loaded_and_its_etag_echoed_as_it_came(agent, poller, remote):
    remote.serve(archive("red"), etag='W/"a, b\xe9"')
    poller.pull()
    assert "if-none-match" not in remote.next()
    assert (name_of(agent), agent.bot.path.name) == ("red", "red.tar.gz")
    before = agent.bot
    poller.pull()
    assert remote.next()["if-none-match"] == 'W/"a, b\xe9"'
    assert agent.bot is before


def test_a_new_etag_brings_a_new_model(agent, poller, remote):
    for name in ("red", "blue"):
        remote.serve(archive(name), etag=f'"{name}"')
        poller.pull()
        assert name_of(agent) == name


def test_a_zip_is_taken_too(agent, poller, remote, tmp_path):
    remote.serve(zipped(tmp_path / "made.zip", whole(open_model(archive("red")).members)))
    poller.pull()
    assert agent.bot.path.name == "made.zip"


def test_a_server_without_etags_loads_each_model_once(agent, poller, remote):
    remote.answer(200, archive("red").read_bytes())
    poller.pull()
    before = agent.bot
    poller.pull()
    assert agent.bot is before
    assert agent.bot.path.name == "model.tar.gz"


@pytest.mark.parametrize(
    ("status", "headers", "why"),
    [
        (204, {}, ""),
        (304, {}, ""),
        (404, {}, "answered 404"),
        (500, {}, "answered 500"),
        (206, {}, "answered 206"),
        (302, {"Location": "http://127.0.0.1:1/"}, "answered 302"),
        (307, {"Location": "file:///etc/passwd"}, "answered 307"),
    ],
)
def test_other_answers_leave_the_model(agent, poller, remote, caplog, status, headers, why):
    remote.serve(archive("red"))
    poller.pull()
    before = agent.bot
    remote.answer(status, archive("blue").read_bytes(), **headers)
    poller.pull()
    assert agent.bot is before
    assert why in caplog.text and bool(caplog.messages) is bool(why)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", {}),
        (b"<html>sorry</html>", {}),
        (b"PK\x03\x04 nothing", {}),
        (archive("blue").read_bytes()[:-300], {}),
        (bytes(LIMIT_BYTES + 1), {}),
        (archive("blue").read_bytes(), {"Content-Encoding": "br"}),
    ],
    ids=["empty", "page", "half a zip", "cut off", "too long", "packed"],
)
def test_a_lie_leaves_the_model_and_is_told_once(agent, poller, remote, caplog, body, headers):
    remote.serve(archive("red"))
    poller.pull()
    before = agent.bot
    remote.answer(200, body, ETag='"lie"', **headers)
    poller.pull()
    poller.pull()
    assert agent.bot is before
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1
    # What was refused is asked for again: it may only have been hurt on its way.
    remote.serve(archive("blue"), etag='"lie"')
    poller.pull()
    assert name_of(agent) == "blue"


def test_an_answer_that_ends_early_leaves_the_model(agent, caplog):
    content = archive("red").read_bytes()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nETag: a\r\n\r\n" % len(content)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(head + content[:500])

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        for poller in made(agent, ModelServer(lambda: Endpoint(url), None)):
            poller.pull()
        thread.join()
    assert agent.bot is None
    assert "No model from the model server" in caplog.text


def test_an_unreachable_server_leaves_the_model(agent, caplog):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    for poller in made(agent, ModelServer(lambda: Endpoint(url), None)):
        poller.pull()
    assert agent.bot is None
    assert "can't be reached" in caplog.text


@pytest.mark.parametrize("name", ["../../evil.tar.gz", "/etc/evil.tar.gz", "a\\b.tar.gz", ".tar.gz", "a.py", "a" * 300])
def test_an_unsafe_file_name_is_not_used(agent, poller, remote, name):
    remote.serve(archive("red"), filename=name)
    poller.pull()
    assert agent.bot.path.name == "model.tar.gz"


@pytest.mark.parametrize("etag", ["", "\x7f", "a" * 2000])
def test_an_etag_that_no_header_should_hold_is_not_echoed(agent, poller, remote, etag):
    remote.serve(archive("red"), etag=etag)
    poller.pull()
    poller.pull()
    assert name_of(agent) == "red"
    assert [("if-none-match" in remote.next()) for _ in range(2)] == [False, False]


def test_the_copy_on_disk_goes_with_its_model(agent, poller, remote):
    remote.serve(archive("red"))
    poller.pull()
    copy = agent.bot.path
    assert copy.read_bytes() == archive("red").read_bytes()
    remote.serve(archive("blue"), etag='"two"')
    poller.pull()
    assert eventually(lambda: not copy.parent.exists())


def test_what_the_api_swapped_stays_until_the_server_has_something_new(agent, poller, remote):
    remote.serve(archive("red"))
    poller.pull()
    agent.load_model(archive("blue"))
    poller.pull()
    assert name_of(agent) == "blue"


# ---------------------------------------------------------------- the thread


def test_the_thread_asks_again_and_again_until_it_is_closed(agent, remote):
    before = threading.active_count()
    for poller in made(agent, ModelServer(lambda: Endpoint(remote.url), 0.02)):
        poller.start()
        poller.start()
        assert remote.next() and remote.next()
        remote.serve(archive("red"))
        assert eventually(lambda: name_of(agent) == "red")
        remote.serve(archive("blue"), etag='"two"')
        assert eventually(lambda: name_of(agent) == "blue")
        poller.close()
        assert not [thread for thread in threading.enumerate() if thread.name == "model-poller"]
        poller.start()
    assert eventually(lambda: threading.active_count() <= before)


def test_without_a_time_to_wait_the_thread_asks_once(agent, remote):
    remote.serve(archive("red"))
    for poller in made(agent, ModelServer(lambda: Endpoint(remote.url), None)):
        poller.start()
        assert eventually(lambda: name_of(agent) == "red")
        assert remote.next() and remote.asked.empty()


def test_without_a_server_there_is_no_thread(agent):
    for poller in made(agent, None):
        poller.start()
        poller.pull()
        assert not [thread for thread in threading.enumerate() if thread.name == "model-poller"]


def test_closing_does_not_wait_for_a_server_that_says_nothing(agent):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        for poller in made(agent, ModelServer(lambda: Endpoint(url, timeout_s=30), 0.01)):
            poller.start()
            connection, _ = listener.accept()
            started = time.monotonic()
            poller.close()
            assert time.monotonic() - started < 10
            # What it says afterwards is too late.
            with connection:
                content = archive("red").read_bytes()
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content)
                connection.recv(65536)
    assert agent.bot is None


# -------------------------------------------------------------- other servers


def test_another_server_is_followed_from_now_on(agent, poller, remote):
    remote.serve(archive("red"))
    poller.pull()
    with model_server() as other:
        other.serve(archive("blue"))
        poller.follow(ModelServer(lambda: Endpoint(other.url), 0.02))
        assert name_of(agent) == "blue"
        other.serve(archive("green"), etag='"two"')
        assert eventually(lambda: name_of(agent) == "green")


@pytest.mark.parametrize("status", [204, 304, 404, 500])
def test_a_server_that_gives_no_model_is_not_followed(agent, poller, remote, status):
    remote.serve(archive("red"))
    poller.pull()
    with model_server() as other:
        other.answer(status)
        with pytest.raises(ModelError, match=str(status)):
            poller.follow(ModelServer(lambda: Endpoint(other.url), 0.01))
    remote.serve(archive("blue"), etag='"two"')
    poller.pull()
    assert name_of(agent) == "blue"


def test_a_server_that_is_not_there_is_not_followed(agent, poller):
    with pytest.raises(OutboundError, match="can't be reached"):
        poller.follow(ModelServer(lambda: Endpoint("http://127.0.0.1:1/"), None))


# -------------------------------------------------------------- configuration


@pytest.mark.parametrize("key", ["models", "model"])
def test_both_spellings_are_read(agent, remote, key):
    remote.serve(archive("red"))
    settings = Settings(endpoints={key: {"url": remote.url}, "body_limit": {"upload_bytes": 5000}})
    poller = model_poller(settings, agent, Outbound())
    poller.pull()
    assert (name_of(agent), poller.max_bytes) == ("red", 5000)


def test_both_spellings_at_once_are_refused(agent):
    both = Settings(endpoints={"models": {"url": "http://a.example"}, "model": {"url": "http://b.example"}})
    with pytest.raises(ConfigError, match="Remove one of them"):
        model_poller(both, agent, Outbound())


@pytest.mark.parametrize(("value", "wait_s"), [(None, None), (0, None), (2, 2), (0.5, 0.5)])
def test_time_to_wait(value, wait_s):
    section = {"url": "http://models.example", "wait_time_between_pulls": value}
    assert read_model_server(section, "models").wait_s == wait_s


def test_time_to_wait_is_100_seconds_unless_said():
    assert read_model_server({"url": "http://models.example"}, "models").wait_s == 100


@pytest.mark.parametrize("value", [-1, True, "soon", [1], float("inf"), float("nan")])
def test_a_senseless_time_to_wait_is_refused(value):
    with pytest.raises(ConfigError, match="wait_time_between_pulls"):
        read_model_server({"url": "http://models.example", "wait_time_between_pulls": value}, "models")


@pytest.mark.parametrize(
    ("section", "why"),
    [
        ({"url": "http://93.184.216.34", "cafile": "/etc/passwd"}, "cafile"),
        ({"url": "http://93.184.216.34", "wait_time_between_pulls": 0.001}, "1 second or more"),
        ({"url": "ftp://93.184.216.34"}, "not usable"),
        ("http://93.184.216.34", "expected a section"),
    ],
)
def test_what_a_caller_may_not_say(section, why):
    with pytest.raises(ConfigError, match=why):
        named_model_server(section, guard)


def test_a_callers_server_is_looked_up_and_checked_each_time():
    """A name that first leads to the world and then, by another answer of its owner's, into the house (rebinding)."""
    answers = iter(["93.184.216.34", "127.0.0.1"])
    server = named_model_server(
        {"url": "http://rebinding.example:8080/", "timeout": 10_000, "retries": 9},
        lambda url: guard(url, resolve=lambda *args, **options: [(0, 0, 0, "", (next(answers), 8080))]),
    )
    first = server.locate()
    assert (first.addresses, first.timeout_s, first.retries) == (("93.184.216.34",), 300, 0)
    with pytest.raises(InputError, match="loopback or private"):
        server.locate()
