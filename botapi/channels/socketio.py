"""The Socket.IO channel of web chats: `session_request` and `user_uttered` in, `session_confirm` and `bot_uttered` out.

The protocol is that of rasa-webchat and Rasa 3.6; it needs the package python-socketio.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from botapi.channels.channel import Credentials, Host, health, options
from botapi.channels.polling import MAX_BODY_BYTES, Polling
from botapi.errors import BotError, Busy, ConfigError, InputError
from botapi.state.messages import UserMessage
from botapi.web.api import Endpoint
from botapi.web.request import parse_json, wrong_value
from middleware.auth import Identity
from middleware.jwt import JWTAuthenticator

logger = logging.getLogger(__name__)

# The keys and defaults of Rasa 3.6.
DEFAULTS = {
    "user_message_evt": "user_uttered",
    "bot_message_evt": "bot_uttered",
    "namespace": None,
    "session_persistence": False,
    "socketio_path": "/socket.io",
    "jwt_key": None,
    "jwt_method": "HS256",
    "metadata_key": "metadata",
}


class SocketIOChannel:
    """Web chats at `socketio_path`, by long polling; its keys are those of DEFAULTS.

    A conversation has the id of its socket, or with `session_persistence` of the client's session. With `jwt_key` only
    clients connect whose `auth.token` is signed with it, and one of the role `user` has the conversation of his name.
    """

    def __init__(self, name: str, credentials: Credentials, host: Host) -> None:
        self.name = name
        self._options = options(name, credentials, DEFAULTS)
        self._host = host
        self._namespace = f"/{(self._options['namespace'] or '').strip('/')}"
        self._authenticate = _authenticator(name, self._options)
        self._server = _server(self._namespace)
        self._server.on("connect", self.connect, namespace=self._namespace)
        self._server.on("session_request", self.session_request, namespace=self._namespace)
        self._server.on(self._options["user_message_evt"], self.user_uttered, namespace=self._namespace)
        self._output = SocketIOOutput(name, self._server, self._options["bot_message_evt"], self._namespace)
        self._polling = Polling(self._server, waiting_threads=host.waiting_threads, turns=host.turns)

    def endpoints(self) -> Sequence[Endpoint]:
        path = f"/{self._options['socketio_path'].strip('/')}/"
        return [
            Endpoint("GET", f"/webhooks/{self.name}/", health, public=True),
            Endpoint("GET", path, self._polling.get, public=True, waits=True),
            Endpoint("POST", path, self._polling.post, public=True, waits=True, limit_bytes=MAX_BODY_BYTES),
        ]

    def output(self) -> SocketIOOutput:
        return self._output

    def forget(self, conversation_id: str) -> None:
        """What a client has not polled yet is gone with its session, within a minute."""

    def close(self) -> None:
        self._server.shutdown()

    # ----------------------------------------------------- what clients say

    def connect(self, socket_id: str, environ: Any, auth: Any = None) -> bool:
        """Whether the client may connect."""
        if self._authenticate is None:
            return True
        token = auth.get("token") if isinstance(auth, Mapping) else None
        identity = self._identity(token) if isinstance(token, str) else None
        if identity is None or (identity.role == "user" and not identity.name):
            return False
        if identity.role == "user":
            self._server.save_session(socket_id, {"name": identity.name}, namespace=self._namespace)
        return True

    def session_request(self, socket_id: str, data: Any = None, *more: Any) -> None:
        """Confirm the session that the client wants to go on with, or a new one."""
        wanted = data.get("session_id") if isinstance(data, Mapping) else None
        session_id = self._own_name(socket_id) or (wanted if isinstance(wanted, str) and wanted else uuid.uuid4().hex)
        if self._options["session_persistence"]:
            self._server.enter_room(socket_id, session_id, namespace=self._namespace)
        self._server.emit("session_confirm", session_id, to=socket_id, namespace=self._namespace)

    def user_uttered(self, socket_id: str, data: Any = None, *more: Any) -> None:
        """Have a message answered, in the background: the client hears the answer by polling."""
        try:
            message = self._message(socket_id, data if isinstance(data, Mapping) else {"message": None})
            self._server.enter_room(socket_id, message.sender_id, namespace=self._namespace)
            self._host.turns.start(message.sender_id, partial(self._turn, message))
        except InputError as error:  # SECURITY: its message shows what was said
            wrong = error.details.get("parameter") or "JSON"
            logger.warning("A message of socket %r is left out: its %s is not what it should be.", socket_id, wrong)
        except Busy as error:
            logger.warning("A message of socket %r is left out: %s", socket_id, error.message)

    def _message(self, socket_id: str, data: Mapping[str, Any]) -> UserMessage:
        text, sender_id = data.get("message", ""), self._conversation_id(socket_id, data)
        if not isinstance(text, str):
            raise wrong_value("message", text, "a text")
        metadata = _metadata(data.get(self._options["metadata_key"]))
        return UserMessage(text, sender_id, self.name, self._output, metadata=metadata)

    def _turn(self, message: UserMessage) -> None:
        try:
            self._host.agent.handle(message)
        except BotError as error:
            logger.error("A message to conversation %r is not answered: %s", message.sender_id, error.message)

    def _identity(self, token: str) -> Identity | None:
        assert self._authenticate is not None
        return self._authenticate({"HTTP_AUTHORIZATION": f"Bearer {token.removeprefix('Bearer ')}"})

    def _own_name(self, socket_id: str) -> str | None:
        """The name that the client's token says, where he may only speak as himself."""
        session: dict[str, str] = self._server.get_session(socket_id, namespace=self._namespace)
        return session.get("name")

    def _conversation_id(self, socket_id: str, data: Mapping[str, Any]) -> str:
        own = self._own_name(socket_id)
        if own is not None or not self._options["session_persistence"]:
            return own or socket_id
        session_id = data.get("session_id")
        if not isinstance(session_id, str) or not session_id:
            raise wrong_value("session_id", session_id, "the text that session_confirm gave")
        return session_id


