"""conf/nginx.conf in a real nginx, in front of a real bot: what passes, what does not, and what is logged."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
import requests
import socketio

from botapi.cli.main import parser
from tests.bots.servers import free_port
from tests.certificates import self_signed
from tests.programs import ROOT, served
from tests.projects import write
from tests.waiting import action_server, waiting_bot

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
# Continuous integration sets the variable, so that there a missing nginx is a failure.
pytestmark = pytest.mark.skipif(
    NGINX is None and not os.environ.get("BOTAPI_TESTS_NEED_NGINX"), reason="nginx is not installed"
)

CONF = ROOT / "conf" / "nginx.conf"
SECRET = "token-in-the-query"
WEBHOOK = "/webhooks/rest/webhook"
HELLO = {"sender": "ann", "message": "hello"}
# Of this machine too, but neither the proxy's address nor one that may use the API.
OUTSIDE = "127.0.0.2"
MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/main.log;
{user}
events {{}}
http {{
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/unused1;
    uwsgi_temp_path {folder}/unused2;
    scgi_temp_path {folder}/unused3;
    include {folder}/botapi.conf;
}}
"""


class Nginx:
    """A running nginx with the configuration; `host` is the name it is known by."""

    host = "bot.example.org"

    def __init__(self, folder: Path, upstream: int) -> None:
        self.folder, self.upstream = folder, upstream
        self.http_port, self.port = free_port(), free_port()
        certificate, key = self_signed(folder)
        self.authority = certificate
        text = CONF.read_text()
        for there, here in (
            ("server 127.0.0.1:5005;", f"server 127.0.0.1:{upstream};"),
            ("listen 80;", f"listen {self.http_port};"),
            ("listen 443 ssl;", f"listen {self.port} ssl;"),
            ("/etc/letsencrypt/live/bot.example.org/fullchain.pem", certificate),
            ("/etc/letsencrypt/live/bot.example.org/privkey.pem", key),
            ("/var/log/nginx/", f"{folder}/"),
        ):
            assert there in text
            text = text.replace(there, here)
        (folder / "botapi.conf").write_text(text)
        user = "user root root;" if os.geteuid() == 0 else ""
        (folder / "main.conf").write_text(MAIN.format(folder=folder, user=user))

    def connect(self, source: str = "127.0.0.1") -> http.client.HTTPSConnection:
        """A connection over TLS from one of this machine's addresses."""
        context = ssl.create_default_context(cafile=self.authority)
        context.check_hostname = False
        return http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=30, context=context, source_address=(source, 0)
        )

    def request(self, method, path, body=None, headers=None, *, source="127.0.0.1"):
        """(status, headers, JSON or text) of a request; `body` is bytes, or sent as JSON."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        with closing(self.connect(source)) as connection:
            connection.request(method, path, data, {"Host": self.host, **(headers or {})})
            answer = connection.getresponse()
            text = answer.read().decode()
            is_json = answer.headers.get_content_type() == "application/json"
            return answer.status, answer.headers, json.loads(text) if is_json else text

    def logs(self) -> str:
        """All that it has logged."""
        return "".join(path.read_text() for path in self.folder.glob("*.log"))


@contextmanager
def nginx(folder, upstream):
    """A running nginx in front of a port of this machine; afterwards all that it had to log is logged."""
    found = Nginx(folder, upstream)
    command = [str(NGINX), "-p", str(folder), "-e", str(folder / "main.log"), "-c", str(folder / "main.conf")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            while not listens(found.port):
                assert process.poll() is None, process.stderr.read()
            yield found
        finally:
            process.send_signal(signal.SIGQUIT)  # ends when all is done


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """(nginx, bot, its action server), each behind the one before."""
    folder = tmp_path_factory.mktemp("nginx")
    bot = waiting_bot(folder / "bot")
    write(bot, {"credentials.yml": "rest:\nsocketio:\n"})
    words = ("--enable-api", "--trusted-proxy", "127.0.0.1")
    with action_server() as actions, served(*words, folder=bot, ACTION_URL=actions.url) as server:
        with nginx(folder, int(server.url.rpartition(":")[2])) as front:
            yield front, server, actions


@pytest.fixture
def front(stack):
    return stack[0]


@pytest.mark.parametrize(
    "query, headers, begin",
    [("", {"Accept": "text/event-stream"}, b"data: "), ("?stream=true", {}, b"")],
    ids=["server-sent events", "lines"],
)
def test_messages_go_out_while_the_turn_runs(stack, query, headers, begin):
    front, _, actions = stack
    actions.may_answer.clear()
    with closing(front.connect(OUTSIDE)) as connection:
        body = json.dumps(HELLO).encode()
        connection.request("POST", WEBHOOK + query, body, {"Host": front.host, **headers})
        answer = connection.getresponse()
        assert answer.status == 200 and answer.headers.get_content_type() == "text/event-stream"
        messages = (json.loads(line.removeprefix(begin)) for line in answer if line.startswith(begin + b"{"))
        assert next(messages)["text"] == "First."
        actions.may_answer.set()
        assert [message["text"] for message in messages] == ["Last."]


def test_a_web_chat_hears_each_message_as_it_is_said(stack):
    front, _, actions = stack
    actions.may_answer.clear()
    session = requests.Session()
    session.trust_env, session.verify = False, front.authority
    with session, socketio.SimpleClient(reconnection=False, http_session=session) as chat:
        chat.connect(f"https://127.0.0.1:{front.port}", headers={"Host": front.host}, transports=["polling"])
        chat.emit("user_uttered", {"message": "hello"})
        assert chat.receive(timeout=20)[1]["text"] == "First."
        actions.may_answer.set()
        assert chat.receive(timeout=20)[1]["text"] == "Last."


@pytest.mark.parametrize(
    "path",
    ["a/b", "a%2Fb", "a//b", "/a", "a%20b", "%C3%A4", "%25", "a+b", "a%3Fb", "a%23b", "a;b=1", "%2e%2e", "a/../b", ""],
)
def test_conversation_ids_arrive_as_they_were_sent(stack, path):
    front, server, _ = stack
    status, _, tracker = front.request("GET", f"/conversations/{path}/tracker")
    assert status == 200
    assert tracker["sender_id"] == server.request("GET", f"/conversations/{path}/tracker")[1]["sender_id"]
    assert tracker["sender_id"] == (unquote(path) or "default")


def test_a_turn_is_one_and_the_same_conversation_inside_and_outside(stack):
    front, server, actions = stack
    actions.may_answer.set()
    sender = "ann/smith ä?#%"
    status, _, messages = front.request("POST", WEBHOOK, {**HELLO, "sender": sender}, source=OUTSIDE)
    assert (status, [message["text"] for message in messages]) == (200, ["First.", "Last."])
    _, tracker = server.request("GET", f"/conversations/{quote(sender, safe='')}/tracker")
    assert tracker["sender_id"] == sender and tracker["latest_message"]["text"] == "hello"


def test_the_public_reaches_the_channels_and_nothing_else(front):
    assert front.request("GET", "/", source=OUTSIDE)[2].startswith("Hello from botapi")
    assert front.request("GET", "/webhooks/rest/", source=OUTSIDE)[0] == 200
    for path in ("/status", "/conversations/ann/tracker", "/metrics", "/webhooks", "/webhooks/../status"):
        status, _, answer = front.request("GET", path, source=OUTSIDE)
        assert (status, answer["code"], answer["reason"]) == (403, 403, "NotAuthorized")
    assert front.request("GET", "/status")[0] == 200


@pytest.mark.parametrize(
    "path", ["/conversations/x/../../webhooks/tracker", "/%77ebhooks/rest/", "//webhooks/rest/", "/x/%2e%2e/webhooks/"]
)
def test_a_path_that_is_public_only_on_second_sight_is_refused(front, path):
    status, _, answer = front.request("GET", path, source=OUTSIDE)
    assert (status, answer["reason"]) == (400, "BadRequest")


def test_long_bodies_are_for_the_api_only(front):
    status, _, answer = front.request("POST", WEBHOOK, b"x" * (2**20 + 1), source=OUTSIDE)
    assert (status, answer["reason"]) == (413, "PayloadTooLarge")
    assert set(answer) == {"version", "status", "message", "reason", "details", "help", "code"}
    status, _, answer = front.request("POST", "/model/train", b"[" + b" " * 2**21)
    assert (status, answer["status"]) == (400, "failure")  # it is botapi who refuses that
    assert answer["version"] != "nginx"


def test_one_address_can_not_ask_for_ever(front):
    with closing(front.connect("127.0.0.3")) as connection:
        for _ in range(200):
            connection.request("GET", "/webhooks/rest/", headers={"Host": front.host})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status == 429:
                break
    assert (answer.status, json.loads(body)["reason"], answer.headers["Retry-After"]) == (429, "TooManyRequests", "1")
    assert front.request("GET", "/webhooks/rest/", source=OUTSIDE)[0] == 200


def test_plain_http_leads_to_https(front):
    with closing(http.client.HTTPConnection("127.0.0.1", front.http_port, timeout=20)) as connection:
        connection.request("GET", "/a?b=1", headers={"Host": front.host})
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Location"]) == (301, f"https://{front.host}/a?b=1")


def test_nginx_waits_longer_than_botapi_takes_for_heavy_work():
    (sub,) = (one.choices["run"] for one in parser(["run"])._actions if hasattr(one.choices, "values"))
    waits_s = [int(seconds) for seconds in re.findall(r"proxy_read_timeout (\d+)s;", CONF.read_text())]
    assert waits_s and min(waits_s) > sub.get_default("response_timeout")


def test_a_bot_that_is_down_is_told_in_the_error_object_and_nothing_logs_the_query(tmp_path):
    with nginx(tmp_path, free_port()) as front:
        status, headers, answer = front.request("GET", f"/status?token={SECRET}")
        assert (status, answer["reason"], headers["Retry-After"]) == (502, "BadGateway", "5")
    assert '"GET /status" 502' in front.logs()
    assert SECRET not in front.logs()


def test_no_query_is_logged(stack, tmp_path):
    query = f"?token={SECRET}"
    with nginx(tmp_path, stack[0].upstream) as front:
        assert front.request("GET", f"/status{query}")[0] == 200
        assert front.request("GET", f"/status{query}", source=OUTSIDE)[0] == 403
        assert front.request("POST", f"{WEBHOOK}{query}", b"x" * (2**20 + 1))[0] == 413
        assert front.request("GET", f"/%77ebhooks/{query}")[0] == 400
        with closing(http.client.HTTPConnection("127.0.0.1", front.http_port, timeout=20)) as connection:
            connection.request("GET", f"/old{query}")
            assert connection.getresponse().status == 301
    logs = front.logs()
    for line in (
        '"GET /status" 200',
        '"GET /status" 403',
        f'"POST {WEBHOOK}" 413',
        '"GET /webhooks/" 400',
        '"GET /old"',
    ):
        assert line in logs
    assert SECRET not in logs


FORGED = {
    "X-Forwarded-For": "192.0.2.66",
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "66",
    "X-Request-ID": "forged",
}


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    """(nginx, the program behind it, which shows its environ, the program's port)."""
    folder = tmp_path_factory.mktemp("echo")
    program = [sys.executable, str(ROOT / "tests" / "echoserver.py"), "127.0.0.1"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        program, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            port = int(process.stdout.readline())
            with nginx(folder, port) as front:
                yield front, process, port
        finally:
            process.kill()


def test_channels_that_do_not_ask_for_it_are_streamed_too(echo):
    front, process, _ = echo
    with closing(front.connect()) as connection:
        connection.request("GET", "/webhooks/own/stream", headers={"Host": front.host})
        answer = connection.getresponse()
        assert answer.readline() == b"first\n"
        process.stdin.write("go on\n")
        process.stdin.flush()
        assert answer.read() == b"last\n"


def test_what_nginx_says_of_the_client_is_believed_and_what_the_client_says_is_not(echo):
    front, *_ = echo
    _, _, environ = front.request("GET", "/webhooks/x/", headers=FORGED, source=OUTSIDE)
    assert environ["REMOTE_ADDR"] == OUTSIDE
    assert environ["wsgi.url_scheme"] == "https"
    assert environ["HTTP_HOST"].partition(":")[0] == front.host
    assert re.fullmatch("[0-9a-f]{32}", environ["HTTP_X_REQUEST_ID"])
    forged = set(FORGED.values()) & set(environ.values())
    assert forged == set()


@pytest.mark.parametrize("source, believed", [("127.0.0.1", True), (OUTSIDE, False)], ids=["proxy", "somebody else"])
def test_only_the_proxys_address_may_say_who_asks(echo, source, believed):
    *_, port = echo
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20, source_address=(source, 0))) as connection:
        connection.request("GET", "/", headers={**FORGED, "X-Forwarded-Proto": "https"})
        environ = json.load(connection.getresponse())
    assert environ["REMOTE_ADDR"] == ("192.0.2.66" if believed else source)
    assert environ["wsgi.url_scheme"] == ("https" if believed else "http")
    assert ("evil.example" in environ["HTTP_HOST"]) is believed
