"""Outgoing HTTP against small real servers: endpoints, limits, retries, and the guard for URLs of callers."""

from __future__ import annotations

import datetime
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from botapi.errors import ConfigError, InputError
from botapi.outbound import Answer, Endpoint, Outbound, OutboundError, check_rules, guard, read_endpoint


class Server(ThreadingHTTPServer):
    """Answers by path; `seen` are the requests: method, path with query, headers, body."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.connections = 0
        self.release = threading.Event()

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients of these tests hang up on purpose."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        getattr(self, self.path.partition("?")[0].strip("/").replace("-", "_"), self.echo)()

    do_GET = do_POST

    def answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def echo(self) -> None:
        self.answer(200, b'{"ok": true}', ("Set-Cookie", "a=b"))

    def moved(self) -> None:
        self.answer(302, b"", ("Location", f"{self.server.url}/elsewhere"))

    def long(self) -> None:
        self.answer(200, b"x" * 200_000)

    def packed(self) -> None:
        self.answer(200, b"\x1f\x8b", ("Content-Encoding", "gzip"))

    def fails_twice(self) -> None:
        count = sum(path == "/fails-twice" for _, path, _, _ in self.server.seen)
        self.answer(503 if count < 3 else 200, b"{}")

    def silent(self) -> None:
        self.server.release.wait(10)
        self.close_connection = True

    def chunked(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"4\r\n[1, \r\n2\r\n2]\r\n0\r\n\r\n")

    def drips(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        while not self.server.release.wait(0.05):
            self.wfile.write(b"x")

    def log_message(self, format: str, *args: Any) -> None:
        """Tests say what they saw themselves."""


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server()
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.release.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def outbound() -> Iterator[Outbound]:
    made = Outbound()
    yield made
    made.close()


# ------------------------------------------------------------------ endpoints


def test_endpoint_keys_are_sent(server: Server, outbound: Outbound) -> None:
    endpoint = read_endpoint(
        {
            "url": f"{server.url}/hook?fixed=1",
            "params": {"n": 2},
            "headers": {"X-Team": "bots"},
            "basic_auth": {"username": "u", "password": "p"},
            "token": "secret",
            "token_name": "key",
            "enable_selective_domain": True,
        },
        "action_endpoint",
    )
    assert outbound.post(endpoint, json={"text": "ü"}).json() == {"ok": True}
    [(method, path, headers, body)] = server.seen
    assert (method, path) == ("POST", "/hook?fixed=1&n=2&key=secret")
    assert json.loads(body) == {"text": "ü"}
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Team"] == "bots"
    assert headers["Authorization"] == "Basic dTpw"
    assert endpoint.options == {"enable_selective_domain": True}
    assert "secret" not in repr(endpoint)


def test_token_name_is_token_unless_said(server: Server, outbound: Outbound) -> None:
    outbound.post(read_endpoint({"url": server.url, "token": "t"}, "nlg"))
    assert server.seen[0][1] == "/?token=t"
    assert server.seen[0][3] == b""


@pytest.mark.parametrize(("base", "path"), [("/a", "b"), ("/a/", "/b"), ("/a", "/b")])
def test_path_below_an_endpoint(base: str, path: str) -> None:
    assert Endpoint(f"http://x{base}").at(path).url == "http://x/a/b"
    assert Endpoint(f"http://x{base}").at("").url == f"http://x{base}"


def test_raw_bytes_can_be_sent(server: Server, outbound: Outbound) -> None:
    outbound.request("POST", server.url, data=b"\x00tar", headers={"Content-Type": "application/x-tar"})
    assert server.seen[0][3] == b"\x00tar"
    assert server.seen[0][2]["Content-Type"] == "application/x-tar"


@pytest.mark.parametrize(
    ("section", "why"),
    [
        ({}, "expected a section with 'url"),
        ({"url": 7}, "expected a section with 'url"),
        ("http://x", "expected a section with 'url"),
        ({"url": "localhost:5055"}, "expected http://"),
        ({"url": "file:///etc/passwd"}, "expected http://"),
        ({"url": "http://"}, "expected http://"),
        ({"url": "http://[/"}, "expected http://"),
        ({"url": "http://x:port/"}, "expected http://"),
        ({"url": "http://x", "headers": ["a"]}, "headers is"),
        ({"url": "http://x", "basic_auth": {"user": "u"}}, "expected username and password"),
    ],
)
def test_endpoint_that_makes_no_sense_is_refused(section: Any, why: str) -> None:
    with pytest.raises(ConfigError, match=f"nlg: .*{why}|nlg: {why}"):
        read_endpoint(section, "nlg")


# ---------------------------------------------------------------- connections


def test_connection_is_kept(server: Server, outbound: Outbound) -> None:
    for _ in range(5):
        outbound.post(server.url, json={})
    assert server.connections == 1


def test_chunked_answer_is_read_to_its_end(server: Server, outbound: Outbound) -> None:
    for _ in range(3):
        assert outbound.post(f"{server.url}/chunked").json() == [1, 2]
    assert server.connections == 1


def test_threads_share_the_connections(server: Server, outbound: Outbound) -> None:
    threads = [
        threading.Thread(target=lambda: [outbound.post(server.url, json={}) for _ in range(10)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.seen) == 40
    assert server.connections <= 4


def test_call_adds_less_than_two_milliseconds(server: Server, outbound: Outbound) -> None:
    """Compared with the same bytes over a bare socket."""
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
    bare_s, ours_s = [], []
    with socket.create_connection(("127.0.0.1", server.server_port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(100):
            start = time.perf_counter()
            connection.sendall(request)
            while not connection.recv(65536).endswith(b'{"ok": true}'):
                pass
            bare_s.append(time.perf_counter() - start)
    for _ in range(100):
        start = time.perf_counter()
        outbound.post(server.url, json={})
        ours_s.append(time.perf_counter() - start)
    assert sorted(ours_s)[20] - sorted(bare_s)[20] < 0.002


def test_redirects_are_not_followed(server: Server, outbound: Outbound) -> None:
    assert outbound.post(f"{server.url}/moved").status == 302
    assert [path for _, path, _, _ in server.seen] == ["/moved"]


def test_nothing_of_the_environment_is_used(
    server: Server, outbound: Outbound, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login u password p\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    outbound.post(server.url)
    outbound.post(server.url)
    for _, _, headers, _ in server.seen:
        assert "Authorization" not in headers
        assert "Cookie" not in headers


def test_statuses_are_answers(server: Server, outbound: Outbound) -> None:
    answer = outbound.post(f"{server.url}/fails-twice")
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body) == (503, b"{}")
    assert answer.headers["content-length"] == "2"


def test_retries(server: Server, outbound: Outbound) -> None:
    assert outbound.post(f"{server.url}/fails-twice", retries=2).status == 200
    assert len(server.seen) == 3


def test_retries_come_to_an_end(outbound: Outbound) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    start = time.monotonic()
    with pytest.raises(OutboundError, match=r"http://127.0.0.1:\d+/x can't be reached: .*refused") as caught:
        outbound.post(f"http://127.0.0.1:{port}/x?token=secret", retries=1)
    assert time.monotonic() - start >= 0.1
    assert "secret" not in caught.value.message


def test_too_long_an_answer(server: Server, outbound: Outbound) -> None:
    with pytest.raises(OutboundError, match="sent more than 100000 bytes"):
        outbound.post(f"{server.url}/long", max_bytes=100_000)


def test_packed_answer_is_refused(server: Server, outbound: Outbound) -> None:
    with pytest.raises(OutboundError, match="packed as gzip"):
        outbound.post(f"{server.url}/packed")


@pytest.mark.parametrize("path", ["silent", "drips"])
def test_slow_answer(server: Server, outbound: Outbound, path: str) -> None:
    start = time.monotonic()
    with pytest.raises(OutboundError, match="did not (answer|finish)"):
        outbound.post(f"{server.url}/{path}?token=secret", timeout_s=0.2)
    assert time.monotonic() - start < 5


def test_answer_that_is_no_json() -> None:
    for body in (b"", b"<html>", b"\xff", b"[" * 100_000):
        with pytest.raises(OutboundError, match="not JSON"):
            Answer(200, {}, body).json()


def test_header_that_cannot_be_sent(outbound: Outbound) -> None:
    with pytest.raises(OutboundError, match="can't be used"):
        outbound.post(Endpoint("http://127.0.0.1:1", headers={"X": "a\r\nHost: b"}))


# ---------------------------------------------------------------------- guard


def resolving(*addresses: str) -> Callable[..., list[tuple[Any, ...]]]:
    def resolve(host: str, port: int, type: int = 0) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, type, 6, "", (address, port)) for address in addresses]

    return resolve


PRIVATE = ["127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1", "fd00::1"]
NEVER = ["169.254.169.254", "169.254.1.1", "fe80::1", "fe80::1%eth0", "100.100.100.200", "fd00:ec2::254"]
NEVER += ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254"]
WRAPPED = ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:7f00:1::", "::127.0.0.1"]


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_address_passes_and_is_kept(address: str) -> None:
    assert guard("https://x.example/a?b=c", resolve=resolving(address)).addresses == (address,)


@pytest.mark.parametrize("address", [*PRIVATE, *NEVER, *WRAPPED])
def test_private_addresses_are_refused(address: str) -> None:
    with pytest.raises(InputError, match="is refused: .* is "):
        guard("http://x.example/", resolve=resolving(address))


@pytest.mark.parametrize("address", [*PRIVATE, "::ffff:127.0.0.1", "::ffff:10.0.0.1"])
def test_private_addresses_pass_where_the_server_is_local_or_they_are_allowed(address: str) -> None:
    resolve = resolving(address)
    assert guard("http://x.example/", loopback_ok=True, resolve=resolve)
    assert guard("http://x.example/", allow=["X.example."], resolve=resolve)
    networks = ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.1.1", "100.64.0.0/10", "::1", "fc00::/7"]
    assert guard("http://x.example/", allow=networks, resolve=resolve)


@pytest.mark.parametrize("address", NEVER)
def test_metadata_addresses_never_pass(address: str) -> None:
    with pytest.raises(InputError):
        guard("http://x/", allow=["0.0.0.0/0", "::/0", "x"], loopback_ok=True, resolve=resolving(address))


def test_one_bad_address_among_several_is_enough() -> None:
    with pytest.raises(InputError, match="127.0.0.1"):
        guard("http://x.example/", resolve=resolving("93.184.216.34", "127.0.0.1"))


@pytest.mark.parametrize("deny", ["93.184.216.34", "93.0.0.0/8", "x.example"])
def test_denied_goes_before_allowed(deny: str) -> None:
    with pytest.raises(InputError, match="denied"):
        guard("http://x.example/", allow=["x.example"], deny=[deny], resolve=resolving("93.184.216.34"))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x.example/",
        "file:///etc/passwd",
        "gopher://x.example/",
        "//x.example/",
        "x.example",
        "",
        "http://",
        "http://user:password@x.example/",
        "http://@x.example/",
        "http://[::1",
        "http://x.example:99999/",
        "http://x.example:abc/",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(InputError, match="is refused"):
        guard(url, resolve=resolving("93.184.216.34"))


@pytest.mark.parametrize("url", ["http://2130706433/", "http://0x7f.1/", "http://127.1/", "http://localhost/"])
def test_odd_spellings_of_loopback_are_seen_through(url: str) -> None:
    with pytest.raises(InputError, match="is refused"):
        guard(url)


def test_name_without_address() -> None:
    with pytest.raises(InputError, match="resolved"):
        guard("http://" + "a" * 70 + ".example/")
    with pytest.raises(InputError, match="no address"):
        guard("http://x.example/", resolve=resolving())


def test_checked_address_is_the_one_connected_to(server: Server, outbound: Outbound) -> None:
    """The name has no address in the world: only what the guard resolved can lead to the server."""
    url = f"http://bot.invalid:{server.server_port}/a?b=c"
    endpoint = guard(url, loopback_ok=True, resolve=resolving("127.0.0.1"))
    assert outbound.post(endpoint, json={}).status == 200
    [(_, path, headers, _)] = server.seen
    assert path == "/a?b=c"
    assert headers["Host"] == f"bot.invalid:{server.server_port}"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A file with key and certificate for bot.invalid."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bot.invalid")])
    now = datetime.datetime.now(datetime.timezone.utc)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("bot.invalid")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path = tmp_path / "bot.pem"
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


def test_certificate_is_checked_for_the_name_not_the_address(certificate: Path, outbound: Outbound) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(context) as server:
        right = guard(f"https://bot.invalid:{server.server_port}/", loopback_ok=True, resolve=resolving("127.0.0.1"))
        assert outbound.post(replace(right, cafile=str(certificate))).status == 200
        with pytest.raises(OutboundError, match="certificate"):
            outbound.post(right)  # not signed by anybody known
        wrong = replace(right, url=right.url.replace("bot.invalid", "other.invalid"), cafile=str(certificate))
        with pytest.raises(OutboundError, match="other.invalid"):
            outbound.post(wrong)


def test_missing_cafile_is_named(outbound: Outbound) -> None:
    with pytest.raises(OutboundError, match="nowhere.pem"):
        outbound.post(Endpoint("https://127.0.0.1:1", cafile="nowhere.pem"))


# ---------------------------------------------------------------------- rules


def test_rules_of_endpoints_yml() -> None:
    assert check_rules(None) == ((), ())
    assert check_rules({"allow": ["10.0.0.0/8", "x.example"], "deny": None}) == (("10.0.0.0/8", "x.example"), ())


@pytest.mark.parametrize(
    ("section", "why"),
    [
        ({"allowed": []}, "the key 'allowed' is not known"),
        ({"allow": "10.0.0.0/8"}, "expected a list"),
        ({"deny": [7]}, "expected a list"),
        ({"allow": ["10.0.0.0/99"]}, "expected a network"),
        ({"allow": ["http://x.example/"]}, "expected a network"),
    ],
)
def test_rules_that_make_no_sense(section: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        check_rules(section)


def test_addresses_of_metadata_services_are_not_all_link_local() -> None:
    """Why the list of them exists."""
    assert not ipaddress.ip_address("100.100.100.200").is_link_local


@pytest.mark.parametrize(
    "options", [{"timeout": 0}, {"timeout": "5"}, {"timeout": True}, {"retries": -1}, {"retries": "many"}], ids=str
)
def test_a_senseless_timeout_or_number_of_retries_is_refused(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        read_endpoint({"url": "http://localhost:1", **options}, "action_endpoint")


def test_timeout_and_retries_belong_to_the_endpoint():
    found = read_endpoint({"url": "http://localhost:1", "timeout": 5, "retries": 2, "other": 1}, "nlg")
    assert (found.timeout_s, found.retries, found.options) == (5.0, 2, {"other": 1})
