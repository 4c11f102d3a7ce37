"""Responses: the name of one and a turn in; the variation that fits, filled from the slots, out."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from typing import Any

from botapi.actions.action import Response, Turn
from botapi.actions.templates import fill, prepare

log = logging.getLogger(__name__)

# What Rasa 3.6 fills; the texts of `elements` are sent as they stand.
FILLED_KEYS = frozenset({"text", "image", "custom", "buttons", "attachment", "quick_replies"})


class Variation:
    """One way to put a response: its template, and when it fits."""

    __slots__ = ("template", "channel", "constraints", "is_conditional", "id")

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.template = {key: prepare(item, with_placeholders=key in FILLED_KEYS) for key, item in raw.items()}
        self.channel = raw.get("channel")
        self.is_conditional = raw.get("condition") is not None
        self.constraints = [(one.get("name"), _folded(one.get("value"))) for one in raw.get("condition") or ()]
        self.id = raw.get("id")

    def holds(self, slots: Mapping[str, Any]) -> bool:
        """Whether the slots have the values that the condition wants; texts are compared without case."""
        return bool(self.constraints) and all(_folded(slots.get(name)) == value for name, value in self.constraints)


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


class Responses:
    """The responses of a domain, `{name: [variation, ...]}`; texts are prepared when a response is first used.

    Where several variations fit equally well, `chance` chooses one.
    """

    def __init__(self, responses: Mapping[str, list[dict[str, Any]]], chance: random.Random | None = None) -> None:
        self._raw = responses
        self._prepared: dict[str, list[Variation]] = {}
        self._chance = chance or random.Random()

    def __call__(self, name: str, turn: Turn, arguments: Mapping[str, Any]) -> Response | None:
        """The response filled from slots and `arguments` (which win); None when no variation fits."""
        slots = turn.tracker.slots
        fitting = self.fitting(name, slots, turn.channel)
        if not fitting:
            return None
        chosen = fitting[0] if len(fitting) == 1 else self._chance.choice(fitting)
        variables = {**slots, **arguments} if arguments else slots
        return {key: fill(item, variables) for key, item in chosen.template.items()}

    def fitting(self, name: str, slots: Mapping[str, Any], channel: str) -> list[Variation]:
        """The variations to choose from: the first of these kinds of which there are any.

        Conditional ones of the channel, unconditional ones of the channel, conditional ones of no channel, all others
        of no channel (the order of Rasa 3.6).
        """
        ranks: tuple[list[Variation], ...] = ([], [], [], [])
        for variation in self._variations(name):
            if variation.channel is not None and variation.channel != channel:
                continue
            if variation.is_conditional and not variation.holds(slots):
                continue
            ranks[2 * (variation.channel is None) + (not variation.is_conditional)].append(variation)
        return next((rank for rank in ranks if rank), [])

    def variation_id(self, name: str, slots: Mapping[str, Any], channel: str) -> str | None:
        """The `id` of the first fitting variation; None where fitting ones share an id."""
        ids = [variation.id for variation in self.fitting(name, slots, channel)]
        known = [one for one in ids if one]
        if len(set(known)) < len(known):
            log.warning("The variations of the response '%s' share an id; make the ids differ in the domain.", name)
            return None
        return ids[0] if ids else None

    def _variations(self, name: str) -> list[Variation]:
        found = self._prepared.get(name)
        if found is None:
            found = self._prepared[name] = [Variation(raw) for raw in self._raw.get(name) or ()]
        return found
