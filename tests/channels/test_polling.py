"""Engine.IO by hand, as clients that behave and others send it: requests in; packets or error objects out."""

from __future__ import annotations

import json
import threading
import time
from queue import SimpleQueue

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botapi.channels.polling import MAX_BODY_BYTES
from botapi.settings import Settings
from tests.strict import client

pytest.importorskip("socketio")

OPEN = "/socket.io/?EIO=4&transport=polling"


class Chat:
    """A client of the default namespace."""

    def __init__(self, app) -> None:
        self.app = app
        opened = app.get(OPEN).text
        assert opened[0] == "0"
        self.handshake = json.loads(opened[1:])
        self.url = f"{OPEN}&sid={self.handshake['sid']}"

    def post(self, packets, **options):
        return self.app.post(self.url, packets, content_type="text/plain;charset=UTF-8", **options)

    def poll(self, **options):
        """The packets of one poll."""
        return self.app.get(self.url, **options).text.split("\x1e")

    def connect(self):
        assert self.post("40").text == "OK"
        (packet,) = self.poll()
        return json.loads(packet.removeprefix("40"))["sid"]

    def events(self, number):
        """So many events, as (name, data)."""
        found = []
        while len(found) < number:
            found += [tuple(json.loads(packet[2:])) for packet in self.poll() if packet.startswith("42")]
        return found


@pytest.fixture
def server(serve):
    """A server with the socketio channel."""
    return serve(Settings(enable_api=True, credentials={"socketio": None}))


@pytest.fixture
def app(server):
    """A client of the server."""
    return client(server)


def test_a_session_opens_without_upgrades(app):
    handshake = Chat(app).handshake
    assert handshake["upgrades"] == []


def test_a_message_is_answered_in_parts(app):
    chat = Chat(app)
    chat.connect()
    chat.post('42["user_uttered",{"message":"bye"}]')
    assert chat.events(2) == [("bot_uttered", {"text": "So long."}), ("bot_uttered", {"text": "Come again."})]


def test_an_acknowledgement_comes_when_it_is_asked_for(app):
    chat = Chat(app)
    chat.connect()
    chat.post('427["session_request",{"session_id":"ann"}]')
    assert sorted(chat.poll()) == ['42["session_confirm","ann"]', "437[]"]


def test_messages_sent_at_once_are_answered_in_order(app):
    chat = Chat(app)
    chat.connect()
    chat.post("\x1e".join(f'42["user_uttered",{{"message":"{text}"}}]' for text in ("hello", "bye", "hello")))
    said = [data["text"] for _, data in chat.events(4)]
    assert said == ["Hello there.", "So long.", "Come again.", "Hello there."]


def test_closing_ends_the_session(app):
    chat = Chat(app)
    chat.connect()
    chat.post("41\x1e1")
    assert chat.post('42["user_uttered",{"message":"hello"}]', status=404).json["reason"] == "NotFound"


