"""Custom actions: tracker and domain out to the action server of rasa-sdk as JSON, events and responses in."""

from __future__ import annotations

import json
import logging
import re
import zlib
from typing import Any

from botapi import telemetry
from botapi.actions.action import ActionFailed, ActionRejected, Response, Runner, Turn, bot_uttered
from botapi.errors import BotError, InputError
from botapi.outbound import Answer, Endpoint, Outbound, OutboundError
from botapi.state.domain import Domain
from botapi.state.events import Event, from_dict
from botapi.state.tracker import Tracker, Verbosity

log = logging.getLogger(__name__)

# The version of Rasa whose protocol this is: rasa-sdk compares it with its own, and only warns.
PROTOCOL_VERSION = "3.6.21"
# Events of newer versions of rasa-sdk that have no meaning here.
NEWER_EVENTS = ("session_ended",)
REJECTED, NEEDS_DOMAIN = 400, 449
_JSON_TYPE = re.compile(r"application/(?:[\w.+-]+\+)?json\s*(?:;|$)", re.IGNORECASE)


class BadAnswer(BotError):
    """A server answered, but not as the protocol wants it."""


class ActionServer:
    """The server that runs custom actions.

    With the endpoint's option `enable_selective_domain` the domain travels only to actions that want it
    (`send_domain: true`, and `validate_…`). With `is_compressed`, requests are sent deflated.
    """

    def __init__(self, endpoint: Endpoint, outbound: Outbound, *, is_compressed: bool = False) -> None:
        self.endpoint = endpoint
        self._outbound = outbound
        self._is_compressed = is_compressed
        self._is_selective = str(endpoint.options.get("enable_selective_domain", False)).lower() == "true"

    def run(self, name: str, tracker: Tracker, domain: Domain) -> tuple[list[Event], list[Response]]:
        """Run an action there: its events, and the responses it wants to be said.

        Raises ActionRejected where the server answers 400, ActionFailed for whatever else is no proper answer.
        """
        call = action_call(name, tracker)
        if not self._is_selective or domain.needs_domain(name):
            call["domain"] = domain.as_dict()
        try:
            answer = self._post(call)
            if answer.status == NEEDS_DOMAIN and "domain" not in call:
                answer = self._post({**call, "domain": domain.as_dict()})
            if answer.status == REJECTED:
                raise _rejection(name, answer)
            return read_result(name, json_value(answer))
        except (OutboundError, BadAnswer) as error:
            raise failure(f"The action '{name}'", self.endpoint, error) from error

    def _post(self, call: dict[str, Any]) -> Answer:
        if not self._is_compressed:
            return self._outbound.post(self.endpoint, json=call)
        headers = {"Content-Type": "application/json", "Content-Encoding": "deflate"}
        data = zlib.compress(json.dumps(call).encode())
        return self._outbound.request("POST", self.endpoint, data=data, headers=headers)


def action_call(name: str, tracker: Tracker) -> dict[str, Any]:
    """What an action server is asked, but for the domain."""
    return {
        "next_action": name,
        "sender_id": tracker.sender_id,
        "tracker": tracker.current_state(Verbosity.ALL, session=True),
        "version": PROTOCOL_VERSION,
    }


class RemoteAction:
    """A custom action, which `server` runs: an action server, or a module of this process."""

    def __init__(self, name: str, server: Runner | None) -> None:
        self.name = name
        self._server = server

    def run(self, turn: Turn) -> list[Event]:
        """Messages first, then the action's own events, as in Rasa 3.6."""
        if self._server is None:
            raise ActionFailed(
                f"The custom action '{self.name}' can't run: no action server is configured. "
                "Name it in endpoints.yml, as `action_endpoint: {url: http://localhost:5055/webhook}`, "
                "or a module of actions, as `action_endpoint: {actions_module: actions}`."
            )
        with telemetry.action_s.attempt(self.name):
            events, responses = self._server.run(self.name, turn.tracker, turn.domain)
        said = [message for response in responses if (message := _utter(response, turn)) is not None]
        return [*said, *events]


def _utter(response: Response, turn: Turn) -> Event | None:
    """The message of a response of the action server.

    A named response of the domain is filled first, with the other keys as variables; what the action gives itself then
    comes in its place, save for buttons, which are added. None where the domain has no such response.
    """
    given = dict(response)
    # rasa-sdk 1.x sends the name as `template` only.
    name = given.pop("response", None) or response.get("template")
    message: Response = {}
    if name:
        found = turn.say(name, given)
        if not found:
            log.error("The action server asked for the response '%s', which the domain does not have.", name)
            return None
        message = {**found, "utter_action": name}
    buttons = given.pop("buttons", None)
    if buttons:
        message["buttons"] = [*(message.get("buttons") or ()), *buttons]
    message.update((key, value) for key, value in given.items() if value)
    return bot_uttered(message)


def json_value(answer: Answer) -> Any:
    """The answer's JSON value; OutboundError for any other kind of answer, BadAnswer for an error status."""
    if not 200 <= answer.status < 300:
        raise BadAnswer(f"it answered {answer.status}: {_excerpt(answer)}")
    kind = answer.headers.get("Content-Type", "")
    if not _JSON_TYPE.match(kind):
        raise BadAnswer(f"its answer has the type {kind!r}; expected application/json")
    return answer.json()


def _excerpt(answer: Answer) -> str:
    """What a server says of an error: the `error` of a JSON object, else the beginning of the body."""
    try:
        value = answer.json()
    except OutboundError:
        value = None
    text = value.get("error") if isinstance(value, dict) else None
    return " ".join(str(text or answer.body[:200].decode(errors="replace")).split()) or "(empty body)"


def _rejection(name: str, answer: Answer) -> Exception:
    value = answer.json()
    if not isinstance(value, dict) or "action_name" not in value:
        return BadAnswer("it answered 400 without the key 'action_name', so it is no rejection")
    log.info("The action server rejected to run '%s': %s", name, value.get("error"))
    return ActionRejected(str(value["action_name"]), value.get("error"))


def read_result(name: str, result: Any) -> tuple[list[Event], list[Response]]:
    """Check and read `{"events": [...], "responses": [...]}`; both may be missing, but not null. Raises BadAnswer."""
    if not isinstance(result, dict):
        raise BadAnswer(f"its answer is {type(result).__name__}; expected an object with events and responses")
    found, responses = result.get("events", []), result.get("responses", [])
    for key, value in (("events", found), ("responses", responses)):
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise BadAnswer(f"its '{key}' are no list of objects")
    for response in responses:
        for key, kind in (("response", str), ("template", str), ("buttons", list)):
            if not isinstance(response.get(key), (kind, type(None))):
                raise BadAnswer(f"a response has the {key} {response[key]!r:.100}, which does not fit there")
    events = []
    for index, item in enumerate(found):
        if item.get("event") in NEWER_EVENTS:
            log.warning("The event '%s' of the action '%s' is unknown here and ignored.", item["event"], name)
            continue
        try:
            events.append(from_dict(item))
        except InputError as error:
            raise BadAnswer(f"its event {index} is wrong: {error}") from error
    return events, responses


def failure(what: str, endpoint: Endpoint, cause: BotError) -> ActionFailed:
    """The error of an action or a response, naming the server and the cause."""
    return ActionFailed(f"{what} failed at {endpoint.shown}: {cause.message.rstrip('.')}. Its events are lost.")
