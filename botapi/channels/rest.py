"""The REST channel: {sender, message} in; the bot's messages as one list out, or one by one while the turn runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from botapi.channels.channel import Credentials, Host, health, is_guarded, user_message
from botapi.channels.inclusions import answer_with
from botapi.channels.turns import Turns
from botapi.state.messages import CollectingOutput, Output, UserMessage, parts
from botapi.state.tracker import Verbosity
from botapi.web.api import Api, Endpoint
from botapi.web.parameters import event_verbosity_parameter
from botapi.web.request import Request
from botapi.web.response import EVENT_STREAM, event_stream_response, json_response, stream_response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class RestChannel:
    """`POST /webhooks/rest/webhook` answers with a list of messages.

    With `?include=` it is an object that tells more. With `Accept: text/event-stream` each message is an event that is
    sent when the bot said it, with `?stream=true` a line of JSON.
    """

    def __init__(self, name: str, credentials: Credentials, host: Host) -> None:
        self.name = name
        self._is_guarded = is_guarded(name, credentials, host)
        self._turns = host.turns

    def endpoints(self) -> Sequence[Endpoint]:
        prefix, public = f"/webhooks/{self.name}", not self._is_guarded
        return [
            Endpoint("GET", f"{prefix}/", health, public=True),
            Endpoint("POST", f"{prefix}/webhook", self.receive, needs="agent", public=public, by_sender=True),
        ]

    def output(self) -> Output | None:
        return None

    def forget(self, conversation_id: str) -> None:
        return None

    def close(self) -> None:
        return None

    def receive(self, api: Api, request: Request) -> WSGIApplication:
        """Answer a user's message."""
        # A wrong value is refused even where it would have no effect.
        verbosity = event_verbosity_parameter(request, Verbosity.AFTER_RESTART)
        include = request.query("include")
        if include is not None:
            return answer_with(api, request, include, verbosity, self.name)
        wants_events = request.accepts(EVENT_STREAM)
        if wants_events or request.flag("stream"):
            output = QueueOutput()
            message = user_message(request, self.name, output)
            messages = self._streamed(api, message, output)
            if wants_events:
                return event_stream_response(messages, str(message.message_id))
            return stream_response(messages)
        collector = CollectingOutput()
        api.agent.handle(user_message(request, self.name, collector))
        return json_response(collector.messages)

    def _streamed(self, api: Api, message: UserMessage, output: QueueOutput) -> Iterator[dict[str, Any]]:
        return drained(output, lambda: api.agent.handle(message), self._turns, message.sender_id)


class QueueOutput:
    """Puts what the bot says on a queue, message by message; None ends it, an exception says how the turn failed."""

    name = "queue"

    def __init__(self) -> None:
        self.queue: SimpleQueue[dict[str, Any] | BaseException | None] = SimpleQueue()

    def send(self, recipient_id: str, response: Mapping[str, Any]) -> None:
        for part in parts(recipient_id, response):
            self.queue.put(part)


def drained(
    output: QueueOutput, turn: Callable[[], None], turns: Turns, conversation_id: str
) -> Iterator[dict[str, Any]]:
    """Run a turn in the background and give its messages as they come.

    The turn runs to its end whoever listens. What fails before the first message is raised at once, so that the
    answer can still be an error; later failures break the stream off. Raises Busy when `turns` has no place.
    """

    def run() -> None:
        try:
            turn()
            output.queue.put(None)
        except BaseException as error:  # carried over to the thread that listens, which raises it
            output.queue.put(error)

    turns.start(conversation_id, run)
    messages = _messages(output)
    first = next(messages, None)
    return chain([first], messages) if first is not None else iter(())


def _messages(output: QueueOutput) -> Iterator[dict[str, Any]]:
    while (item := output.queue.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item