class SocketIOOutput:
    """Sends the bot's messages to those who follow a conversation; nobody hears what is said while he is away."""

    def __init__(self, name: str, server: Any, event: str, namespace: str) -> None:
        self.name = name
        self._server = server
        self._event = event
        self._namespace = namespace

    def send(self, recipient_id: str, response: Mapping[str, Any]) -> None:
        for message in messages(response):
            self._server.emit(self._event, message, to=recipient_id, namespace=self._namespace)


def messages(response: Mapping[str, Any]) -> Iterator[Any]:
    """A response as the messages that web chats show, in the order and shapes of Rasa 3.6.

    Text is split at blank lines, and buttons go with its last part. Of a `custom` payload with the one key `data`, the
    data alone is sent.
    """
    buttons = response.get("quick_replies") or response.get("buttons")
    paragraphs = str(response.get("text") or "").strip().split("\n\n")
    if buttons:
        *first, last = paragraphs
        yield from ({"text": text, "quick_replies": []} for text in first)
        yield {"text": last, "quick_replies": [_quick_reply(each) for each in buttons if isinstance(each, Mapping)]}
    else:
        yield from ({"text": text} for text in paragraphs if text)
    custom = response.get("custom")
    if custom:
        yield custom["data"] if isinstance(custom, Mapping) and set(custom) == {"data"} else custom
    if response.get("image"):
        yield {"attachment": {"type": "image", "payload": {"src": response["image"]}}}
    if response.get("attachment"):
        yield {"attachment": response["attachment"]}
    elements = response.get("elements")
    for element in elements if isinstance(elements, (list, tuple)) else ():
        yield {"attachment": {"type": "template", "payload": {"template_type": "generic", "elements": element}}}


def _quick_reply(button: Mapping[str, Any]) -> dict[str, Any]:
    return {"content_type": "text", "title": button.get("title"), "payload": button.get("payload")}


def _metadata(value: Any) -> dict[str, Any]:
    """Metadata as an object, which clients may also send as JSON. Raises InputError."""
    if isinstance(value, str):
        value = parse_json(value, value.encode("utf-8"))
    if value is not None and not isinstance(value, dict):
        raise wrong_value("metadata", value, "an object")
    return value or {}


def _authenticator(name: str, chosen: Mapping[str, Any]) -> JWTAuthenticator | None:
    if not chosen["jwt_key"]:
        return None
    try:
        return JWTAuthenticator(chosen["jwt_key"], algorithm=chosen["jwt_method"])
    except ValueError as error:
        raise ConfigError(f"credentials: {name}: {error}") from error


def _server(namespace: str) -> Any:
    """python-socketio's server, for polling alone; ConfigError where it is not installed."""
    try:
        import socketio
    except ImportError as error:
        raise ConfigError(
            "The channel socketio needs the package python-socketio, which is not installed: "
            "pip install botapi[socketio], or remove it from credentials.yml."
        ) from error
    # SECURITY: below errors, the library's log lines hold what people say.
    quiet = logging.getLogger(f"{__name__}.library")
    quiet.setLevel(logging.ERROR)
    # NOTE: handlers run in the thread of the request, which keeps a client's messages in order; CORS is the server's.
    return socketio.Server(
        async_mode="threading",
        async_handlers=False,
        transports=["polling"],
        allow_upgrades=False,
        http_compression=False,
        cors_allowed_origins=[],
        namespaces=[namespace],
        max_http_buffer_size=MAX_BODY_BYTES,
        logger=quiet,
        engineio_logger=quiet,
    )
