"""Models of a model server: asks it again and again whether it has a new one; what it sends is loaded into the agent.

The protocol is that of Rasa 3.6: GET with If-None-Match; 204 and 304 say that there is nothing new, 200 brings an
archive and its ETag, which is opaque and echoed as it came.
"""

from __future__ import annotations

import hashlib
import logging
import re
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import IO, Any

from botapi.agent.agent import Agent
from botapi.agent.received import load_received
from botapi.errors import BotError, ConfigError, ModelError
from botapi.outbound import TIMEOUT_S, Answer, Endpoint, Outbound, read_endpoint

logger = logging.getLogger(__name__)

WAIT_S = 100.0  # Rasa 3.6
STOP_S = 2.0
HASHED_BYTES = 1 << 20  # at a time
# What a client may send back in a header.
ETAG = re.compile(r"[\x21-\x7e\x80-\xff]([\x20-\x7e\x80-\xff]{0,998}[\x21-\x7e\x80-\xff])?")


@dataclass(frozen=True)
class ModelServer:
    """Where models come from. `locate()` gives the endpoint; it is asked every `wait_s` seconds, None: once."""

    locate: Callable[[], Endpoint]
    wait_s: float | None = WAIT_S


def read_model_server(section: Mapping[str, Any], name: str) -> ModelServer:
    """The server that a section of endpoints.yml describes; `name` is the section's. Raises ConfigError."""
    endpoint = read_endpoint(section, name)
    return ModelServer(lambda: endpoint, _wait_s(endpoint, name))


def named_model_server(section: Mapping[str, Any], check: Callable[[str], Endpoint]) -> ModelServer:
    """The server that a caller of the API described; `check` guards its URL. Raises ConfigError.

    SECURITY: the address is looked up and checked each time it is asked. No file of this machine is read for it, and
    it can't hold a thread for longer than any other server can.
    """
    if isinstance(section, Mapping) and section.get("cafile"):
        raise ConfigError("model_server: a cafile can only be named in endpoints.yml; leave it out.")
    endpoint = read_endpoint(section, "model_server")
    bounded = replace(endpoint, timeout_s=min(endpoint.timeout_s, TIMEOUT_S), retries=0)
    wait_s = _wait_s(endpoint, "model_server")
    if wait_s is not None and wait_s < 1:
        raise ConfigError(f"model_server: wait_time_between_pulls is {wait_s}, expected 1 second or more, or null.")
    return ModelServer(lambda: replace(bounded, addresses=check(bounded.url).addresses), wait_s)


def _wait_s(endpoint: Endpoint, name: str) -> float | None:
    value = endpoint.options.get("wait_time_between_pulls", WAIT_S)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= threading.TIMEOUT_MAX:
        raise ConfigError(f"{name}: wait_time_between_pulls is {value!r}, expected seconds, or null to ask once.")
    return value or None


class _Watch:
    """What is known of one server: the ETag and digest of its last model, and what went wrong lately."""

    def __init__(self, server: ModelServer) -> None:
        self.server = server
        self.is_asked = False
        self.etag: str | None = None
        self.digest = ""
        self.trouble = ""


class ModelPoller:
    """Keeps an agent's model that of a model server, in a thread of its own; thread-safe.

    `server` is None where there is none yet. Archives of more than `max_bytes` are refused.
    """

    def __init__(self, agent: Agent, outbound: Outbound, server: ModelServer | None, *, max_bytes: int) -> None:
        self._agent = agent
        self._outbound = outbound
        self.max_bytes = max_bytes
        self._watch = _Watch(server) if server else None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._changed = threading.Condition()

    def start(self) -> None:
        """Go on asking in a thread, if there is a server to ask; starts one thread however often it is called."""
        if self._thread is None and self._watch is not None:
            with self._changed:
                if self._thread is None and not self._closed:
                    self._thread = threading.Thread(target=self._run, name="model-poller", daemon=True)
                    self._thread.start()

    def close(self) -> None:
        """Ask no more; a model that is on its way is not loaded."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            # NOTE: it may be waiting for a server that says nothing; as a daemon it keeps nobody from exiting.
            self._thread.join(STOP_S)

    def pull(self, timeout_s: float | None = None) -> None:
        """Ask once. Whatever goes wrong is logged, and leaves the agent as it is."""
        watch = self._watch
        if watch is None:
            return
        try:
            self._update(watch, timeout_s, lambda: watch is self._watch and not self._closed)
            trouble = ""
        except BotError as error:
            trouble = error.message
        except Exception as error:  # the next answer may be better, and nobody else would ask for it
            logger.exception("Asking the model server failed")
            trouble = repr(error)
        if trouble and trouble != watch.trouble:
            logger.warning("No model from the model server: %s The model that is loaded stays.", trouble)
        watch.trouble = trouble

    def follow(self, server: ModelServer) -> None:
        """Load the model of another server, and ask that one from now on.

        Raises ModelError, OutboundError or InputError where it gives no model that loads; then nothing changes.
        """
        watch = _Watch(server)
        if not self._update(watch, None, lambda: not self._closed):
            raise ModelError("The model server has no model: it answered 204 or 304.")
        with self._changed:
            self._watch = watch
            self._changed.notify_all()
        self.start()

    def _update(self, watch: _Watch, timeout_s: float | None, is_wanted: Callable[[], bool]) -> bool:
        """Whether the server sent an archive; it is loaded unless it is the last one again, or not wanted any more."""
        watch.is_asked = True
        endpoint = watch.server.locate()
        with tempfile.TemporaryFile() as file:
            answer = self._asked(endpoint, watch.etag, file, timeout_s)
            if answer.status in (204, 304):
                return False
            if answer.status != 200:
                raise ModelError(
                    f"{endpoint.shown} answered {answer.status}; expected 200 with an archive, 204 or 304."
                )
            digest = _digest(file)
            if digest != watch.digest and is_wanted():
                load_received(self._agent, file, answer.headers.get("filename"))
                logger.info("Loaded a new model from %s.", endpoint.shown)
        etag = answer.headers.get("ETag", "")
        watch.etag, watch.digest = etag if ETAG.fullmatch(etag) else None, digest
        return True

    def _asked(self, endpoint: Endpoint, etag: str | None, file: IO[bytes], timeout_s: float | None) -> Answer:
        headers = {"Accept": "*/*", **({"If-None-Match": etag} if etag else {})}
        return self._outbound.request(
            "GET", endpoint, headers=headers, timeout_s=timeout_s, max_bytes=self.max_bytes, into=file
        )

    def _run(self) -> None:
        if self._watch is not None and not self._watch.is_asked:
            self.pull()
        while self._waited():
            self.pull()

    def _waited(self) -> bool:
        """Whether it is time to ask again; False at the end."""
        with self._changed:
            while not self._closed:
                wait_s = self._watch.server.wait_s if self._watch else None
                if not self._changed.wait(wait_s):
                    return True
        return False


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while block := file.read(HASHED_BYTES):
        digest.update(block)
    return digest.hexdigest()
