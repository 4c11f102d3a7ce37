"""Slot mappings: a domain's mapping dicts and what the user said in, the values for a slot out; runs nothing."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botapi.names import REQUESTED_SLOT
from botapi.state.tracker import Tracker

FROM_ENTITY = "from_entity"
FROM_INTENT = "from_intent"
FROM_TRIGGER_INTENT = "from_trigger_intent"
FROM_TEXT = "from_text"
CUSTOM = "custom"


@dataclass(frozen=True)
class SlotMapping:
    """One way to fill a slot.

    `conditions` are pairs (active loop, requested slot), None where not given. `key` is the same text for mappings
    that read alike, whatever their slot.
    """

    slot: str
    type: str
    entity: str | None
    role: str | None
    group: str | None
    value: Any
    action: str | None
    intents: frozenset[str]
    not_intents: frozenset[str]
    conditions: tuple[tuple[str | None, str | None], ...]
    key: str


def read_mapping(slot: str, raw: Mapping[str, Any]) -> SlotMapping:
    """The mapping of a dict that the domain has checked."""
    return SlotMapping(
        slot=slot,
        type=raw["type"],
        entity=raw.get("entity"),
        role=raw.get("role"),
        group=raw.get("group"),
        value=raw.get("value"),
        action=raw.get("action"),
        intents=frozenset(_listed(raw.get("intent"))),
        not_intents=frozenset(_listed(raw.get("not_intent"))),
        conditions=tuple((one.get("active_loop"), one.get(REQUESTED_SLOT)) for one in raw.get("conditions") or ()),
        key=json.dumps(raw, sort_keys=True, default=str),
    )


def _listed(value: Any) -> Sequence[str]:
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)


def problem(mapping: SlotMapping, intents: Container[str], entities: Container[str]) -> str | None:
    """Why a mapping can never fill its slot, given the domain's intents and entities; None when it can."""
    if mapping.type == FROM_ENTITY and mapping.entity not in entities:
        return (
            f"The slot '{mapping.slot}' has a from_entity mapping for the entity '{mapping.entity}', which the domain "
            "does not list; the mapping is skipped."
        )
    if mapping.type == FROM_INTENT:
        for intent in sorted(mapping.intents):
            if intent and intent not in intents:
                return (
                    f"The slot '{mapping.slot}' has a from_intent mapping for the intent '{intent}', which the domain "
                    "does not list; the mapping is skipped."
                )
    return None


class Situation:
    """What mappings look at: the last user message, the active loop, and what that loop asked for.

    `ignored` are the intents that the active loop ignores.
    """

    __slots__ = ("intent", "text", "entities", "loop", "is_rejected", "requested_slot", "ignored")

    def __init__(self, tracker: Tracker, ignored: Sequence[str] = ()) -> None:
        message, loop = tracker.latest_message, tracker.active_loop
        self.intent = message.intent_name
        self.text = message.text
        self.entities: dict[tuple[Any, Any, Any], list[Any]] = {}
        for entity in message.entities:
            place = (entity.get("entity"), entity.get("role"), entity.get("group"))
            self.entities.setdefault(place, []).append(entity.get("value"))
        self.loop = loop.name if loop else None
        self.is_rejected = loop is not None and loop.rejected
        self.requested_slot = tracker.slots.get(REQUESTED_SLOT)
        self.ignored = ignored


def applies(mapping: SlotMapping, now: Situation) -> bool:
    """Whether the mapping's intents and conditions allow it to be looked at."""
    if not _intent_fits(mapping, now):
        return False
    if not mapping.conditions or mapping.type == FROM_TRIGGER_INTENT:
        return True
    if now.is_rejected and now.requested_slot == mapping.slot:
        return False
    for loop, requested in mapping.conditions:
        if loop and loop == now.loop and (not requested or requested == now.requested_slot):
            return True
        if loop is None and now.loop is None:
            return True
    return False


def _intent_fits(mapping: SlotMapping, now: Situation) -> bool:
    if mapping.intents:
        return now.intent in mapping.intents
    if now.intent in mapping.not_intents:
        return False
    if now.ignored and now.intent in now.ignored:
        # A loop's ignored intents are no business of mappings that belong to other loops.
        return bool(mapping.conditions) and all(loop != now.loop for loop, _ in mapping.conditions)
    return True


def values(mapping: SlotMapping, now: Situation) -> list[Any]:
    """What the mapping takes from the message: all values, in order; empty when there is nothing for it."""
    if mapping.type == FROM_ENTITY:
        return now.entities.get((mapping.entity, mapping.role, mapping.group), [])
    if mapping.type == FROM_INTENT:
        return [mapping.value]
    if mapping.type == FROM_TEXT:
        return [now.text]
    if mapping.type == FROM_TRIGGER_INTENT and now.loop is not None:
        if not mapping.conditions or any(loop == now.loop for loop, _ in mapping.conditions):
            return [mapping.value]
    return []
