"""The domain: what a bot knows about. A dict comes in; names, slots, responses and forms in Rasa's order go out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from botapi import yamlfile
from botapi.errors import DataError
from botapi.names import (
    DEFAULT_ACTIONS,
    DEFAULT_INTENTS,
    KNOWLEDGE_BASE_SLOTS,
    REQUESTED_SLOT,
    RESPONSE_SEPARATOR,
    SESSION_START_METADATA_SLOT,
    VALIDATE_PREFIX,
)
from botapi.state import domaindict, slots
from botapi.state.slots import Slot

VERSION = "3.1"
ENTITY_LABEL_SEPARATOR = "#"
KNOWLEDGE_BASE_ACTION = "action_query_knowledge_base"


class Domain:
    """Intents, entities, slots, responses, forms and actions of one bot; never changed once made.

    intents, entities: sorted names. intent_properties: {intent: {"used_entities": [label], "is_retrieval_intent"?}}.
    roles, groups: {entity: [label]}. slots: slot types, the default ones among them (values are the tracker's).
    responses: {name: [variation]}. forms: {name: {"required_slots", "ignored_intents"?} or None}.
    action_names: default actions, own actions, responses, forms, end-to-end texts; the order is that of /predict.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        domaindict.check(data)
        self.slots = [slots.from_dict(name, definition) for name, definition in (data.get("slots") or {}).items()]
        raw: dict[str, Any] = yamlfile.plain(data)
        self._data = raw
        self.responses: dict[str, list[dict[str, Any]]] = raw.get("responses") or {}
        self.forms: dict[str, dict[str, Any] | None] = raw.get("forms") or {}
        for name, form in self.forms.items():
            if form is not None and "required_slots" not in form:
                self.forms[name] = {"required_slots": form}
        self.action_texts: list[str] = raw.get("e2e_actions") or []
        session = {**domaindict.DEFAULT_SESSION, **(raw.get("session_config") or {})}
        minutes = session["session_expiration_time"]
        self.session_expiration_minutes: float = 60 if minutes is None else minutes
        self.carry_over_slots: bool = session["carry_over_slots_to_new_session"]
        self.store_entities_as_slots: bool = (raw.get("config") or {}).get("store_entities_as_slots", True)
        self._read_entities(raw.get("entities") or [])
        self._read_intents(raw.get("intents") or [])
        self._read_actions(raw.get("actions") or [])
        self._add_default_slots()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Domain:
        """A domain from a dict as a domain file holds it; DataError, with file and line if known, when it is wrong."""
        return cls(data)

    @classmethod
    def empty(cls) -> Domain:
        """A domain with the default intents and actions only."""
        return cls({})

    def merge(self, other: Domain, *, override: bool = False) -> Domain:
        """A domain with the parts of both; where both define a name, this one's stays unless `override`."""
        if other.is_empty:
            return self
        if self.is_empty:
            return other
        return Domain(domaindict.merge(self.as_dict(), other.as_dict(), override=override))

    @property
    def is_empty(self) -> bool:
        """Whether nothing was defined beyond the defaults."""
        return self.as_dict() == Domain.empty().as_dict()

    def as_dict(self) -> dict[str, Any]:
        """The domain as `GET /domain` shows it. The dict is shared: callers don't change it."""
        return self._dict

    @cached_property
    def _dict(self) -> dict[str, Any]:
        found = {
            key: value
            for key, value in self._data.items()
            if value is not None and value != {} and value != [] and key in (*domaindict.DOMAIN_KEYS, "version")
        }
        if "config" not in found and not self.store_entities_as_slots:
            found["config"] = {"store_entities_as_slots": False}
        found.setdefault(
            "session_config",
            {
                "session_expiration_time": self.session_expiration_minutes,
                "carry_over_slots_to_new_session": self.carry_over_slots,
            },
        )
        found.setdefault("version", VERSION)
        if "intents" in found:
            found["intents"] = sorted(map(_tidy_intent, found["intents"]), key=domaindict.name_of)
        return found

    def as_yaml(self) -> str:
        """The domain as the text of a domain file, version first."""
        return yamlfile.dump({"version": VERSION, **self.as_dict()})

    def fingerprint(self) -> str:
        """32 hex digits that change when anything in the domain does; the order of action names counts."""
        content = {**self.as_dict(), "actions": self.action_names, "action_settings": sorted(self.actions_with_domain)}
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]

    # Actions

    def _read_actions(self, actions: list[Any]) -> None:
        self.custom_actions: list[str] = []
        self.actions_with_domain: set[str] = set()
        for action in actions:
            if isinstance(action, dict):
                self.custom_actions.extend(action)
                self.actions_with_domain.update(name for name, options in action.items() if options.get("send_domain"))
            else:
                self.custom_actions.append(action)
                if action.startswith(VALIDATE_PREFIX):
                    self.actions_with_domain.add(action)
        listed = set(self.custom_actions)
        self.user_actions = self.custom_actions + [name for name in sorted(self.responses) if name not in listed]
        self.form_names = list(self.forms)
        self.action_names = (
            list(DEFAULT_ACTIONS)
            + [name for name in self.user_actions if name not in DEFAULT_ACTIONS]
            + [name for name in self.form_names if name not in listed]
            + self.action_texts
        )
        self.action_index: dict[str, int] = {name: index for index, name in enumerate(self.action_names)}
        if len(self.action_index) < len(self.action_names):
            twice = next(name for name in self.action_names if self.action_names.count(name) > 1)
            raise DataError(f"The action '{twice}' is defined twice, as an action, response, form or text; rename one.")

    def needs_domain(self, action: str) -> bool:
        """Whether the action server is to get the domain for this action even when it is sent selectively."""
        return action in self.actions_with_domain

    # Entities and intents

    def _read_entities(self, entities: list[Any]) -> None:
        self.roles: dict[str, list[str]] = {}
        self.groups: dict[str, list[str]] = {}
        self.ignored_entities: list[str] = []
        names: list[str] = []
        for entity in entities:
            if isinstance(entity, str):
                names.append(entity)
                continue
            for name, properties in entity.items():
                names.append(name)
                if "roles" in properties:
                    self.roles[name] = properties["roles"]
                if "groups" in properties:
                    self.groups[name] = properties["groups"]
                if properties.get("influence_conversation") is False:
                    self.ignored_entities.append(name)
        self.entities = sorted(names)

    @cached_property
    def entity_labels(self) -> list[str]:
        """What policies tell apart: entity names, then `entity#role`, then `entity#group`."""
        return self.entities + _labels(self.roles, self.roles) + _labels(self.groups, self.groups)

    def _read_intents(self, intents: list[Any]) -> None:
        self.intent_properties: dict[str, dict[str, Any]] = {}
        for intent in intents:
            name = domaindict.name_of(intent)
            given = intent[name] if isinstance(intent, dict) else {}
            self.intent_properties[name] = self._intent_properties(given)
        self.overridden_default_intents = [name for name in sorted(DEFAULT_INTENTS) if name in self.intent_properties]
        for name in DEFAULT_INTENTS:
            self.intent_properties.setdefault(name, self._intent_properties({}))
        self.intents = sorted(self.intent_properties)

    def _intent_properties(self, given: Mapping[str, Any]) -> dict[str, Any]:
        properties = {key: value for key, value in given.items() if key not in ("use_entities", "ignore_entities")}
        use = given.get("use_entities", given.get("used_entities", True))
        if use is True:
            used = set(self.entities) - set(self.ignored_entities)
            used.update(_labels(self.roles, self.roles), _labels(self.groups, self.groups))
        else:
            used = self._with_labels(use or [])
        ignored = given.get("ignore_entities", self.ignored_entities) or []
        properties["used_entities"] = sorted(used - self._with_labels(ignored))
        return properties

    def _with_labels(self, entities: list[str]) -> set[str]:
        return {*entities, *_labels(self.roles, entities), *_labels(self.groups, entities)}

    def entities_for_intent(self, intent: str | None) -> list[str]:
        """The entity labels that policies see beside this intent; none for an unknown intent."""
        return self.intent_properties.get(intent or "", {}).get("used_entities", [])

    def is_retrieval_intent(self, intent: str) -> bool:
        """Whether the answers to this intent are chosen by the response selector."""
        return bool(self.intent_properties.get(intent, {}).get("is_retrieval_intent"))

    @property
    def retrieval_intents(self) -> list[str]:
        """Retrieval intents in the order of definition."""
        return [intent for intent in self.intent_properties if self.is_retrieval_intent(intent)]

    @property
    def retrieval_responses(self) -> dict[str, list[dict[str, Any]]]:
        """Responses to retrieval intents, such as `utter_faq/ask_name`."""
        return {name: found for name, found in self.responses.items() if RESPONSE_SEPARATOR in name}

    def with_retrieval_intents(self, intents: list[str], responses: Mapping[str, Any]) -> Domain:
        """This domain with retrieval intents of NLU data: their responses, and an action utter_<intent> for each."""
        if not intents and not responses:
            return self
        found = [{name: {**self.intent_properties.get(name, {}), "is_retrieval_intent": True}} for name in intents]
        added = {"intents": found, "responses": dict(responses), "actions": [f"utter_{name}" for name in intents]}
        return Domain(domaindict.merge(self.as_dict(), added, override=True))

    def with_action_texts(self, texts: list[str]) -> Domain:
        """This domain with bot messages of end-to-end stories as actions."""
        return Domain(domaindict.merge(self.as_dict(), {"e2e_actions": texts})) if texts else self

    # Slots and forms

    def _add_default_slots(self) -> None:
        names = {slot.name for slot in self.slots}
        wanted = [REQUESTED_SLOT] if self.forms else []
        if KNOWLEDGE_BASE_ACTION in self.action_index:
            wanted += KNOWLEDGE_BASE_SLOTS
        self.user_slots = list(self.slots)
        self.slots += [slots.TextSlot(name, influence_conversation=False) for name in wanted if name not in names]
        if SESSION_START_METADATA_SLOT in names:
            raise DataError(f"The slot '{SESSION_START_METADATA_SLOT}' always exists; remove it from the domain.")
        self.slots.append(slots.AnySlot(SESSION_START_METADATA_SLOT))
        self.slot_types: dict[str, Slot] = {slot.name: slot for slot in self.slots}

    def slot_mappings(self, slot: str) -> list[dict[str, Any]]:
        """The mappings of a slot; none for an unknown one."""
        found = self.slot_types.get(slot)
        return found.mappings if found else []

    def required_slots(self, form: str) -> list[str]:
        """The slots that a form fills, in order; none for an unknown form."""
        return list((self.forms.get(form) or {}).get("required_slots") or [])

    def ignored_intents(self, form: str) -> list[str]:
        """The intents that never fill a slot of this form."""
        ignored = (self.forms.get(form) or {}).get("ignored_intents") or []
        return [ignored] if isinstance(ignored, str) else list(ignored)


def _labels(labels: Mapping[str, list[str]], entities: Any) -> list[str]:
    return [
        f"{entity}{ENTITY_LABEL_SEPARATOR}{label}"
        for entity in entities
        if entity in labels
        for label in labels[entity]
    ]


def _tidy_intent(intent: Any) -> Any:
    """An intent entry with use_entities and ignore_entities written as lists when they are empty or false."""
    if not isinstance(intent, dict):
        return intent
    name, properties = next(iter(intent.items()))
    tidy = {
        key: [] if key in ("use_entities", "ignore_entities") and not value else value
        for key, value in properties.items()
    }
    return {name: tidy}
