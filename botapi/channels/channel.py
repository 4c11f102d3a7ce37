"""What a channel is: credentials in; the endpoints it answers, and where its responses can be sent at any time, out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from botapi.names import DEFAULT_SENDER_ID
from botapi.state.messages import Output, UserMessage
from botapi.web.api import Api, Endpoint
from botapi.web.request import Request, wrong_value
from botapi.web.response import Response, json_response


class Channel(Protocol):
    """A way for users to reach the bot; made from its section of credentials.yml."""

    name: str

    def endpoints(self) -> Sequence[Endpoint]:
        """The endpoints of the channel, below `/webhooks/<name>/`."""

    def output(self) -> Output | None:
        """Where responses go that belong to no request, such as reminders; None where there is no such way."""

    def close(self) -> None:
        """Finish what was begun; the server stops."""


_OK = json_response({"status": "ok"})


def health(api: Api, request: Request) -> Response:
    """Say that the channel is there."""
    return _OK


def user_message(body: Mapping[str, Any], channel: str, output: Output) -> UserMessage:
    """The message of a body {sender, message, input_channel, metadata}; InputError names the key that is wrong."""
    text = body.get("message")
    if not isinstance(text, str):
        raise wrong_value("message", text, "a text")
    sender = body.get("sender")
    if sender is None or sender == "":
        sender = DEFAULT_SENDER_ID
    elif isinstance(sender, bool) or not isinstance(sender, (str, int, float)):
        raise wrong_value("sender", sender, "a text")
    metadata = body.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise wrong_value("metadata", metadata, "an object")
    input_channel = body.get("input_channel") or channel
    if not isinstance(input_channel, str):
        raise wrong_value("input_channel", input_channel, "a text")
    return UserMessage(text, str(sender), input_channel, output, metadata=metadata or {})
