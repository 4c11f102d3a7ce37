"""What a channel is: credentials in; the endpoints it answers, and where its responses can be sent at any time, out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol

from botapi.agent.agent import Agent
from botapi.channels.turns import Turns
from botapi.errors import ConfigError
from botapi.names import DEFAULT_SENDER_ID
from botapi.outbound import Outbound
from botapi.state.messages import Output, UserMessage
from botapi.web.api import Api, Endpoint
from botapi.web.errors import ErrorResponse
from botapi.web.request import Request, wrong_value
from botapi.web.response import Response, json_response
from middleware.auth import IDENTITY, Identity
from middleware.idempotency import SUBJECT

MAX_ID_CHARS = 255
# A channel's section of credentials.yml.
Credentials = Mapping[str, Any]


class Channel(Protocol):
    """A way for users to reach the bot; made from its section of credentials.yml."""

    name: str

    def endpoints(self) -> Sequence[Endpoint]:
        """The endpoints of the channel, below `/webhooks/<name>/`."""

    def output(self) -> Output | None:
        """Where responses go that belong to no request, such as reminders; None where there is no such way."""

    def forget(self, conversation_id: str) -> None:
        """Keep nothing of a conversation, such as messages that wait to be sent; it is being deleted."""

    def close(self) -> None:
        """Finish what was begun; the server stops."""


@dataclass(frozen=True)
class Host:
    """What the server lends to its channels.

    `has_auth` says whether it knows callers by a token or a JWT. So many requests may wait for news at once as there
    are `waiting_threads`.
    """

    agent: Agent
    outbound: Outbound = field(default_factory=Outbound)
    turns: Turns = field(default_factory=Turns)
    has_auth: bool = False
    waiting_threads: int = 4


_OK = json_response({"status": "ok"})


def health(api: Api, request: Request) -> Response:
    """Say that the channel is there."""
    return _OK


def options(name: str, credentials: Credentials, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a section over their defaults; an empty value is the default.

    ConfigError for a key that is not among them, and for a value of another type than its default, or, where that is
    None, than text.
    """
    for key, value in credentials.items():
        if key not in defaults:
            known = ", ".join(defaults) or "none"
            raise ConfigError(f"credentials: {name} has the key {key!r}, which is not known; expected {known}.")
        kind = str if defaults[key] is None else type(defaults[key])
        if value is not None and not isinstance(value, kind):
            expected = {str: "a text", bool: "true or false"}[kind]
            raise ConfigError(f"credentials: {name} has {key}: {value!r}; expected {expected}.")
    return {**defaults, **{key: value for key, value in credentials.items() if value is not None}}


def is_guarded(name: str, credentials: Credentials, host: Host) -> bool:
    """Whether the webhook wants the token or JWT of the API: `auth: true`, the only key. Raises ConfigError."""
    guarded = bool(options(name, credentials, {"auth": False})["auth"])
    if guarded and not host.has_auth:
        raise ConfigError(
            f"credentials: {name} has auth: true, but the server knows nobody; start it with --auth-token or "
            "--jwt-secret (BOTAPI_AUTH_TOKEN, BOTAPI_JWT_SECRET), or leave the key out."
        )
    return guarded


def user_message(request: Request, channel: str, output: Output) -> UserMessage:
    """The message of a body {sender, message, input_channel, metadata, message_id}.

    InputError names the key that is wrong; 403 where the caller is a user and `sender` somebody else.
    """
    body = request.json()
    text = body.get("message")
    if not isinstance(text, str):
        raise wrong_value("message", text, "a text")
    sender = _sender(body.get("sender"), request.environ.get(IDENTITY))
    request.environ[SUBJECT] = sender
    metadata = body.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise wrong_value("metadata", metadata, "an object")
    input_channel = body.get("input_channel")
    if input_channel is not None and not isinstance(input_channel, str):
        raise wrong_value("input_channel", input_channel, "a text")
    message_id = _message_id(body.get("message_id"))
    return UserMessage(text, sender, input_channel or channel, output, message_id, metadata or {})


def _message_id(given: Any) -> str | None:
    # A whole number is one however it is written: 10 or 10.0.
    is_whole = isinstance(given, int) and not isinstance(given, bool) or isinstance(given, float) and given.is_integer()
    if is_whole:
        given = str(int(given))
    if given is not None and not (isinstance(given, str) and 0 < len(given) <= MAX_ID_CHARS):
        raise wrong_value("message_id", given, f"a text of 1 to {MAX_ID_CHARS} characters")
    return given


def _sender(given: Any, identity: Identity | None) -> str:
    """SECURITY: on a guarded webhook the role `user` speaks for himself alone."""
    if isinstance(given, bool) or not (given is None or isinstance(given, (str, int, float))):
        raise wrong_value("sender", given, "a text")
    own = identity.name if identity is not None and identity.role == "user" else None
    sender = (own or DEFAULT_SENDER_ID) if given is None or given == "" else str(given)
    if own is not None and sender != own:
        message = "User has insufficient permissions: 'sender' must be his own name."
        details = {"parameter": "sender", "in": "body"}
        raise ErrorResponse(HTTPStatus.FORBIDDEN, "NotAuthorized", message, details)
    return sender
