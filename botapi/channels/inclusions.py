"""What an answer may hold beside messages: `?include=` and a message in; one object with all of it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botapi.agent.conversation import Conversation
from botapi.channels.channel import user_message
from botapi.errors import InputError
from botapi.state.events import ActionExecuted, UserUttered
from botapi.state.messages import CollectingOutput
from botapi.state.tracker import Verbosity
from botapi.web.api import Api
from botapi.web.request import Request
from botapi.web.response import Response, json_response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def parse_data(conversation: Conversation, verbosity: Verbosity) -> dict[str, Any]:
    """What the message was understood as."""
    return conversation.tracker.latest_message.parse_data


def tracker(conversation: Conversation, verbosity: Verbosity) -> dict[str, Any]:
    """The conversation after the turn."""
    return conversation.tracker.current_state(verbosity, session=True)


def predictions(conversation: Conversation, verbosity: Verbosity) -> list[dict[str, Any]]:
    """The actions since the message, each with the policy that chose it and how sure that was."""
    found = []
    for event in reversed(conversation.tracker.events):
        if isinstance(event, UserUttered):
            break
        if isinstance(event, ActionExecuted):
            action = event.name or event.action_text
            found.append({"action": action, "policy": event.policy, "confidence": event.confidence})
    return found[::-1]


INCLUSIONS: Mapping[str, Callable[[Conversation, Verbosity], Any]] = {
    "parse": parse_data,
    "tracker": tracker,
    "policy": predictions,
}


def answer_with(api: Api, request: Request, include: str, verbosity: Verbosity, channel: str) -> WSGIApplication:
    """Have the message of a request answered with {"messages": …} and what `include` names, all of one moment.

    `verbosity` says which events a tracker shows.

    SECURITY: this is what the API tells, so who asks must be one whom it would tell this conversation.
    """
    names = [name.strip() for name in include.split(",") if name.strip()]
    if not names or not set(names) <= set(INCLUSIONS):
        raise InputError(
            f"Invalid parameter value for 'include'. Should be some of {', '.join(INCLUSIONS)}, with commas between.",
            details={"parameter": "include", "in": "query"},
        )
    collector = CollectingOutput()
    message = user_message(request, channel, collector)

    def included(conversation: Conversation) -> dict[str, Any]:
        return {name: INCLUSIONS[name](conversation, verbosity) for name in names}

    def answer(api: Api, request: Request, conversation_id: str) -> Response:
        found = api.agent.handle(message, included)
        return json_response({"messages": collector.messages, **found})

    request.environ["wsgiorg.routing_args"] = ((), {"conversation_id": message.sender_id})
    return api.guard(api.application(answer))
