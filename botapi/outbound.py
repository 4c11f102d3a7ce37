"""All outgoing HTTP: an endpoint and a JSON value in, the answer's status and bytes out.

Addresses from local files are used as they stand; an address that a caller of the API gave passes `guard` first.
No redirects are followed, no proxies of the environment used, no .netrc read, no cookies kept. The trace of the request
that runs goes along.
"""

from __future__ import annotations

import io
import ipaddress
import json
import logging
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from botapi.errors import BotError, ConfigError, InputError
from botapi.telemetry import trace_context

logger = logging.getLogger(__name__)

TIMEOUT_S = 300.0  # Rasa 3.6's limit for action and NLG servers
MAX_ANSWER_BYTES = 16 << 20
CHUNK_BYTES = 1 << 16
FIRST_PAUSE_S = 0.1  # before a retry; doubled each time
RETRIED_STATUS = (502, 503, 504)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[..., Sequence[tuple[Any, ...]]]  # as socket.getaddrinfo

# Services that hand out a machine's credentials to whoever asks, beside those at link-local addresses.
METADATA_ADDRESSES = frozenset(
    ipaddress.ip_address(text) for text in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")
)
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class OutboundError(BotError):
    """The other side can't be reached, is too slow, or sent something that is no answer."""

    status = 502
    reason = "OutboundError"


@dataclass(frozen=True)
class Endpoint:
    """A server of endpoints.yml, under the keys of Rasa's: url, params, headers, basic_auth, token, token_name, cafile.

    `timeout_s` and `retries` come from the keys `timeout` and `retries`; `options` are the keys beside these.
    """

    url: str
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    basic_auth: tuple[str, str] | None = field(default=None, repr=False)
    cafile: str | None = None
    timeout_s: float = TIMEOUT_S
    retries: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()  # connect to these instead of resolving the host: set by `guard`

    @property
    def shown(self) -> str:
        """The URL for messages: tokens travel in its query, so that is left out."""
        return _without_query(self.url)

    def at(self, path: str) -> Endpoint:
        """The same server with `path` appended to the URL."""
        return replace(self, url=f"{self.url.rstrip('/')}/{path.lstrip('/')}" if path else self.url)


def read_endpoint(section: Mapping[str, Any], name: str) -> Endpoint:
    """The endpoint that a section of endpoints.yml describes; `name` is the section's. Raises ConfigError."""
    if not isinstance(section, Mapping) or not isinstance(section.get("url"), str):
        # SECURITY: not the values, which may be tokens.
        found = f"the keys {', '.join(map(str, section))}" if isinstance(section, Mapping) else type(section).__name__
        raise ConfigError(f"{name}: expected a section with 'url: http://…' in endpoints.yml, found {found}.")
    options = dict(section)
    url = options.pop("url")
    if not _is_http(url):
        raise ConfigError(f"{name}: url {url!r} is not usable; expected http://… or https://….")
    params = _texts(options.pop("params", None), f"{name}: params")
    token, token_name = options.pop("token", None), options.pop("token_name", "token")
    if token:
        params[str(token_name)] = str(token)
    basic_auth = _texts(options.pop("basic_auth", None), f"{name}: basic_auth")
    if basic_auth and set(basic_auth) != {"username", "password"}:
        raise ConfigError(f"{name}: basic_auth has {', '.join(basic_auth)}; expected username and password.")
    return Endpoint(
        url=url,
        params=params,
        headers=_texts(options.pop("headers", None), f"{name}: headers"),
        basic_auth=(basic_auth["username"], basic_auth["password"]) if basic_auth else None,
        cafile=options.pop("cafile", None),
        timeout_s=_number(options, "timeout", TIMEOUT_S, 0.001, name),
        retries=int(_number(options, "retries", 0, 0, name)),
        options=options,
    )


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that don't fit, a port that is no number
        return False


