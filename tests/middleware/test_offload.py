"""Offloading: answers that go to a callback instead of the caller, and the places that this takes."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import pytest

from middleware import stack
from middleware.auth import IDENTITY, Identity
from middleware.errors import ErrorsToJSON, HTTPError
from middleware.offload import Gate, Offload
from middleware.wsgi import respond
from tests.middleware.gateway import exchange, request
from tests.strict import client

CALLBACK = "callback_url=http%3A%2F%2Fhost%2Fdone%3Fa%3D1"
URL = "http://host/done?a=1"


def echo(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return respond(environ, start_response, 201, [("Content-Type", "text/plain")], body + b"!")


class Desk:
    """A composition root in small: tasks wait until `work` runs them, what is posted lies in `posted`."""

    def __init__(self, places=2):
        self.gate = Gate(places)
        self.tasks = []
        self.posted = []

    def layer(self, app, **options):
        def post(*answer):
            self.posted.append(answer)

        options = {"gate": self.gate, "submit": self.tasks.append, "post": post} | options
        return Offload(app, **options)

    def work(self):
        while self.tasks:
            self.tasks.pop(0)()


def full(gate):
    """Whether nobody can enter any more."""
    entered = gate.enter()
    if entered:
        gate.leave()
    return not entered


def test_without_a_callback_the_answer_comes_at_once():
    desk = Desk()
    assert client(desk.layer(echo)).post("/", b"hi", status=201).text == "hi!"
    assert (desk.tasks, desk.posted) == ([], [])


def test_with_a_callback_the_answer_is_posted_later():
    desk = Desk()
    response = client(desk.layer(echo)).post(f"/?{CALLBACK}", b"hi", status=204)
    assert (response.body, desk.posted) == (b"", [])
    desk.work()
    ((url, status, headers, body),) = desk.posted
    assert (url, status, dict(headers)["Content-Type"], body) == (URL, 201, "text/plain", b"hi!")


@pytest.mark.parametrize("query", ["", "callback_url=", "other=1", "x=callback_url"])
def test_an_empty_callback_is_none(query):
    assert exchange(Desk().layer(echo), request("POST", query=query, body=b"hi")).body == b"hi!"


def test_the_name_of_the_parameter_can_be_given():
    desk = Desk()
    assert exchange(desk.layer(echo, parameter="to"), request(query="to=http://host/")).status[:3] == "204"
    desk.work()


def test_when_all_places_are_taken_the_answer_is_503():
    desk = Desk(places=1)
    assert desk.gate.enter()
    response = client(desk.layer(echo, retry_after_s=7)).get(f"/?{CALLBACK}", status=503)
    assert (response.headers["Retry-After"], response.json["reason"]) == ("7", "Busy")
    assert client(desk.layer(echo)).post("/", b"hi", status=201).text == "hi!"
    desk.gate.leave()
    assert not full(desk.gate)


def test_a_place_is_kept_until_the_answer_was_posted():
    desk = Desk(places=1)
    exchange(desk.layer(echo), request(query=CALLBACK))
    assert full(desk.gate)
    desk.work()
    assert not full(desk.gate)


def test_a_body_that_ends_too_early_is_400_and_the_place_free():
    desk = Desk(places=1)
    seen = exchange(ErrorsToJSON(desk.layer(echo)), request("POST", query=CALLBACK, body=b"hi", CONTENT_LENGTH="3"))
    assert seen.status[:3] == "400"
    assert (desk.tasks, full(desk.gate)) == ([], False)


def test_a_large_body_waits_on_disk():
    desk = Desk()
    large = bytes(range(256)) * 8192
    exchange(desk.layer(echo), request("POST", query=CALLBACK, body=large))
    desk.work()
    assert desk.posted[0][3] == large + b"!"


def test_a_place_is_given_back_when_the_post_fails(caplog):
    desk = Desk(places=1)

    def post(*answer):
        raise OSError("unreachable")

    exchange(desk.layer(echo, post=post), request(path="/train", query=CALLBACK))
    desk.work()
    assert not full(desk.gate)
    assert ("'/train'" in caplog.records[0].getMessage(), caplog.records[0].exc_info[1].args) == (
        True,
        ("unreachable",),
    )


def test_a_pool_that_shuts_down_answers_503():
    desk = Desk(places=1)
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    seen = exchange(desk.layer(echo, submit=pool.submit), request(query=CALLBACK))
    assert seen.status[:3] == "503"
    assert not full(desk.gate)


@pytest.mark.parametrize("broken", [HTTPError(400, "BadRequest", "No such host."), KeyError("odd")], ids=repr)
def test_an_address_can_be_refused_before_the_work(broken):
    desk = Desk(places=1)

    def check(url):
        assert url == URL
        raise broken

    seen = exchange(ErrorsToJSON(desk.layer(echo, check=check)), request(query=CALLBACK))
    assert seen.status[:3] == ("400" if isinstance(broken, HTTPError) else "500")
    assert (desk.tasks, full(desk.gate)) == ([], False)


def test_a_refused_address_is_answered_without_an_errors_layer_too():
    def check(url):
        raise HTTPError(400, "BadRequest", "No such host.")

    response = client(Desk().layer(echo, check=check)).get(f"/?{CALLBACK}", status=400)
    assert response.json["message"] == "No such host."


def failing(environ, start_response):
    raise HTTPError(422, "Odd", "Send something else.")


@pytest.mark.parametrize("app", [failing, ErrorsToJSON(failing)], ids=["bare", "with errors inside"])
def test_an_error_is_posted_as_its_json(app):
    desk = Desk()
    assert exchange(desk.layer(app), request(query=CALLBACK)).status[:3] == "204"
    desk.work()
    ((_, status, headers, body),) = desk.posted
    assert (status, json.loads(body)["reason"]) == (422, "Odd")


def test_an_error_is_posted_as_the_layer_outside_renders_it(caplog):
    desk = Desk()

    def broken(environ, start_response):
        raise KeyError("unknown")

    def render(error, environ):
        return 500, [], type(error).__name__.encode()

    exchange(stack(broken, lambda app: ErrorsToJSON(app, render=render), desk.layer), request(query=CALLBACK))
    desk.work()
    assert desk.posted[0][1::2] == (500, b"KeyError")


def test_the_environ_of_later_work_is_its_own():
    desk, later = Desk(), []

    def app(environ, start_response):
        later.append(environ)
        return respond(environ, start_response, 200, [], environ["wsgi.input"].read())

    environ = request(
        "POST", "/a", CALLBACK, body=b"body", HTTP_ACCEPT="x", **{"wsgiorg.routing_args": ((), {"id": "a"})}
    )
    environ |= {
        IDENTITY: Identity("ann", "admin"),
        "server.socket": object(),
        "wsgi.file_wrapper": object(),
        "own.key": 1,
    }
    exchange(desk.layer(app, keep=["own.key"]), environ)
    before = dict(environ)
    environ.clear()
    desk.work()
    (seen,) = later
    kept = (
        "REQUEST_METHOD",
        "PATH_INFO",
        "HTTP_ACCEPT",
        "wsgiorg.routing_args",
        IDENTITY,
        "own.key",
        "wsgi.url_scheme",
    )
    assert {key: seen[key] for key in kept} == {key: before[key] for key in kept}
    assert not {"server.socket", "wsgi.file_wrapper"} & set(seen)
    assert desk.posted[0][3] == b"body"
    assert seen["wsgi.input"].closed


def test_context_variables_are_carried_over():
    current: ContextVar[str] = ContextVar("current", default="none")
    desk = Desk()

    def app(environ, start_response):
        return respond(environ, start_response, 200, [], current.get().encode())

    token = current.set("of the request")
    exchange(desk.layer(app), request(query=CALLBACK))
    current.reset(token)
    desk.work()
    assert desk.posted[0][3] == b"of the request"


def test_with_a_real_pool_callbacks_arrive_and_drain_waits_for_them():
    posted, release, gate = [], threading.Event(), Gate(3)

    def app(environ, start_response):
        assert release.wait(20)
        return echo(environ, start_response)

    with ThreadPoolExecutor(2) as pool:
        layer = Offload(app, gate=gate, submit=pool.submit, post=lambda *answer: posted.append(answer[3]))
        for number in range(3):
            sent = exchange(layer, request("POST", query=CALLBACK, body=b"%d" % number))
            assert sent.status[:3] == "204"
        assert exchange(layer, request(query=CALLBACK)).status[:3] == "503"
        assert gate.drain(timeout_s=0) is False
        release.set()
        assert gate.drain(timeout_s=20) is True
    assert sorted(posted) == [b"0!", b"1!", b"2!"]


def test_a_drained_gate_stays_closed():
    gate = Gate(2)
    assert gate.drain() is True
    assert not gate.enter()


def test_a_gate_without_places_is_refused_at_construction():
    with pytest.raises(ValueError, match="0 places"):
        Gate(0)


def test_many_threads_never_hold_more_places_than_there_are():
    gate, lock, inside, most = Gate(3), threading.Lock(), [0], [0]

    def visit(_):
        entered = 0
        for _ in range(200):
            if gate.enter():
                entered += 1
                with lock:
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                with lock:
                    inside[0] -= 1
                gate.leave()
        return entered

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(visit, range(8))) > 0
    assert most[0] <= 3
    assert gate.drain(timeout_s=0)