@pytest.mark.parametrize(
    ("query", "status", "word"),
    [
        ("EIO=4&transport=websocket", 400, "polling"),
        ("EIO=3&transport=polling", 400, "Engine.IO 4"),
        ("EIO=4&transport=polling&j=0", 400, "JSONP"),
        ("EIO=4&transport=polling&sid=nobody", 404, "connect again"),
        ("EIO=4&sid=%00", 400, "NUL"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_not_spoken_is_refused(app, query, status, word, method):
    found = app.request(f"/socket.io/?{query}", method=method, body=b"40" if method == "POST" else b"", status=status)
    assert word in found.json["message"]


def test_a_body_without_a_session_is_404(app):
    assert app.post(OPEN, "40", status=404).json["reason"] == "NotFound"


BAD_PACKETS = {
    "nothing": "",
    "not UTF-8": b"\xff",
    "no packet": "hello",
    "an unknown type": "9",
    "a binary packet": "bAAAA",
    "a binary event": '451-["user_uttered",{"_placeholder":true,"num":0}]',
    "an answer to what was never asked": "431[]",
    "an error": '44{"message":"x"}',
    "an upgrade": "5",
    "JSONP": "d=42[]",
    "an event without a list": '42{"message":"x"}',
    "an event without a name": "42[]",
    "an event whose name is no text": '42[5,{"message":"x"}]',
    "an event of the library": '42["disconnect"]',
    "a connection by an event": '42["connect",{},{"token":"x"}]',
    "broken JSON": '42["user_uttered",',
    "deep JSON": f'42["user_uttered",{"[" * 5000}{"]" * 5000}]',
    "NaN": '42["user_uttered",{"message":NaN}]',
    "half a character": '42["user_uttered",{"message":"\\ud800"}]',
    "too many packets": "\x1e".join(["3"] * 17),
}


@pytest.mark.parametrize("packets", BAD_PACKETS.values(), ids=BAD_PACKETS)
def test_what_is_no_packet_is_400_and_the_session_goes_on(app, packets, caplog):
    chat = Chat(app)
    chat.connect()
    found = chat.post(packets, status=400)
    assert found.json["reason"] == "BadRequest"
    assert "Traceback" not in caplog.text
    chat.post('42["user_uttered",{"message":"hello"}]')
    assert chat.events(1) == [("bot_uttered", {"text": "Hello there."})]


PIECES = ("4", "40", "41", "42", "3", "1", "0", "7", "/", "/a", "/,", ",", "\x1e", "probe", "\ufeff", "é", "-")
# NOTE: nothing to be answered: the bot's turns would draw from `random` while hypothesis does.
PIECES += ("[", "]", "{", "}", ":", "null", '"session_request"', '"session_id"', '{"session_id":"x"}')


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join))
def test_whatever_comes_is_refused_or_taken_without_a_failure(app, caplog, packets):
    chat = Chat(app)
    chat.post("40")
    assert chat.post(packets, status="*").status_int in (200, 400)
    assert "Traceback" not in caplog.text


ODD = [
    '42["nobody_knows",{"message":"x"}]',
    '42["user_uttered"]',
    '42["user_uttered",null]',
    '42["user_uttered",["x"]]',
    '42["user_uttered",{"message":["secret"]}]',
    '42["user_uttered",{"message":"x","metadata":"{"}]',
    '42["user_uttered",{"message":"secret","metadata":["secret"]}]',
    '42/nowhere,["user_uttered",{"message":"x"}]',
    "40/nowhere,",
    "41/nowhere,",
    "3probe",
    "40",
]


@pytest.mark.parametrize("packet", ODD)
def test_what_means_nothing_is_left_out(app, packet, caplog):
    chat = Chat(app)
    chat.connect()
    assert chat.post(packet).text == "OK"
    assert chat.post('42["user_uttered",{"message":"hello"}, "more", "and more"]').text == "OK"
    assert chat.events(1) == [("bot_uttered", {"text": "Hello there."})]
    assert "Traceback" not in caplog.text and "secret" not in caplog.text


def test_a_long_body_is_413(app):
    Chat(app).post("4" * (MAX_BODY_BYTES + 1), status=413)


def test_looking_takes_no_packets(app):
    chat = Chat(app)
    chat.post("40")
    app.head(chat.url)
    assert chat.poll()[0].startswith("40")


def test_the_server_holds_a_bounded_number_of_sessions(app, monkeypatch):
    monkeypatch.setattr("botapi.channels.polling.SOCKETS", 1)
    chat = Chat(app)
    assert app.get(OPEN, status=503).headers["Retry-After"] == "60"
    chat.connect()


def test_other_sites_may_connect_where_cors_lets_them(serve):
    app = client(serve(Settings(credentials={"socketio": None}, cors_origins=("https://a.example",))))
    found = app.get(OPEN, headers={"Origin": "https://a.example"})
    assert found.headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert len(found.headers.getall("Access-Control-Allow-Origin")) == 1
    assert "Access-Control-Allow-Origin" not in app.get(OPEN, headers={"Origin": "https://b.example"}).headers


# ------------------------------------------------------------------ waiting


@pytest.fixture
def polls():
    """Polls in threads: (chat, answers) in; joined in the end."""
    threads = []

    def start(chat, answers):
        threads.append(threading.Thread(target=lambda: answers.put(chat.app.get(chat.url, status="*"))))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join()


def waiting(server):
    """How many polls wait."""
    (channel,) = server._channels
    return len(channel._polling._polled)


def until(condition):
    while not condition():
        time.sleep(0.001)


def test_a_poll_ends_when_there_is_news(server, app, polls):
    chat, answers = Chat(app), SimpleQueue()
    polls(chat, answers)
    until(lambda: waiting(server))
    began = time.monotonic()
    chat.post("40")
    assert answers.get(timeout=10).text.startswith("40")
    assert time.monotonic() - began < 1


def test_a_session_has_one_poll_at_a_time(server, app, polls):
    chat, answers = Chat(app), SimpleQueue()
    polls(chat, answers)
    until(lambda: waiting(server))
    assert "one poll at a time" in app.get(chat.url, status=400).json["message"]
    chat.post("40")
    assert answers.get(timeout=10).status_int == 200


def test_polls_are_short_when_over_half_of_the_threads_poll(server, app, polls):
    answers = SimpleQueue()
    for _ in range(3):  # of four threads
        polls(Chat(app), answers)
    began = time.monotonic()
    assert answers.get(timeout=10).text == "6"
    assert time.monotonic() - began < 2  # the limit is one second
    server.drain()


def test_a_server_that_stops_ends_polls(server, app, polls):
    answers = SimpleQueue()
    polls(Chat(app), answers)
    until(lambda: waiting(server))
    server.drain()
    assert answers.get(timeout=10).status_int == 503
