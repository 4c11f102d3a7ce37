"""Engine.IO 4 over long polling, in front of python-socketio: requests in; packets for the library, and answers, out.

What the library would only log is refused here, and a poll never holds a thread that chat needs.
"""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue
from typing import Any
from urllib.parse import urlencode

from botapi.channels.turns import Turns
from botapi.errors import Busy, InputError, NotFound
from botapi.web.api import Api
from botapi.web.request import Request, parse_json
from botapi.web.response import Response, text_response

MAX_BODY_BYTES = 1_000_000
MAX_PACKETS = 16
SOCKETS = 1000
# A poll without news is answered with this packet, and the client asks again.
NOOP = "6"
# How often a poll looks whether it should end, and so how long it lasts where many poll.
CROWDED_POLL_S = 1.0
# A client says: close; pong; or a message of Socket.IO 5: connect, disconnect or event, with namespace, id and JSON.
_PACKET = re.compile(r"""1|3(?:probe)?|4([012])(?:/[^,\[{"]{0,100}(?:,|$))?[0-9]{0,9}([\[{"].*)?""", re.DOTALL)
_EVENT = "2"
UNKNOWN = "The session is not known, or has ended; connect again."


class Packets(Queue[Any]):
    """The packets that wait for a client."""

    def wait(self, timeout_s: float) -> bool:
        """Wait for a packet without taking it; whether there is one."""
        with self.not_empty:
            return bool(self.not_empty.wait_for(self._qsize, timeout_s))


class Polling:
    """Answers the requests of a `socketio.Server`, which must be made for polling without upgrades.

    At most half of `waiting_threads` wait for longer than a second; with more, polls get shorter the more clients
    there are.
    """

    def __init__(self, server: Any, *, waiting_threads: int, turns: Turns) -> None:
        self._server = server
        server.eio.create_queue = Packets
        self._waiting_threads = waiting_threads
        self._turns = turns
        self._guard = threading.Lock()
        self._polled: set[str] = set()

    def get(self, api: Api, request: Request) -> Response:
        """Open a session, or wait for packets of one."""
        if request.method == "HEAD":  # a look must not take packets
            return text_response("")
        socket = self._socket(request)
        if socket is None:
            return self._open()
        with self._poll(socket.sid):
            if not self._wait(api, socket.queue):
                return text_response(NOOP)
            _check_open(socket)
            return self._answer("GET", socket.sid)

    def post(self, api: Api, request: Request) -> Response:
        """Take a client's packets."""
        socket = self._socket(request)
        if socket is None:
            raise NotFound("There is no session 'sid': open one with GET.", reason="NotFound")
        packets = request.text()
        check_packets(packets)
        return self._answer("POST", socket.sid, packets.encode())

    def _socket(self, request: Request) -> Any:
        """The library's socket of the session; None where a new one is asked for. InputError for what is not spoken."""
        if request.query("transport") not in (None, "polling"):
            raise InputError("This server speaks Engine.IO over polling only: set transports to ['polling'].")
        if request.query("j") is not None:
            raise InputError("JSONP is not supported; let the page's origin in with --cors.")
        session_id = request.query("sid")
        if request.query("EIO") not in (None, "4"):
            raise InputError("Only Engine.IO 4 is spoken here; use a client for Socket.IO 3 or 4.")
        socket = self._server.eio.sockets.get(session_id)
        if session_id is not None:
            _check_open(socket)
        return socket

    def _open(self) -> Response:
        if len(self._server.eio.sockets) >= SOCKETS:
            raise Busy(f"{SOCKETS} clients are connected, which is the limit; try again in a minute.", retry_after_s=60)
        return self._answer("GET", None)

    @contextmanager
    def _poll(self, session_id: str) -> Iterator[None]:
        with self._guard:
            if session_id in self._polled:
                raise InputError("The session is being polled already; a client has one poll at a time.")
            self._polled.add(session_id)
        try:
            yield
        finally:
            with self._guard:
                self._polled.discard(session_id)

    def _wait(self, api: Api, packets: Packets) -> bool:
        """Whether there are packets; Busy where the server stops and there is nothing more to wait for."""
        # NOTE: it is the library's ping that ends a long wait, after 25 seconds.
        while not packets.wait(self._patience_s()):
            if api.is_draining and not self._turns.is_busy():
                raise Busy("The server stops; connect again in a second.")
            if api.is_draining or self._is_crowded():
                return False
        return True

    def _is_crowded(self) -> bool:
        return len(self._polled) > self._waiting_threads / 2

    def _patience_s(self) -> float:
        """How long to wait at a time: where clients outnumber threads, each has its turn about once a second."""
        return CROWDED_POLL_S * min(1.0, self._waiting_threads / max(1, len(self._server.eio.sockets)))

    def _answer(self, method: str, session_id: str | None, body: bytes = b"") -> Response:
        """What the library answers; it gets no more of the request than it needs, and keeps nothing alive."""
        query = {"EIO": "4", "transport": "polling"} | ({"sid": session_id} if session_id else {})
        environ = {
            "REQUEST_METHOD": method,
            "QUERY_STRING": urlencode(query),
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
        started: list[tuple[str, list[tuple[str, str]]]] = []
        try:
            blocks = self._server.handle_request(environ, lambda status, headers: started.append((status, headers)))
        except KeyError as error:  # the session has just ended
            raise NotFound(UNKNOWN, reason="NotFound") from error
        (status, headers), answer = started[0], b"".join(blocks)
        if not status.startswith("200"):
            raise InputError(f"The session did not take the request: {json.loads(answer)}.")
        return Response(answer, headers=headers)


def _check_open(socket: Any) -> None:
    if socket is None or socket.closed:
        raise NotFound(UNKNOWN, reason="NotFound")


def check_packets(payload: str) -> None:
    """Raise InputError unless these are packets as a client sends them; binary ones are not taken."""
    packets = payload.split("\x1e")
    if len(packets) > MAX_PACKETS:
        raise InputError(f"The body holds {len(packets)} packets; expected at most {MAX_PACKETS}.")
    for packet in packets:
        found = _PACKET.fullmatch(packet)
        if found is None:
            raise InputError("The body holds a packet that is not one of: close, pong, connect, disconnect, event.")
        kind, data = found.groups()
        value = parse_json(data, data.encode("utf-8", "surrogatepass")) if data else None
        if kind == _EVENT and not (isinstance(value, list) and value and _is_event_name(value[0])):
            raise InputError('An event is no list that begins with its name; expected such as 42["name", {…}].')


def _is_event_name(name: Any) -> bool:
    # SECURITY: these are the library's own; a client must not call what is registered for them.
    return isinstance(name, str) and name not in ("connect", "disconnect")
