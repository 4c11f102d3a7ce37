"""Dates, amounts and the like (`DucklingEntityExtractor`): a message in, what a Duckling server finds in it out."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from botapi.data.examples import TrainingData
from botapi.errors import ConfigError
from botapi.nlu.component import Training
from botapi.nlu.local import require_named
from botapi.nlu.message import Message
from botapi.outbound import Endpoint, Outbound, OutboundError, read_endpoint

log = logging.getLogger(__name__)

NAME = "DucklingEntityExtractor"
URL_VARIABLE = "RASA_DUCKLING_HTTP_URL"
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}


class DucklingEntityExtractor:
    """Asks the server at `url`, or rather at RASA_DUCKLING_HTTP_URL where that is set, about each message.

    `dimensions` (all), `locale`, `timezone` and `timeout` (seconds) are those of Rasa 3.6. A server without a usable
    answer costs its entities and a line in the log.
    """

    OPTIONS: Mapping[str, Any] = {"url": None, "dimensions": [], "locale": None, "timezone": None, "timeout": 3.0}

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._server = _server(options)
        self._outbound = Outbound()
        self._dimensions = options["dimensions"]
        if not all(isinstance(name, str) for name in self._dimensions):
            raise ConfigError(f"Option 'dimensions' of {NAME} is {self._dimensions!r}; expected a list of names")
        dimensions = json.dumps(self._dimensions or None)
        settings = {"locale": options["locale"], "tz": options["timezone"], "dims": dimensions}
        self._settings = {key: value for key, value in settings.items() if value is not None}

    @classmethod
    def train(cls, options: Mapping[str, Any], data: TrainingData, training: Training) -> DucklingEntityExtractor:
        extractor = cls(options)
        if extractor._server is None:
            training.report(f"{NAME} has no effect: neither its url nor {URL_VARIABLE} says where Duckling is")
        return extractor

    @classmethod
    def load(cls, options: Mapping[str, Any], members: Mapping[str, bytes]) -> DucklingEntityExtractor:
        return cls(options)

    def save(self) -> dict[str, bytes]:
        return {}

    def process(self, message: Message) -> None:
        if self._server is None:
            return
        try:
            found = self._ask(self._server, message.text)
        except OutboundError as error:
            log.error("%s finds nothing: %s", NAME, error)
            return
        message.add_entities(one for one in found if not self._dimensions or one["entity"] in self._dimensions)

    def _ask(self, server: Endpoint, text: str) -> list[dict[str, Any]]:
        """The entities of a text; OutboundError where the server has none to give."""
        form = {"text": text, **self._settings, "reftime": int(time.time()) * 1000}
        # Half of a surrogate pair has no UTF-8; whatever takes its place is one character, too, so offsets stay right.
        data = urlencode(form, errors="replace").encode()
        answer = self._outbound.request("POST", server, data=data, headers=FORM)
        if answer.status != 200:
            raise OutboundError(f"{server.shown} answered with status {answer.status}, expected 200.")
        try:
            matches = json.loads(answer.body)
        except (ValueError, RecursionError):
            matches = None
        if not isinstance(matches, list) or not all(_is_match(one, len(text)) for one in matches):
            # SECURITY: not the answer itself, which holds words of the message.
            raise OutboundError(f"{server.shown} answered something else than Duckling's list of matches.")
        return [_as_entity(match) for match in matches]


def _server(options: Mapping[str, Any]) -> Endpoint | None:
    url = os.environ.get(URL_VARIABLE)
    if not url:
        url = options["url"]
        if not url:
            return None
        require_named(url, "The Duckling server")
    return read_endpoint({"url": url, "timeout": options["timeout"]}, NAME).at("parse")


def _is_match(match: Any, length: int) -> bool:
    if not (isinstance(match, dict) and isinstance(match.get("dim"), str) and isinstance(match.get("value"), dict)):
        return False
    start, end = match.get("start"), match.get("end")
    return isinstance(start, int) and isinstance(end, int) and 0 <= start <= end <= length


def _as_entity(match: Mapping[str, Any]) -> dict[str, Any]:
    """A match of Duckling in the shape of Rasa 3.6."""
    value = match["value"]
    is_interval = value.get("type") == "interval"
    return {
        "start": match["start"],
        "end": match["end"],
        "text": match.get("body", match.get("text")),
        "value": {side: _inner(value.get(side)) for side in ("to", "from")} if is_interval else _inner(value),
        "confidence": 1.0,
        "additional_info": value,
        "entity": match["dim"],
        "extractor": NAME,
    }


def _inner(value: Any) -> Any:
    return value.get("value") if isinstance(value, dict) else None
