"""What the JSON objects of events must look like: an object in, InputError with the offending key out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from botapi.errors import InputError

# Rasa 3.6 names the body where an object has the form of an event, but makes none; and nothing where it has not.
WHOLE_BODY = {"parameter": "", "in": "body"}
_KINDS: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "number": (int, float),
    "integer": (int,),
    "object": (dict,),
    "list": (list,),
    "boolean": (bool,),
    "null": (type(None),),
}


def expect(data: Mapping[str, Any], key: str, *kinds: str, where: str = "") -> None:
    """Raise InputError unless `data[key]` is absent or of one of the kinds."""
    if key not in data:
        return
    value = data[key]
    for kind in kinds:
        if isinstance(value, _KINDS[kind]) and not (isinstance(value, bool) and kind in ("number", "integer")):
            return
    path = f"{where}{key}"
    raise InputError(f"'{path}' must be {' or '.join(kinds)}, found {_describe(value)}.")


def require(data: Mapping[str, Any], *keys: str, where: str = "") -> None:
    """Raise InputError unless all keys are there."""
    for key in keys:
        if key not in data:
            raise InputError(f"'{where}{key}' is missing.")


def check_common(data: Any) -> str:
    """Check what all events share and give the event's name."""
    if not isinstance(data, dict):
        raise InputError(f"An event must be an object with the key 'event', found {_describe(data)}.")
    require(data, "event")
    expect(data, "event", "text")
    expect(data, "timestamp", "number", "null")
    expect(data, "metadata", "object", "null")
    name: str = data["event"]
    return name


def check_entities(data: Mapping[str, Any], where: str = "") -> None:
    """Check `data["entities"]`: a list of objects with `entity` and `value`."""
    expect(data, "entities", "list", where=where)
    for index, entity in enumerate(data.get("entities", ())):
        place = f"{where}entities[{index}]."
        if not isinstance(entity, dict):
            raise InputError(f"'{place[:-1]}' must be an object, found {_describe(entity)}.")
        require(entity, "entity", "value", where=place)
        expect(entity, "entity", "text", where=place)
        for key in ("start", "end"):
            expect(entity, key, "integer", where=place)
        expect(entity, "confidence", "number", "null", where=place)
        for key in ("extractor", "role", "group"):
            expect(entity, key, "text", "null", where=place)


def check_parse_data(parse_data: Mapping[str, Any], where: str = "parse_data.") -> None:
    """Check what understanding a text results in: `intent`, `entities`, `intent_ranking` and the like."""
    expect(parse_data, "text", "text", "null", where=where)
    expect(parse_data, "intent", "object", where=where)
    _intent(parse_data.get("intent", {}), f"{where}intent.")
    expect(parse_data, "intent_ranking", "list", where=where)
    for index, intent in enumerate(parse_data.get("intent_ranking", ())):
        place = f"{where}intent_ranking[{index}]"
        if not isinstance(intent, dict):
            raise InputError(f"'{place}' must be an object, found {_describe(intent)}.")
        _intent(intent, f"{place}.")
    check_entities(parse_data, where)
    expect(parse_data, "response_selector", "object", where=where)
    expect(parse_data, "metadata", "object", "null", where=where)


def listed_entities(given: Any) -> list[dict[str, Any]]:
    """Entities as a list of objects; {name: value} is the short form. InputError for anything else but null."""
    if isinstance(given, dict):
        return [{"entity": name, "value": value} for name, value in given.items()]
    entities: list[dict[str, Any]] = [] if given is None else given
    check_entities({"entities": entities})
    return entities


def parse_time(text: Any) -> datetime:
    """The moment of an ISO 8601 text; a final Z is read as UTC. Moments that no clock can show are refused."""
    if not isinstance(text, str):
        raise InputError(f"'date_time' must be an ISO 8601 text such as 2030-01-31T12:00:00, found {_describe(text)}.")
    try:
        moment = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith(("Z", "z")) else text)
        moment.timestamp()
    except (ValueError, OverflowError, OSError) as error:  # the last two at both ends of the calendar
        raise InputError(
            f"'date_time' must be an ISO 8601 text such as 2030-01-31T12:00:00, found '{text[:80]}'.",
            details=WHOLE_BODY,
        ) from error
    return moment


def _user(data: Mapping[str, Any]) -> None:
    for key in ("text", "input_channel", "message_id"):
        expect(data, key, "text", "null")
    if "parse_data" not in data:
        raise InputError("'parse_data' is missing.", details=WHOLE_BODY)
    expect(data, "parse_data", "object")
    check_parse_data(data["parse_data"])


def _intent(intent: Mapping[str, Any], where: str) -> None:
    expect(intent, "name", "text", "null", where=where)
    expect(intent, "confidence", "number", where=where)


def _bot(data: Mapping[str, Any]) -> None:
    expect(data, "text", "text", "null")
    expect(data, "data", "object", "null")


def _slot(data: Mapping[str, Any]) -> None:
    require(data, "name", "value")
    expect(data, "name", "text")


def _action(data: Mapping[str, Any]) -> None:
    for key in ("name", "policy", "action_text"):
        expect(data, key, "text", "null")
    expect(data, "confidence", "number", "null")
    expect(data, "hide_rule_turn", "boolean")
    if data.get("name") is None and data.get("action_text") is None:
        raise InputError("An action event needs 'name' or 'action_text'.", details=WHOLE_BODY)


def _rejected(data: Mapping[str, Any]) -> None:
    for key in ("name", "policy"):
        expect(data, key, "text", "null")
    expect(data, "confidence", "number", "null")


def _entities(data: Mapping[str, Any]) -> None:
    require(data, "entities")
    check_entities(data)


def _named(data: Mapping[str, Any]) -> None:
    expect(data, "name", "text", "null")


def _featurization(data: Mapping[str, Any]) -> None:
    expect(data, "use_text_for_featurization", "boolean", "null")


def _reminder(data: Mapping[str, Any]) -> None:
    require(data, "date_time")
    parse_time(data["date_time"])
    for key in ("name", "intent"):
        expect(data, key, "text", "null")
    expect(data, "entities", "list", "object", "null")


def _cancelled(data: Mapping[str, Any]) -> None:
    for key in ("name", "intent"):
        expect(data, key, "text", "null")
    expect(data, "entities", "list", "object", "null")


EVENT_CHECKS: dict[str, Callable[[Mapping[str, Any]], None]] = {
    "user": _user,
    "bot": _bot,
    "slot": _slot,
    "action": _action,
    "active_loop": _named,
    "action_execution_rejected": _rejected,
    "entities": _entities,
    "user_featurization": _featurization,
    "followup": _named,
    "reminder": _reminder,
    "cancel_reminder": _cancelled,
}


def _describe(value: Any) -> str:
    """A short name of a JSON value's kind, never its content (it may be personal)."""
    for name in ("boolean", "null", "text", "number", "list", "object"):
        if isinstance(value, _KINDS[name]):
            return name
    return type(value).__name__
