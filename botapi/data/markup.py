"""Entities marked in a sentence, `to [Rome]{"entity": "city", "role": "to"}`: read to text and entities, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from botapi.errors import DataError
from botapi.names import INTENT_MESSAGE_PREFIX

# What follows the text of [text](entity) or [text](entity:value), [text]{...}, [text][{...}, {...}].
# SECURITY: bounded, since strangers' messages are read here too, and a search for an end that is missing goes to the
# end of the text, from every beginning again.
_MARK = re.compile(
    r"\](?:"
    # A lookahead and its repetition: what was found is never tried again shorter.
    r"\((?=(?P<entity>[^:)]{1,1000}))(?P=entity)(?::(?P<value>[^)]{1,1000}))?\)"
    r"|(?P<one>\{[^}]{1,1000}\})"
    r"|\[(?P<several>\s{0,100}\{.{0,2000}?\}\s{0,100})\]"
    r")"
)
_OBJECT = re.compile(r"\{[^}]+?\}")
_INTENT_MESSAGE = re.compile(r"/[^{@]+(?:@[0-9.]+)?(\{.+\})?")


def read(sentence: str, file: str | None = None, line: int | None = None) -> tuple[str, tuple[dict[str, Any], ...]]:
    """The plain text, and its entities as {start, end, value, entity, role?, group?}; DataError for a broken mark."""
    if "[" not in sentence:
        return sentence, ()
    parts: list[str] = []
    entities: list[dict[str, Any]] = []
    end_of_last = length = 0
    for begin, mark in _marks(sentence):
        parts.append(sentence[end_of_last:begin])
        length += len(parts[-1])
        end_of_last = mark.end()
        text = sentence[begin + 1 : mark.start()]
        for attributes in _attributes(text, mark, file, line):
            entity = {"start": length, "end": length + len(text), "value": attributes.get("value", text)}
            entity["entity"] = attributes["entity"]
            entity.update((key, attributes[key]) for key in ("role", "group") if attributes.get(key))
            entities.append(entity)
        parts.append(text)
        length += len(text)
    parts.append(sentence[end_of_last:])
    return "".join(parts), tuple(entities)


def _marks(sentence: str) -> Iterator[tuple[int, re.Match[str]]]:
    """(where the marked text's bracket opens, the match from its closing bracket on), from left to right."""
    begin, close = 0, sentence.find("]")
    while close >= 0:
        opening = sentence.find("[", begin, close)
        found = _MARK.match(sentence, close) if 0 <= opening < close - 1 else None
        if found:
            yield opening, found
        begin = found.end() if found else close + 1
        close = sentence.find("]", begin)


def write(text: str, entities: Iterable[Mapping[str, Any]]) -> str:
    """The sentence with its entities marked, in Rasa's spelling; entities without a place are left out.

    A message that names its intent (`/intent{...}`) already holds its entities and stays as it is.
    """
    if text.startswith(INTENT_MESSAGE_PREFIX):
        return text
    by_place: dict[tuple[int, int], list[Mapping[str, Any]]] = {}
    for entity in entities:
        if isinstance(entity.get("start"), int) and isinstance(entity.get("end"), int):
            by_place.setdefault((entity["start"], entity["end"]), []).append(entity)
    written, position = "", 0
    for (start, end), here in sorted(by_place.items(), key=lambda item: item[0]):
        if start < position or not start < end <= len(text):
            continue  # overlaps the one before, or lies outside of the text: there is no way to write it
        written += text[position:start] + mark(text[start:end], here)
        position = end
    return written + text[position:]


def intent_message_entities(text: str) -> tuple[dict[str, Any], ...]:
    """The entities of `/intent{"name": value}`, as {start, end, value, entity}; none when it holds no JSON object."""
    match = _INTENT_MESSAGE.match(text)
    if not match or not match[1]:
        return ()
    try:
        found = json.loads(match[1])
    except (ValueError, RecursionError):
        return ()
    place = {"start": match.start(1), "end": match.end(1)}
    return tuple(
        {**place, "value": value, "entity": entity}
        for entity, values in found.items()
        for value in (values if isinstance(values, list) else [values])
    )


def _attributes(text: str, mark: re.Match[str], file: str | None, line: int | None) -> list[dict[str, Any]]:
    if mark["entity"]:
        return [{"entity": mark["entity"], "value": mark["value"] or text}]
    objects = [mark["one"]] if mark["one"] else _OBJECT.findall(mark["several"])
    return [_object(written, file, line) for written in objects]


def _object(written: str, file: str | None, line: int | None) -> dict[str, Any]:
    try:
        found = json.loads(written)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f'The entity {written} is not valid JSON; expected {{"entity": "name"}}, with quotes.', file=file, line=line
        ) from error
    if not isinstance(found.get("entity"), str) or not found["entity"]:
        raise DataError(f'The entity {written} has no name; expected {{"entity": "name"}}.', file=file, line=line)
    for key, kinds in (("role", (str,)), ("group", (str,)), ("value", (str, int, float))):
        if key in found and (not isinstance(found[key], kinds) or found[key] != found[key]):
            raise DataError(
                f"The entity {written} has a {key} that is not text; put it in quotes.", file=file, line=line
            )
    return found


def mark(text: str, entities: Sequence[Mapping[str, Any]]) -> str:
    """One marked place: the text there with what its entities are, `[Rome](city)` in the short form where that does."""
    if len(entities) == 1:
        attributes = _written_attributes(text, entities[0])
        if list(attributes) == ["entity"]:
            return f"[{text}]({attributes['entity']})"
        return f"[{text}]{json.dumps(attributes)}"
    return f"[{text}][{', '.join(json.dumps(_written_attributes(text, entity)) for entity in entities)}]"


def _written_attributes(text: str, entity: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: entity.get(key) for key in ("entity", "role", "group", "value")}
    if found["value"] == text:
        found["value"] = None
    return {key: value for key, value in found.items() if value is not None}
