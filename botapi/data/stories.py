"""Stories and rules from YAML: the `stories` and `rules` parts of a file in, Story records out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePath
from typing import Any

from botapi.data import markup
from botapi.data.steps import (
    ANY_VALUE,
    ActionStep,
    CheckpointStep,
    LoopStep,
    OrStep,
    SlotStep,
    Step,
    Story,
    UserStep,
)
from botapi.errors import DataError
from botapi.names import INTENT_MESSAGE_PREFIX, RESPONSE_SEPARATOR, RULE_SNIPPET
from botapi.yamlfile import line_of, load_with_lines, place, plain

log = logging.getLogger(__name__)

TEST_FILE_PREFIX = "test_"
STORY_KEYS = ("story", "steps", "metadata")
RULE_KEYS = ("rule", "steps", "metadata", "condition", "conversation_start", "wait_for_user_input")


def read(text: str | bytes, source: str | None = None) -> list[Story]:
    """The stories, then the rules, of the text of a YAML file; DataError with file and line when it is wrong."""
    return from_dict(load_with_lines(text, source) or {})


def from_dict(content: Any) -> list[Story]:
    """The stories, then the rules, of a YAML file's content; its other parts are not looked at."""
    file = place(content)[0]
    if not isinstance(content, Mapping):
        raise DataError("The file holds no mapping; expected `stories:` or `rules:` at its beginning.", file=file)
    found: list[Story] = []
    for part, kind in (("stories", "story"), ("rules", "rule")):
        items = content.get(part) or []
        if not isinstance(items, list):
            raise _error(
                content, part, f"The `{part}` part is not a list; expected entries such as `- {kind}: a name`."
            )
        for number, item in enumerate(items):
            story = _story(items, number, item, kind)
            if story.steps:
                found.append(story)
            else:
                log.warning(
                    "The %s '%s' has no steps and is left out (%s, line %s)", kind, story.name, file, story.line
                )
    return found


def _story(items: list[Any], number: int, item: Any, kind: str) -> Story:
    if not isinstance(item, Mapping) or not isinstance(item.get(kind), str) or not item[kind]:
        raise _error(
            items, number, f"The {kind} has no name; expected `- {kind}: a name`, in quotes if it is a number."
        )
    name = item[kind]
    known = RULE_KEYS if kind == "rule" else STORY_KEYS
    unknown = [key for key in item if key not in known]
    if unknown:
        raise _error(
            item, unknown[0], f"The {kind} '{name}' has the unknown key '{unknown[0]}'; known: {', '.join(known)}."
        )
    for key in ("conversation_start", "wait_for_user_input"):
        if key in item and not isinstance(item[key], bool):
            raise _error(item, key, f"The {kind} '{name}' has {key}: {item[key]!r}; expected true or false.")
    file, line = place(item)
    condition = _steps(item, "condition", f"{kind} '{name}'")
    for step in condition:
        if not isinstance(step, (LoopStep, SlotStep)):
            raise DataError(
                f"A condition of rule '{name}' has to be active_loop or slot_was_set.", file=file, line=step.line
            )
    return Story(
        name=name,
        steps=tuple(_steps(item, "steps", f"{kind} '{name}'")),
        is_rule=kind == "rule",
        condition=tuple(condition),
        conversation_start=item.get("conversation_start", False),
        wait_for_user_input=item.get("wait_for_user_input", True),
        metadata=plain(item.get("metadata")),
        file=file,
        line=line,
    )


def _steps(item: Mapping[str, Any], key: str, owner: str) -> list[Step]:
    steps = item.get(key) or []
    if not isinstance(steps, list):
        raise _error(item, key, f"The {key} of {owner} are not a list; expected entries such as `- intent: greet`.")
    return [step for number, written in enumerate(steps) for step in _step(steps, number, written, owner)]


def _step(steps: list[Any], number: int, written: Any, owner: str) -> Iterable[Step]:
    line = line_of(steps, number)
    if written == RULE_SNIPPET:
        return [ActionStep(name=RULE_SNIPPET, line=line)]
    if isinstance(written, Mapping):
        for keys, reader in _READERS:
            if keys[0] in written:
                unknown = [key for key in written if key not in keys and key != "metadata"]
                if unknown:
                    raise _error(written, unknown[0], f"A step of {owner} has '{unknown[0]}' beside '{keys[0]}'.")
                return reader(written, line, owner)
        if list(written) == ["metadata"]:
            return []
    names = ", ".join(keys[0] for keys, _ in _READERS)
    raise _error(steps, number, f"{owner[0].upper()}{owner[1:]} has a step that is none of: {names}.")


def _user(written: Mapping[str, Any], line: int | None, owner: str) -> list[UserStep]:
    file = place(written)[0]
    intent = _intent(written, owner) if "intent" in written else None
    text: str | None = None
    entities: tuple[dict[str, Any], ...] = ()
    if written.get("user") is not None:
        said = written["user"]
        if not isinstance(said, str) or not said.strip():
            raise _error(written, "user", f"What the user says in {owner} is {said!r}; expected text, in quotes.")
        text, entities = markup.read(said.strip(), file, line_of(written, "user"))
        if text.startswith(INTENT_MESSAGE_PREFIX):
            entities = markup.intent_message_entities(text)
    if not entities:
        entities = _entities(written, owner)
    if intent is None and text is None:
        raise _error(written, "user", f"A step of {owner} names neither an intent nor what the user says.")
    base, has_key = (intent.split(RESPONSE_SEPARATOR, 1)[0], RESPONSE_SEPARATOR in intent) if intent else (None, False)
    if has_key and not PurePath(file or "").name.startswith(TEST_FILE_PREFIX):
        log.warning("%s uses '%s'; only '%s' is learned (%s, line %s)", owner, intent, base, file, line)
    return [UserStep(intent=base, text=text, entities=entities, full_intent=intent if has_key else None, line=line)]


