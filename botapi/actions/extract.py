"""Slot filling after a user message: tracker in, `SlotSet` events out, by the mappings of the domain's slots."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable

from botapi.actions.action import Action, ActionFailed, ActionRejected, Turn
from botapi.names import ACTION_EXTRACT_SLOTS, ACTION_VALIDATE_SLOT_MAPPINGS
from botapi.state.domain import Domain
from botapi.state.events import BotUttered, Event, SlotSet
from botapi.state.fork import Fork
from botapi.state.mappings import CUSTOM, FROM_ENTITY, Situation, SlotMapping, applies, problem, read_mapping, values
from botapi.state.slots import ListSlot

log = logging.getLogger(__name__)


class ExtractSlots:
    """The default action that runs after each user message and when a form starts (Rasa's ActionExtractSlots).

    `remote` gives the action of the action server by name, for custom mappings and for validation.
    """

    name = ACTION_EXTRACT_SLOTS

    def __init__(self, domain: Domain, remote: Callable[[str], Action]) -> None:
        self._remote = remote
        self._slots: list[tuple[str, bool, list[SlotMapping]]] = []
        for slot in domain.user_slots:
            mappings = []
            for mapping in (read_mapping(slot.name, raw) for raw in slot.mappings):
                trouble = problem(mapping, domain.intent_properties, domain.entities)
                if trouble is None:
                    mappings.append(mapping)
                else:
                    log.warning("%s", trouble)
            if mappings:
                self._slots.append((slot.name, isinstance(slot, ListSlot), mappings))
        self._ambiguous = {form: _ambiguous_mappings(domain, form) for form in domain.form_names}
        self._ignored = {form: domain.ignored_intents(form) for form in domain.form_names}
        self._is_validated = ACTION_VALIDATE_SLOT_MAPPINGS in domain.user_actions

    def run(self, turn: Turn) -> list[Event]:
        """The slots that the last message fills, checked by action_validate_slot_mappings where the domain has it."""
        found = self._extract(turn)
        slots = [event for event in found if isinstance(event, SlotSet)]
        return self._validated(slots, turn) if self._is_validated else list(slots)

    def _extract(self, turn: Turn) -> list[Event]:
        loop = turn.tracker.active_loop_name
        now = Situation(turn.tracker, self._ignored.get(loop, ()) if loop else ())
        ambiguous = self._ambiguous.get(loop, frozenset()) if loop else frozenset()
        events: list[Event] = []
        done: set[str] = set()
        for slot, takes_all, mappings in self._slots:
            for mapping in mappings:
                if not applies(mapping, now):
                    continue
                if (slot, mapping.key) in ambiguous and now.requested_slot != slot:
                    continue
                found = values(mapping, now)
                if found:
                    value = list(found) if takes_all else found[-1]
                    if value is not None or turn.tracker.slots.get(slot) is not None:
                        events.append(SlotSet(slot, value))
                        break
                if mapping.type == CUSTOM and mapping.action and mapping.action not in done:
                    done.add(mapping.action)
                    events += self._run_custom(mapping.action, turn)
        return events

    def _validated(self, slots: list[SlotSet], turn: Turn) -> list[Event]:
        tried = Fork(turn.tracker)
        tried.apply_all(slots)
        checked = self._run_custom(ACTION_VALIDATE_SLOT_MAPPINGS, turn.on(tried))
        names = {event.name for event in checked if isinstance(event, SlotSet)}
        # What the validator says nothing about is valid; for an invalid slot it gives the value None.
        return checked + [event for event in slots if event.name not in names]

    def _run_custom(self, name: str, turn: Turn) -> list[Event]:
        """Run an action of the action server; only slots and messages count. A failure fills no slots."""
        try:
            events = self._remote(name).run(turn)
        except (ActionFailed, ActionRejected) as error:
            log.warning("The action '%s' filled no slots: %s", name, error)
            return []
        kept: list[Event] = []
        for event in events:
            if isinstance(event, (SlotSet, BotUttered)):
                kept.append(event)
            else:
                log.info("The action '%s' fills slots, so its event '%s' is left out.", name, event.type_name)
        return kept


def _ambiguous_mappings(domain: Domain, form: str) -> frozenset[tuple[str, str]]:
    """The (slot, mapping key) pairs of from_entity mappings that several slots of a form share.

    They fill only the slot that is asked for: a bare `city` can be where a journey begins or where it ends.
    """
    mappings = [
        mapping
        for slot in domain.required_slots(form)
        for mapping in (read_mapping(slot, raw) for raw in domain.slot_mappings(slot))
        if mapping.type == FROM_ENTITY
    ]
    count = Counter(mapping.key for mapping in mappings)
    return frozenset((mapping.slot, mapping.key) for mapping in mappings if count[mapping.key] > 1)
