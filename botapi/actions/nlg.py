"""Responses of an NLG server: a response's name and the conversation out as JSON, the response to say in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botapi.actions.action import Response, Say, Turn
from botapi.actions.remote import BadAnswer, failure, json_value
from botapi.actions.responses import Responses
from botapi.errors import ConfigError
from botapi.outbound import Endpoint, Outbound, OutboundError
from botapi.state.tracker import Verbosity

# Key of a response -> what its value may be; `text` and `custom` may not be null.
KINDS: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "id": (str, type(None)),
    "buttons": (list, type(None)),
    "elements": (list, type(None)),
    "attachment": (dict, type(None)),
    "image": (str, type(None)),
    "custom": (dict,),
}


class NlgServer:
    """The server that words responses, in place of the domain's texts (Rasa's CallbackNaturalLanguageGenerator)."""

    def __init__(self, endpoint: Endpoint, outbound: Outbound) -> None:
        self.endpoint = endpoint
        self._outbound = outbound

    def __call__(self, name: str, turn: Turn, arguments: Mapping[str, Any]) -> Response:
        """Ask for a response; its id is that of the domain's variation that would be said.

        Raises ActionFailed for an answer that is no response.
        """
        tracker = turn.tracker
        call = {
            "response": name,
            "id": Responses(turn.domain.responses).variation_id(name, tracker.slots, turn.channel),
            "arguments": dict(arguments),
            "tracker": tracker.current_state(Verbosity.ALL, session=True),
            "channel": {"name": turn.channel},
        }
        try:
            answer = self._outbound.post(self.endpoint, json=call)
            return _read_response(json_value(answer))
        except (OutboundError, BadAnswer) as error:
            raise failure(f"The response '{name}'", self.endpoint, error) from error


def _read_response(value: Any) -> Response:
    if not isinstance(value, dict):
        raise BadAnswer(f'its answer is {type(value).__name__}; expected an object such as {{"text": "Hello"}}')
    for key, kinds in KINDS.items():
        if key not in value:
            continue
        found = value[key]
        if not isinstance(found, kinds) or (
            isinstance(found, list) and not all(isinstance(item, dict) for item in found)
        ):
            raise BadAnswer(f"the '{key}' of its response is {found!r:.100}, which does not fit there")
    return value


def generator(endpoint: Endpoint | None, outbound: Outbound) -> Say | None:
    """Who words responses, by the section `nlg` of endpoints.yml; None: the domain. Raises ConfigError."""
    if endpoint is None:
        return None
    kind = str(endpoint.options.get("type", endpoint.options.get("store_type", "callback")))
    if kind.lower() == "callback":
        return NlgServer(endpoint, outbound)
    if kind.lower() == "response":
        return None
    raise ConfigError(f"nlg: type {kind!r} is not known; expected callback (a server's url) or response (the domain).")
