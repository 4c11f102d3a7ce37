"""Messages that name their intent, `/intent@0.4{"entity": "value"}`: a string in, parse data or None out."""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Container
from typing import Any

from botapi.names import INTENT_MESSAGE_PREFIX

log = logging.getLogger(__name__)

EXTRACTOR = "RegexMessageHandler"
MAX_NESTING = 100
SYNTAX = re.compile(r"/(?P<intent>[^{@]+)(?P<confidence>@[0-9.]+)?(?P<entities>{.+})?(?P<rest>.*)")
SURROGATE = re.compile("[\ud800-\udfff]")


def read(
    text: str, intents: Container[str] | None = None, entities: Container[str] | None = None
) -> dict[str, Any] | None:
    """Parse data when the text names an intent; None when it is ordinary text or names an intent that isn't known.

    Behaves as Rasa 3.6: blanks around the text are dropped; without `@…` the confidence is 1.0; a list value gives one
    entity for each item; unknown entities, and all of them when the JSON is broken, are dropped with a log line.
    Start and end of an entity are those of the braces. None for `intents` or `entities` means that all are known.
    """
    text = text.strip()
    match = SYNTAX.match(text) if text.startswith(INTENT_MESSAGE_PREFIX) else None
    if match is None:
        return None
    name = match["intent"].strip()
    if intents is not None and name not in intents:
        log.info("A message names an intent that the domain does not have; it is read as ordinary text")
        return None
    if match["rest"]:
        log.warning("A message for the intent %r ends with text that is ignored", name[:100])
    confidence = _confidence(match["confidence"])
    return {
        "text": text,
        "intent": {"name": name, "confidence": confidence},
        "entities": _entities(match, entities),
        "intent_ranking": [{"name": name, "confidence": confidence}],
    }


def _confidence(written: str | None) -> float:
    """1.0 when not given, 0.0 when not a number, at most 1.0."""
    if written is None:
        return 1.0
    try:
        return min(1.0, float(written[1:]))
    except ValueError:
        log.warning("The confidence of an intent message is not a number; it counts as 0")
        return 0.0


def _entities(match: re.Match[str], known: Container[str] | None) -> list[dict[str, Any]]:
    if match["entities"] is None:
        return []
    try:
        values = _clean(json.loads(match["entities"], parse_constant=_refuse))
    except (ValueError, RecursionError) as error:
        log.warning("Entities of an intent message are left out, they are no JSON object we take: %s", error)
        return []
    start, end = match.span("entities")
    found = []
    for name, value in values.items():
        if known is not None and name not in known:
            log.info("An intent message has an entity that the domain does not have; it is left out")
            continue
        for item in value if isinstance(value, list) else [value]:
            found.append({"entity": name, "value": item, "start": start, "end": end, "extractor": EXTRACTOR})
    return found


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON number")


def _clean(value: Any, depth: int = 0) -> Any:
    """The value as any JSON writer can write it: finite numbers, whole characters, bounded nesting (ValueError)."""
    if depth > MAX_NESTING:
        raise ValueError(f"nested more than {MAX_NESTING} deep")
    if isinstance(value, dict):
        return {_clean(key): _clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number is too large")
    # A lone surrogate, written as an escape, could not be stored or sent on.
    return SURROGATE.sub("\ufffd", value) if isinstance(value, str) else value
