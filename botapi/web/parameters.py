"""Parameters that several handlers share: requests in; verbosity, events and bodies out, or a 400."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from botapi.agent.agent import Agent
from botapi.agent.conversation import Conversation
from botapi.errors import InputError
from botapi.names import ACTION_SESSION_START
from botapi.state.domain import Domain
from botapi.state.events import ActionExecuted, Event, SessionStarted, from_dicts
from botapi.state.messages import CollectingOutput, Output
from botapi.state.tracker import Tracker, Verbosity
from botapi.web.errors import ErrorResponse
from botapi.web.request import Request, wrong_value


def event_verbosity_parameter(request: Request, default_verbosity: Verbosity) -> Verbosity:
    """The value of `include_events` in any case, or the default where it is missing or empty."""
    value = request.query("include_events")
    if value is None:
        return default_verbosity
    try:
        return Verbosity[value.upper()]
    except KeyError as error:
        names = ", ".join(v.name for v in Verbosity)
        raise InputError(
            f"Invalid parameter value for 'include_events'. Should be one of {names}.",
            details={"parameter": "include_events", "in": "query"},
        ) from error


def validate_request_body(request: Request, error_message: str) -> None:
    """Refuse a request without a body, in the given words."""
    if request.is_empty:
        raise ErrorResponse(HTTPStatus.BAD_REQUEST, "BadRequest", error_message)


def validate_events_in_request_body(request: Request) -> list[Event]:
    """The events of the body: a list of JSON objects, or one alone; a 400 says what is wrong with which."""
    try:
        value = _unwrapped(request.json((dict, list)))
    except InputError as error:
        raise _bad_events(error) from error
    try:
        return from_dicts(value if isinstance(value, list) else [value])
    except InputError as error:
        raise _bad_events(error, error.details) from error


def _unwrapped(value: Any) -> Any:
    """The events of an exported conversation; anything else as it is."""
    is_export = isinstance(value, dict) and "event" not in value and isinstance(value.get("events"), list)
    return value["events"] if is_export else value


def _bad_events(error: InputError, details: dict[str, Any] | None = None) -> ErrorResponse:
    # NOTE: as in Rasa 3.6 there are no details where the body as a whole is not what it should be.
    message = f"Failed to validate the events format. {error.message}"
    return ErrorResponse(HTTPStatus.BAD_REQUEST, "BadRequest", message, details)


def listed_events(request: Request) -> list[Event]:
    """The events of a body that must be a list, or an exported conversation, which has one as "events"."""
    events = validate_events_in_request_body(request)
    if not isinstance(_unwrapped(request.json((dict, list))), list):
        raise InputError(
            "Supplied events are not valid: expected a list of events, found one alone.",
            details={"parameter": "", "in": "body"},
        )
    return events


def some_events(request: Request) -> list[Event]:
    """The events of the body, at least one."""
    events = validate_events_in_request_body(request)
    if not events:
        raise InputError(
            "Couldn't extract a proper event from the request body; expected an event or a list of events.",
            details={"parameter": "", "in": "body"},
        )
    return events


def required_text(body: dict[str, Any], name: str, what: str) -> str:
    """A text of the body that must be there and not be empty; `what` names it in the error."""
    value = body.get(name)
    if value is None or value == "":
        raise InputError(f"Name of the {what} not provided in request body.", details={"parameter": name, "in": "body"})
    return str(value)


def optional_text(body: dict[str, Any], name: str) -> str | None:
    """A text of the body, or None where it is missing or null."""
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise wrong_value(name, value, "a text")
    return value


def optional_number(body: dict[str, Any], name: str) -> float | None:
    """A number of the body, or None where it is missing or null."""
    value = body.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise wrong_value(name, value, "a number")
    return value


def output_of(request: Request, agent: Agent, tracker: Tracker) -> Output:
    """Where `?output_channel=` sends responses: a channel, `latest` for the user's last one, else into the answer."""
    name = request.query("output_channel")
    if name == "latest":
        name = tracker.latest_input_channel
    return (agent.outputs.get(name) if name else None) or CollectingOutput()


def update_conversation_with_events(
    conversation_id: str, processor: Conversation, domain: Domain, events: list[Event]
) -> Tracker:
    """Append events to a conversation, after the events that begin its first session where it has none yet.

    `processor` is the open conversation; nothing else is begun where the events begin a session themselves.
    """
    if not begin_with_session_start(events):
        processor.begin(CollectingOutput())
    processor.tracker.apply_all(events)
    return processor.tracker


def begin_with_session_start(events: list[Event]) -> bool:
    """Whether the events start with `action_session_start` and `session_started`."""
    return (
        len(events) > 1
        and isinstance(events[0], ActionExecuted)
        and events[0].name == ACTION_SESSION_START
        and isinstance(events[1], SessionStarted)
    )