@dataclass(frozen=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as a JSON value; OutboundError if it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise OutboundError(f"The answer is not JSON ({error}): {self.body[:200]!r}.") from error


class Outbound:
    """Connections to other servers, kept open and shared by all threads."""

    def __init__(self, *, connections: int = 32) -> None:
        # PERF: an adapter alone, without a session, takes half the time of requests.post on a kept connection, and
        # has nothing that could follow redirects, keep cookies or read the environment.
        self._adapter = HTTPAdapter(pool_connections=16, pool_maxsize=connections)

    def post(self, target: str | Endpoint, *, json: Any = None, **options: Any) -> Answer:
        """POST a JSON value; `options` are those of `request`."""
        return self.request("POST", target, json=json, **options)

    def request(
        self,
        method: str,
        target: str | Endpoint,
        *,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        retries: int | None = None,
        max_bytes: int = MAX_ANSWER_BYTES,
        into: IO[bytes] | None = None,
    ) -> Answer:
        """Send `data`, or else the value `json` (None: no body), and wait for the whole answer.

        The answer's body is written `into` a file where one is given: a long one shall not lie in memory.
        `retries` more attempts follow where no answer came or its status is 502, 503 or 504. It and `timeout_s` are
        the endpoint's where not given.
        Raises OutboundError for what is no HTTP answer, takes longer than `timeout_s`, or is longer than `max_bytes`.
        """
        endpoint = Endpoint(target) if isinstance(target, str) else target
        timeout_s = endpoint.timeout_s if timeout_s is None else timeout_s
        retries = endpoint.retries if retries is None else retries
        prepared = _prepare(method, endpoint, json, data, headers or {})
        adapter = _pinned(endpoint, prepared) if endpoint.addresses else self._adapter
        try:
            for attempt in range(retries):
                try:
                    answer = _send(adapter, prepared, endpoint, timeout_s, max_bytes, into)
                    if answer.status not in RETRIED_STATUS:
                        return answer
                except OutboundError as error:
                    logger.info("Attempt %d of %d: %s", attempt + 1, retries + 1, error)
                time.sleep(FIRST_PAUSE_S * 2**attempt)
            return _send(adapter, prepared, endpoint, timeout_s, max_bytes, into)
        finally:
            if adapter is not self._adapter:
                adapter.close()

    def close(self) -> None:
        self._adapter.close()


def guard(
    url: str,
    *,
    allow: Sequence[str] = (),
    deny: Sequence[str] = (),
    loopback_ok: bool = False,
    resolve: Resolve = socket.getaddrinfo,
) -> Endpoint:
    """An endpoint for a URL that a caller gave, bound to the addresses that were checked here.

    `allow` and `deny` are host names, addresses or networks ("10.0.0.0/8"). Loopback and private addresses are
    refused unless allowed, or `loopback_ok`: the server itself is reached from this machine only. Link-local,
    metadata, multicast and unspecified addresses are refused always. Raises InputError.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _refused(url, f"it is not a URL ({error})") from error
    if parts.scheme not in ("http", "https") or not host:
        raise _refused(url, "expected http://… or https://… with a host")
    if parts.username is not None or parts.password is not None:
        raise _refused(url, "it holds a user name or password")
    default_port = 443 if parts.scheme == "https" else 80
    try:
        found = resolve(host, port or default_port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _refused(url, f"its host can't be resolved ({error})") from error
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses:
        raise _refused(url, "its host has no address")
    for text in addresses:
        for address in _meanings(ipaddress.ip_address(text.partition("%")[0])):
            why = _objection(host, address, allow, deny, loopback_ok)
            if why:
                raise _refused(url, why)
    return Endpoint(url, addresses=addresses)


def check_rules(section: Mapping[str, Any] | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(allow, deny) of the `outbound` section of endpoints.yml. Raises ConfigError."""
    section = section or {}
    for key in section:
        if key not in ("allow", "deny"):
            raise ConfigError(f"outbound: the key {key!r} is not known; expected allow and deny.")
    lists = []
    for key in ("allow", "deny"):
        entries = section.get(key) or []
        if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            raise ConfigError(f"outbound: {key} is {entries!r}, expected a list of hosts or networks.")
        for entry in entries:
            if "/" in entry and _network(entry) is None:
                raise ConfigError(f"outbound: {key} holds {entry!r}, expected a network such as '10.0.0.0/8'.")
        lists.append(tuple(entries))
    return lists[0], lists[1]


def _meanings(address: Address) -> list[Address]:
    """The address itself and the IPv4 address that it wraps, if any."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    inner = [address.sixtofour, *(address.teredo or ())]
    if address in NAT64 or (address.packed[:12] == bytes(12) and int(address) > 1):  # or "IPv4-compatible", retired
        inner.append(ipaddress.IPv4Address(address.packed[12:]))
    return [address, *(each for each in inner if each is not None)]


def _objection(host: str, address: Address, allow: Sequence[str], deny: Sequence[str], loopback_ok: bool) -> str | None:
    if address.is_link_local or address in METADATA_ADDRESSES:
        return f"{address} is a link-local or metadata address"
    if address.is_multicast or address.is_unspecified:
        return f"{address} is not the address of one server"
    if _listed(host, address, deny):
        return f"{address} is denied by endpoints.yml, outbound"
    if address.is_global or loopback_ok or _listed(host, address, allow):
        return None
    return f"{address} is a loopback or private address, and not among those of endpoints.yml, outbound, allow"


def _listed(host: str, address: Address, entries: Sequence[str]) -> bool:
    for entry in entries:
        network = _network(entry)
        if network is None and entry.lower().rstrip(".") == host.lower().rstrip("."):
            return True
        if network is not None and address in network:
            return True
    return False


def _network(entry: str) -> Network | None:
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:  # a host name
        return None


def _refused(url: str, why: str) -> InputError:
    # SECURITY: also logged where it is asked again, before a later attempt.
    return InputError(f"The URL {url.partition('?')[0]!r} is refused: {why}.")


def _prepare(
    method: str, endpoint: Endpoint, value: Any, data: bytes | None, headers: Mapping[str, str]
) -> requests.PreparedRequest:
    # SECURITY: nothing compressed is asked for or unpacked, so an answer is as long as what travels.
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        **trace_context.get(),
        **headers,
        **endpoint.headers,
    }
    if data is None and value is not None:
        headers.setdefault("Content-Type", "application/json")
        data = json.dumps(value).encode()
    prepared = requests.PreparedRequest()
    try:
        prepared.prepare(
            method=method,
            url=endpoint.url,
            params=endpoint.params or None,
            headers=headers,
            data=data,
            auth=endpoint.basic_auth,
        )
    except (requests.RequestException, ValueError) as error:
        # SECURITY: requests quotes the URL with its query, and the header's value.
        kind = type(error).__name__
        raise OutboundError(f"The URL {endpoint.shown} or its headers can't be used ({kind}).") from error
    return prepared


def _pinned(endpoint: Endpoint, prepared: requests.PreparedRequest) -> HTTPAdapter:
    """An adapter for the checked address; `prepared` is changed to go there, and to ask for the host by name."""
    parts = urlsplit(str(prepared.url))
    address = endpoint.addresses[0]
    netloc = f"[{address}]" if ":" in address else address
    prepared.headers["Host"] = parts.netloc
    prepared.url = urlunsplit(parts._replace(netloc=f"{netloc}:{parts.port}" if parts.port else netloc))
    if parts.scheme == "http":
        return HTTPAdapter()
    return _NamedAdapter(str(parts.hostname))


class _NamedAdapter(HTTPAdapter):
    """Connects to an address, but asks for the certificate of `host` and checks that it gets it."""

    def __init__(self, host: str) -> None:
        self._host = host
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, server_hostname=self._host, assert_hostname=self._host)


def _send(
    adapter: HTTPAdapter,
    prepared: requests.PreparedRequest,
    endpoint: Endpoint,
    timeout_s: float,
    max_bytes: int,
    into: IO[bytes] | None,
) -> Answer:
    deadline = time.monotonic() + timeout_s
    where = _without_query(endpoint.url)
    file: IO[bytes] = io.BytesIO() if into is None else into
    try:
        response = adapter.send(prepared, stream=True, timeout=timeout_s, verify=endpoint.cafile or True)
        try:
            encoding = response.headers.get("Content-Encoding", "identity")
            if encoding != "identity":
                raise OutboundError(f"{where} sent a body packed as {encoding}; expected it unpacked, as asked for.")
            file.seek(0)
            file.truncate()  # after an attempt before this one
            _copy(response, file, where, deadline, max_bytes)
        finally:
            response.close()
    except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
        raise OutboundError(f"{where} did not answer within {timeout_s:g} s.") from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise OutboundError(f"{where} can't be reached: {_cause(error)}.") from error
    return Answer(response.status_code, response.headers, file.getvalue() if isinstance(file, io.BytesIO) else b"")


def _copy(response: requests.Response, file: IO[bytes], where: str, deadline: float, max_bytes: int) -> None:
    # read1 takes what has arrived, so that the clock is looked at; urllib3 1.26 has only read, which fills a chunk.
    read = getattr(response.raw, "read1", response.raw.read)
    total = 0
    while chunk := read(CHUNK_BYTES, decode_content=False):
        file.write(chunk)
        total += len(chunk)
        if total > max_bytes:
            raise OutboundError(f"{where} sent more than {max_bytes} bytes.")
        if time.monotonic() > deadline:
            raise OutboundError(f"{where} did not finish its answer in time.")
    response.raw.release_conn()


def _cause(error: Exception) -> str:
    """Why, without the query that urllib3 puts into its messages: tokens travel there."""
    inner = error.args[0] if error.args else error
    reason = getattr(inner, "reason", None) or inner
    return str(reason).rpartition(">: ")[2]


def _without_query(url: str) -> str:
    """A URL for messages: tokens travel in the query, and passwords before the host."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))


def _number(options: dict[str, Any], key: str, default: float, least: float, name: str) -> float:
    """Take a number out of the options; ConfigError for anything else or less than `least`."""
    value = options.pop(key, default)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= least:
        return value
    raise ConfigError(f"{name}: {key} is {value!r}, expected a number from {least:g}.")


def _texts(value: Any, name: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigError(f"{name} is {value!r}, expected keys with values.")
    return {str(key): str(item) for key, item in value.items()}
