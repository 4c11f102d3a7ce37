"""What enters and leaves a turn: user messages in; bot responses out, as the messages a channel sends."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from botapi.names import DEFAULT_SENDER_ID
from botapi.state.events import BotUttered


class Output(Protocol):
    """Where the responses of a turn go; `name` chooses between channel-specific variations."""

    name: str

    def send(self, recipient_id: str, response: Mapping[str, Any]) -> None:
        """Send one response: keys text, buttons, quick_replies, elements, image, attachment, custom, and metadata."""


def response_of(event: BotUttered) -> dict[str, Any]:
    """What an output is to send for an event: text, data and metadata as one response."""
    response = {**event.data, "text": event.text, "timestamp": event.timestamp, **event.metadata}
    # Events keep an image as attachment too; it is sent once.
    if response.get("image") == response.get("attachment"):
        response["attachment"] = None
    return response


def parts(recipient_id: str, response: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Split a response into messages of one kind each, in the order in which Rasa 3.6 sends them.

    Text comes first, split at blank lines unless buttons belong to it; then custom, image, attachment, elements.
    Each message is `{"recipient_id": id, ...}` with the keys text (and buttons), custom, image or attachment.
    Nothing is sent for empty values.
    """
    text = response.get("text")
    buttons = response.get("quick_replies") or response.get("buttons")
    if buttons:
        yield _text_with_buttons(recipient_id, text, buttons)
    elif text:
        for paragraph in str(text).strip().split("\n\n"):
            yield {"recipient_id": recipient_id, "text": paragraph}
    for kind in ("custom", "image", "attachment"):
        if response.get(kind):
            yield {"recipient_id": recipient_id, kind: response[kind]}
    elements = response.get("elements")
    for element in elements if isinstance(elements, (list, tuple)) else ():
        # NOTE: an action server may put anything into `elements`; only mappings can be shown.
        if isinstance(element, Mapping):
            title = f"{element.get('title', '')} : {element.get('subtitle', '')}"
            yield _text_with_buttons(recipient_id, title, element.get("buttons", []))


def _text_with_buttons(recipient_id: str, text: Any, buttons: Any) -> dict[str, Any]:
    message = {"recipient_id": recipient_id, "text": text, "buttons": buttons}
    return {key: value for key, value in message.items() if value is not None}


class CollectingOutput:
    """Keeps what would be sent in `messages`, in order."""

    def __init__(self, name: str = "collector") -> None:
        self.name = name
        self.messages: list[dict[str, Any]] = []

    def send(self, recipient_id: str, response: Mapping[str, Any]) -> None:
        self.messages.extend(parts(recipient_id, response))


@dataclass
class UserMessage:
    """What a user wrote, and where the answers go.

    `text` is stripped, as in Rasa. `message_id` is 32 hex digits unless the channel knows one, which `has_own_id` says.
    `parse_data`, where given, is used in place of the model's understanding of the text.
    """

    text: str | None
    sender_id: str = DEFAULT_SENDER_ID
    input_channel: str | None = "rest"
    output: Output = field(default_factory=CollectingOutput)
    message_id: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    parse_data: dict[str, Any] | None = None

    has_own_id: bool = field(init=False)

    def __post_init__(self) -> None:
        if self.text is not None:
            self.text = self.text.strip()
        self.has_own_id = self.message_id is not None
        self.message_id = uuid.uuid4().hex if self.message_id is None else str(self.message_id)
        self.sender_id = str(self.sender_id)
