"""The REST channel: {sender, message} in; the bot's messages as one list out, or as lines while the turn runs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import copy_context
from itertools import chain
from queue import SimpleQueue
from typing import Any

from botapi.channels.channel import health, user_message
from botapi.errors import Busy
from botapi.state.messages import CollectingOutput, Output, parts
from botapi.web.api import Api, Endpoint
from botapi.web.request import Request
from botapi.web.response import Response, json_response, stream_response

logger = logging.getLogger(__name__)

# Turns whose listener has left still run to their end: this many may run beside the server's own threads.
STREAMED_TURNS = 100
CLOSING_S = 10.0


class RestChannel:
    """`POST /webhooks/rest/webhook`; with `?stream=true` one JSON object a line, each sent when the bot said it."""

    def __init__(self, name: str = "rest", *, streamed_turns: int = STREAMED_TURNS) -> None:
        self.name = name
        self._streamed_turns = streamed_turns
        self._places = threading.BoundedSemaphore(streamed_turns)

    def endpoints(self) -> Sequence[Endpoint]:
        prefix = f"/webhooks/{self.name}"
        return [
            Endpoint("GET", f"{prefix}/", health, public=True),
            Endpoint("POST", f"{prefix}/webhook", self.receive, needs="agent", public=True),
        ]

    def output(self) -> Output | None:
        return None

    def close(self) -> None:
        """Let no more turns be streamed, and wait for those that still run, for 10 seconds at most."""
        deadline = time.monotonic() + CLOSING_S
        for left in range(self._streamed_turns, 0, -1):
            if not self._places.acquire(timeout=max(0.0, deadline - time.monotonic())):
                logger.error("Up to %d streamed turns still ran when the server stopped.", left)
                return

    def receive(self, api: Api, request: Request) -> Response:
        """Answer a user's message."""
        body = request.json()
        if request.flag("stream"):
            output = QueueOutput()
            message = user_message(body, self.name, output)
            return stream_response(drained(output, lambda: api.agent.handle(message), self._places))
        collector = CollectingOutput()
        api.agent.handle(user_message(body, self.name, collector))
        return json_response(collector.messages)


class QueueOutput:
    """Puts what the bot says on a queue, message by message; None ends it, an exception says how the turn failed."""

    name = "queue"

    def __init__(self) -> None:
        self.queue: SimpleQueue[dict[str, Any] | BaseException | None] = SimpleQueue()

    def send(self, recipient_id: str, response: Mapping[str, Any]) -> None:
        for part in parts(recipient_id, response):
            self.queue.put(part)


def drained(
    output: QueueOutput, turn: Callable[[], None], places: threading.BoundedSemaphore
) -> Iterator[dict[str, Any]]:
    """Run a turn in a thread of its own and give its messages as they come.

    The turn runs to its end whoever listens. What fails before the first message is raised at once, so that the
    answer can still be an error; later failures break the stream off. Raises Busy when none of `places` is free.
    """
    if not places.acquire(blocking=False):
        raise Busy("All places for streamed turns are taken; try again in a second.")

    def run() -> None:
        try:
            turn()
            output.queue.put(None)
        except BaseException as error:  # carried over to the thread that listens, which raises it
            output.queue.put(error)
        finally:
            places.release()

    try:
        threading.Thread(target=copy_context().run, args=(run,), name="turn").start()
    except RuntimeError:  # the system has no more threads
        places.release()
        raise
    messages = _messages(output)
    first = next(messages, None)
    return chain([first], messages) if first is not None else iter(())


def _messages(output: QueueOutput) -> Iterator[dict[str, Any]]:
    while (item := output.queue.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item