def _intent(written: Mapping[str, Any], owner: str) -> str:
    intent = written["intent"]
    if not isinstance(intent, str) or not intent.strip().removeprefix(INTENT_MESSAGE_PREFIX):
        raise _error(written, "intent", f"The intent {intent!r} in {owner} is not text; put the name in quotes.")
    return intent.strip().removeprefix(INTENT_MESSAGE_PREFIX)


def _entities(written: Mapping[str, Any], owner: str) -> tuple[dict[str, Any], ...]:
    entities = written.get("entities") or []
    if not isinstance(entities, list):
        raise _error(written, "entities", f"The entities in {owner} are not a list; expected `- name: value`.")
    found = []
    for number, entity in enumerate(entities):
        if isinstance(entity, str):
            found.append({"entity": entity, "value": ""})
            continue
        names = [key for key in entity if key not in ("role", "group")] if isinstance(entity, Mapping) else []
        if len(names) != 1 or not isinstance(names[0], str):
            raise _error(entities, number, f"An entity in {owner} has to be one `name: value`, with role and group.")
        given = {
            "entity": names[0],
            "value": entity[names[0]],
            "role": entity.get("role"),
            "group": entity.get("group"),
        }
        found.append({key: plain(value) for key, value in given.items() if value is not None})
    return tuple(found)


def _or(written: Mapping[str, Any], line: int | None, owner: str) -> list[OrStep]:
    items = written["or"]
    if not isinstance(items, list) or not items:
        raise _error(written, "or", f"The `or` in {owner} is not a list; expected `- intent: ...` entries.")
    alternatives: list[UserStep | SlotStep] = []
    for number, item in enumerate(items):
        for step in _step(items, number, item, owner):
            if not isinstance(step, (UserStep, SlotStep)):
                raise _error(items, number, f"An `or` in {owner} may hold only intents and slot_was_set.")
            alternatives.append(step)
    return [OrStep(alternatives=tuple(alternatives), line=line)]


def _action(written: Mapping[str, Any], line: int | None, owner: str) -> list[ActionStep]:
    return [ActionStep(name=_text(written, "action", owner), line=line)]


def _bot(written: Mapping[str, Any], line: int | None, owner: str) -> list[ActionStep]:
    return [ActionStep(text=_text(written, "bot", owner), line=line)]


def _checkpoint(written: Mapping[str, Any], line: int | None, owner: str) -> list[CheckpointStep]:
    name = _text(written, "checkpoint", owner)
    pairs = _slot_pairs(written, owner) if written.get("slot_was_set") else []
    if any(value is ANY_VALUE for _, value in pairs):
        raise _error(
            written, "slot_was_set", f"A slot at the checkpoint '{name}' has no value; expected `- slot: value`."
        )
    return [CheckpointStep(name=name, slots=tuple(pairs), line=line)]


def _slot(written: Mapping[str, Any], line: int | None, owner: str) -> list[SlotStep]:
    return [SlotStep(name=name, value=value, line=line) for name, value in _slot_pairs(written, owner)]


def _loop(written: Mapping[str, Any], line: int | None, owner: str) -> list[LoopStep]:
    name = written["active_loop"]
    return [LoopStep(name=None if name is None else _text(written, "active_loop", owner), line=line)]


def _slot_pairs(written: Mapping[str, Any], owner: str) -> list[tuple[str, Any]]:
    """Slots as (name, value), from `- name: value`, `- name` and `name: value`."""
    given = written["slot_was_set"]
    pairs: list[tuple[str, Any]] = []
    for slot in given if isinstance(given, list) else [given]:
        if isinstance(slot, str):
            pairs.append((slot, ANY_VALUE))
        elif isinstance(slot, Mapping) and slot and all(isinstance(name, str) for name in slot):
            pairs.extend((name, plain(value)) for name, value in slot.items())
        else:
            raise _error(written, "slot_was_set", f"A slot_was_set in {owner} is {slot!r}; expected `- slot: value`.")
    return pairs


def _text(written: Mapping[str, Any], key: str, owner: str) -> str:
    text = written[key]
    if not isinstance(text, str) or not text.strip():
        raise _error(written, key, f"The {key} {text!r} in {owner} is not text; put it in quotes.")
    return text.strip()


def _error(container: Any, key: Any, message: str) -> DataError:
    file, line = place(container)
    return DataError(message, file=file, line=line_of(container, key) or line)


# The first key tells the kind of a step; the others may stand beside it. A checkpoint may hold slots: it comes first.
_READERS: tuple[tuple[tuple[str, ...], Callable[[Mapping[str, Any], int | None, str], Iterable[Step]]], ...] = (
    (("intent", "user", "entities"), _user),
    (("user", "entities"), _user),
    (("or",), _or),
    (("action",), _action),
    (("bot",), _bot),
    (("checkpoint", "slot_was_set"), _checkpoint),
    (("slot_was_set",), _slot),
    (("active_loop",), _loop),
)
