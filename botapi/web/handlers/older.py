"""Handlers of paths that rasa_core 0.12 and 0.14 had and Rasa 3 has not: queries and events in; their answers out."""

from __future__ import annotations

from typing import Any

from botapi.errors import InputError
from botapi.state.messages import CollectingOutput, UserMessage
from botapi.state.tracker import Verbosity
from botapi.web.api import Api
from botapi.web.parameters import event_verbosity_parameter, listed_events
from botapi.web.request import Request, wrong_value
from botapi.web.response import Response, json_response


def ask(api: Api, request: Request, conversation_id: str) -> Response:
    """Answer the message `query` (or `q`) of the query string."""
    if request.method == "HEAD":  # a look must not be a turn
        return json_response([])
    return answered(api, request.query("query") or request.query("q"), "query", conversation_id)


def respond(api: Api, request: Request, conversation_id: str) -> Response:
    """Answer the message `query` (or `q`) of the body."""
    body = request.json()
    return answered(api, body.get("query", body.get("q")), "body", conversation_id)


def answered(api: Api, text: Any, place: str, conversation_id: str) -> Response:
    """What the bot says to a text, as a list of messages."""
    if text is None:
        raise InputError(
            "Missing the message parameter: send a text as 'query'.", details={"parameter": "query", "in": place}
        )
    if not isinstance(text, str):
        raise wrong_value("query", text, "a text")
    collector = CollectingOutput()
    api.agent.handle(UserMessage(text, conversation_id, None, collector))
    return json_response(collector.messages)


def predict(api: Api, request: Request) -> Response:
    """The scores of all actions after a list of events, in the order of the domain; nothing is stored."""
    events = listed_events(request)
    verbosity = event_verbosity_parameter(request, Verbosity.AFTER_RESTART)
    conversation = api.agent.imagine(events)
    found = conversation.prediction(verbosity)
    scores = {one["action"]: one for one in found["scores"]}
    return json_response(
        {
            "scores": [scores[name] for name in conversation.bot.domain.action_names],
            "policy": found["policy"],
            "tracker": found["tracker"],
        }
    )


def parse(api: Api, request: Request) -> Response:
    """Intent and entities of the text `q`."""
    text = request.json().get("q")
    if not isinstance(text, str):
        raise wrong_value("q", text, "a text")
    return json_response(api.agent.parse(text))
