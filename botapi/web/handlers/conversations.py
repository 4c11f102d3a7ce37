"""Handlers of `/conversations/{conversation_id}/…`: events, intents, messages in; trackers, stories, scores out."""

from __future__ import annotations

from typing import Any

from botapi.errors import InputError, NotFound
from botapi.state.eventchecks import check_parse_data
from botapi.state.messages import CollectingOutput, Output, UserMessage
from botapi.state.tracker import Tracker, Verbosity
from botapi.web.api import Api
from botapi.web.parameters import (
    event_verbosity_parameter,
    listed_events,
    optional_number,
    optional_text,
    output_of,
    required_text,
    some_events,
    update_conversation_with_events,
    validate_request_body,
)
from botapi.web.request import Request, wrong_value
from botapi.web.response import Response, empty_response, json_response, text_response
from botapi.web.stories import get_test_stories

# Says what an exported object is; a later version that reads differently gets another number.
EXPORT_FORMAT = "botapi.conversation/1"


def shown(tracker: Tracker, verbosity: Verbosity) -> Response:
    """The answer with the latest session of a tracker."""
    return json_response(tracker.current_state(verbosity, session=True))


def shown_with(output: Output, tracker: Tracker, verbosity: Verbosity) -> Response:
    """The answer {"tracker": …}, with the "messages" of an output that collected them for it."""
    answer: dict[str, Any] = {"tracker": tracker.current_state(verbosity, session=True)}
    if isinstance(output, CollectingOutput):
        answer["messages"] = output.messages
    return json_response(answer)


def retrieve_tracker(api: Api, request: Request, conversation_id: str) -> Response:
    """The tracker with all sessions; a conversation that is not known yet is shown as it would begin."""
    verbosity = event_verbosity_parameter(request, Verbosity.AFTER_RESTART)
    until = request.number("until")
    with api.agent.look(conversation_id) as tracker:
        if until is not None:
            return json_response(tracker.until(until).current_state(verbosity))
        return json_response(tracker.current_state(verbosity, settled=True))


def append_events(api: Api, request: Request, conversation_id: str) -> Response:
    """Append the posted event or events; with `execute_side_effects` what the bot says in them is sent."""
    events = some_events(request)
    verbosity = event_verbosity_parameter(request, Verbosity.AFTER_RESTART)
    with api.agent.conversation(conversation_id) as conversation:
        tracker = update_conversation_with_events(conversation_id, conversation, conversation.bot.domain, events)
        if request.flag("execute_side_effects"):
            conversation.take_effect(events, output_of(request, api.agent, tracker))
        return shown(tracker, verbosity)


def replace_events(api: Api, request: Request, conversation_id: str) -> Response:
    """Make the posted list the whole history of the conversation."""
    events = listed_events(request)
    verbosity = event_verbosity_parameter(request, Verbosity.AFTER_RESTART)
    return json_response(api.agent.replace_events(conversation_id, events, verbosity))


def retrieve_story(api: Api, request: Request, conversation_id: str) -> Response:
    """The conversation as a test story in YAML."""
    story = get_test_stories(
        api.agent, conversation_id, request.number("until"), fetch_all_sessions=request.flag("all_sessions")
    )
    return text_response(story)


def execute_action(api: Api, request: Request, conversation_id: str) -> Response:
    """Run one action by name, as if a policy had predicted it."""
    body = request.json()
    name = required_text(body, "name", "action")
    verbosity = event_verbosity_parameter(request, Verbosity.AFTER_RESTART)
    policy, confidence = optional_text(body, "policy"), optional_number(body, "confidence")
    with api.agent.conversation(conversation_id) as conversation:
        output = output_of(request, api.agent, conversation.tracker)
        conversation.execute(name, policy, confidence, output)
        return shown_with(output, conversation.tracker, verbosity)


def trigger_intent(api: Api, request: Request, conversation_id: str) -> Response:
    """Take an intent as if the user had expressed it, and answer."""
    body = request.json()
    name = required_text(body, "name", "intent")
    verbosity = event_verbosity_parameter(request, Verbosity.AFTER_RESTART)
    with api.agent.conversation(conversation_id) as conversation:
        output = output_of(request, api.agent, conversation.tracker)
        conversation.trigger(name, body.get("entities"), output)
        return shown_with(output, conversation.tracker, verbosity)


def predict(api: Api, request: Request, conversation_id: str) -> Response:
    """The scores of all actions as the next one; nothing is run."""
    with api.agent.conversation(conversation_id) as conversation:
        conversation.update_session(CollectingOutput())
        return json_response(conversation.prediction(Verbosity.AFTER_RESTART))


def add_message(api: Api, request: Request, conversation_id: str) -> Response:
    """Record a user message, with its entities and slots, without answering it."""
    validate_request_body(
        request,
        "No message defined in request body. Add a message to the request body in order to add it to the tracker.",
    )
    body = request.json()
    verbosity = event_verbosity_parameter(request, Verbosity.AFTER_RESTART)
    if body.get("sender") != "user":
        raise InputError(
            "Currently, only user messages can be passed to this endpoint. "
            f"Messages of sender '{body.get('sender')}' cannot be handled.",
            details={"parameter": "sender", "in": "body"},
        )
    message = message_of(body, conversation_id)
    with api.agent.conversation(conversation_id) as conversation:
        conversation.hear(message)
        return shown(conversation.tracker, verbosity)


def export(api: Api, request: Request, conversation_id: str) -> Response:
    """All events as they are stored, in an object that `PUT …/tracker/events` takes back, here or elsewhere."""
    events = api.agent.stored(conversation_id)
    if not events and not api.agent.exists(conversation_id):
        raise NotFound("Conversation ID not found.")
    found = {"format": EXPORT_FORMAT, "sender_id": conversation_id, "events": events}
    return json_response(found, headers=[("Content-Disposition", 'attachment; filename="conversation.json"')])


def erase(api: Api, request: Request, conversation_id: str) -> Response:
    """Keep nothing of a conversation anywhere: events, reminders, messages on their way, answers kept for retries."""
    existed = api.agent.erase(conversation_id)
    for forget in api.erasers:
        forget(conversation_id)
    if not existed:
        raise NotFound("Conversation ID not found.")
    return empty_response()


def message_of(body: dict[str, Any], conversation_id: str) -> UserMessage:
    """The user message of a body {text, parse_data, …}; one of the two must be there."""
    text, parse_data = body.get("text"), body.get("parse_data")
    if not isinstance(text, str) and not (text is None and parse_data):
        raise wrong_value("text", text, "a text")
    if parse_data not in (None, {}):
        check_understood(parse_data)
    return UserMessage(text, conversation_id, None, CollectingOutput(), parse_data=parse_data or None)


def check_understood(parse_data: Any) -> None:
    """Raise InputError unless a value looks like what understanding a text results in."""
    parts = (("intent", dict), ("entities", list))
    if not isinstance(parse_data, dict) or not all(isinstance(parse_data.get(key), kind) for key, kind in parts):
        raise wrong_value("parse_data", parse_data, "an object with 'intent' and a list of 'entities'")
    try:
        check_parse_data(parse_data)
    except InputError as error:
        raise InputError(error.message, details={"parameter": "parse_data", "in": "body"}) from error
