"""A domain as a dict: what a domain file may say is checked here, and several such dicts are merged into one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botapi.errors import DataError
from botapi.yamlfile import line_of, place

LISTS = ("intents", "entities", "actions", "e2e_actions")
MAPPINGS = ("forms", "responses", "slots")
DOMAIN_KEYS = (*LISTS, *MAPPINGS, "session_config", "config")
# What else may stand at the top of a file that holds a domain: a project may keep everything in one file.
OTHER_KEYS = ("version", "nlu", "stories", "rules", *("recipe", "language", "pipeline", "policies", "assistant_id"))
MAPPING_KEYS = {
    "from_entity": ("entity",),
    "from_intent": ("value",),
    "from_trigger_intent": ("value",),
    "from_text": (),
    "custom": (),
}
DEFAULT_SESSION = {"session_expiration_time": 60, "carry_over_slots_to_new_session": True}


def name_of(entry: Any) -> Any:
    """The name in a list entry, which is the name itself or a mapping {name: properties}."""
    return next(iter(entry)) if isinstance(entry, Mapping) and entry else entry


def check(data: Any) -> None:
    """Raise DataError, with file and line where they are known, unless the dict has the shape of a domain."""
    if not isinstance(data, Mapping):
        raise DataError(f"The domain is {_kind(data)}; expected a mapping with intents, slots, responses and so on.")
    for key, value in data.items():
        if key not in DOMAIN_KEYS and key not in OTHER_KEYS:
            raise _error(data, key, f"The domain has the unknown key '{key}'. Known are: {', '.join(DOMAIN_KEYS)}.")
        if value is not None and key in DOMAIN_KEYS:
            check_section(data, key)


def check_section(data: Mapping[str, Any], key: str) -> None:
    """As `check`, for one section, such as the responses in a file of training data."""
    value = data[key]
    expected = list if key in LISTS else Mapping
    if not isinstance(value, expected):
        wanted = "list" if expected is list else "mapping"
        raise _error(data, key, f"The domain's '{key}' is {_kind(value)}; expected a {wanted}.")
    if key in _CHECKS:
        _CHECKS[key](value)


def _check_intents(intents: list[Any]) -> None:
    seen = set()
    for number, intent in enumerate(intents):
        name = _intent_name(intents, number)
        if name in seen:
            raise _error(intents, number, f"The intent '{name}' is listed twice; remove or rename one of them.")
        seen.add(name)
        if isinstance(intent, Mapping):
            properties = _properties(intents, number, intent[name], f"intent '{name}'")
            for key in ("use_entities", "ignore_entities"):
                value = properties.get(key)
                if not (value is None or isinstance(value, bool) or _is_names(value)):
                    raise _error(properties, key, f"The intent '{name}' has {key}: {value!r}; expected entity names.")
            if properties.get("ignore_entities") is True:
                raise _error(
                    properties, "ignore_entities", f"The intent '{name}' has ignore_entities: true; list them."
                )


def _check_entities(entities: list[Any]) -> None:
    seen = set()
    for number, entity in enumerate(entities):
        for name in entity if isinstance(entity, Mapping) and entity else (entity,):
            if not isinstance(name, str) or not name:
                raise _error(entities, number, f"The entity {name!r} is not text; put the name in quotes.")
            if name in seen:
                raise _error(entities, number, f"The entity '{name}' is listed twice; remove or rename one of them.")
            seen.add(name)
            if not isinstance(entity, Mapping):
                continue
            properties = _properties(entities, number, entity[name], f"entity '{name}'")
            for key in ("roles", "groups"):
                labels = properties.get(key, [])
                if not _is_names(labels):
                    raise _error(
                        properties, key, f"The {key} of entity '{name}' have to be a list of text; quote numbers."
                    )


def _check_actions(actions: list[Any]) -> None:
    seen = set()
    for number, action in enumerate(actions):
        if isinstance(action, Mapping) and not action:
            raise _error(actions, number, "An entry under 'actions' is empty; expected an action's name.")
        for name in action if isinstance(action, Mapping) else (action,):
            if not isinstance(name, str) or not name:
                raise _error(actions, number, f"The action {name!r} is not text; put the name in quotes.")
            if name in seen:
                raise _error(actions, number, f"The action '{name}' is listed twice; remove one of them.")
            seen.add(name)
            if isinstance(action, Mapping):
                options = action[name]
                if not isinstance(options, Mapping) or not isinstance(options.get("send_domain", False), bool):
                    raise _error(
                        actions, number, f"The action '{name}' may only be followed by send_domain: true or false."
                    )


def _check_action_texts(texts: list[Any]) -> None:
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise _error(texts, number, f"The end-to-end action {text!r} is not text; put it in quotes.")


def _check_responses(responses: Mapping[str, Any]) -> None:
    for name, variations in responses.items():
        if not isinstance(name, str):
            raise _error(responses, name, f"The response name {name!r} is not text; put it in quotes.")
        if not isinstance(variations, list):
            raise _error(
                responses, name, f"The response '{name}' is {_kind(variations)}; expected a list of variations."
            )
        for number, variation in enumerate(variations):
            _check_variation(name, variations, number, variation)


def _check_variation(name: str, variations: list[Any], number: int, variation: Any) -> None:
    if not isinstance(variation, Mapping):
        raise _error(
            variations, number, f"A variation of '{name}' is {_kind(variation)}; expected `text: ...` or the like."
        )
    if variation.get("text") is None and not variation.get("custom"):
        raise _error(variations, number, f"A variation of '{name}' has neither 'text' nor 'custom'; add one of them.")
    kinds = {"text": str, "image": str, "channel": str, "id": str, "attachment": (Mapping, str), "custom": Mapping}
    kinds |= dict.fromkeys(("buttons", "quick_replies", "elements", "condition"), list)
    for key, value in variation.items():
        kind = kinds.get(key)
        if kind and value is not None and not isinstance(value, kind):  # type: ignore[arg-type]
            raise _error(
                variation, key, f"The '{key}' of response '{name}' is {_kind(value)}, which does not fit there."
            )
        if kind is list:
            for place_, item in enumerate(value or []):
                if not isinstance(item, Mapping):
                    raise _error(
                        value, place_, f"The '{key}' of response '{name}' holds {_kind(item)}; expected mappings."
                    )
    for condition in variation.get("condition") or []:
        if not isinstance(condition.get("name"), str):
            raise _error(
                condition, "name", f"A condition of response '{name}' names no slot; expected type, name, value."
            )


def _check_slots(slots: Mapping[str, Any]) -> None:
    for name, slot in slots.items():
        if not isinstance(name, str):
            raise _error(slots, name, f"The slot name {name!r} is not text; put it in quotes.")
        if not isinstance(slot, Mapping):
            raise _error(slots, name, f"The slot '{name}' is {_kind(slot)}; expected a mapping with type and mappings.")
        mappings = slot.get("mappings")
        if not isinstance(mappings, list):
            raise _error(
                slots,
                name,
                f"The slot '{name}' has no list of 'mappings'; say where its value comes from, "
                "or write `- type: custom` for one that only actions set.",
            )
        for number, mapping in enumerate(mappings):
            _check_mapping(name, mappings, number, mapping)


def _check_mapping(slot: str, mappings: list[Any], number: int, mapping: Any) -> None:
    if not isinstance(mapping, Mapping):
        raise _error(mappings, number, f"A mapping of slot '{slot}' is {_kind(mapping)}; expected `type: ...`.")
    kind = mapping.get("type")
    if not isinstance(kind, str) or kind not in MAPPING_KEYS:
        raise _error(
            mappings, number, f"A mapping of slot '{slot}' has the type {kind!r}; expected {', '.join(MAPPING_KEYS)}."
        )
    for key in MAPPING_KEYS[kind]:
        if mapping.get(key) is None:
            raise _error(mappings, number, f"The {kind} mapping of slot '{slot}' lacks '{key}'.")
    for key in ("intent", "not_intent"):
        names = mapping.get(key)
        listed = names if isinstance(names, list) else [names]
        if names is not None and not all(isinstance(each, str) for each in listed):
            raise _error(
                mapping, key, f"The '{key}' of a mapping of slot '{slot}' has to be an intent or a list of them."
            )
    for key in ("entity", "role", "group", "action"):
        if mapping.get(key) is not None and not isinstance(mapping[key], str):
            raise _error(mapping, key, f"The '{key}' of a mapping of slot '{slot}' is not text; put it in quotes.")
    conditions = mapping.get("conditions")
    if conditions is not None and not (isinstance(conditions, list) and all(map(_is_condition, conditions))):
        raise _error(
            mapping, "conditions", f"The conditions of slot '{slot}' have to be a list of `active_loop: form` mappings."
        )


def _is_condition(condition: Any) -> bool:
    named = ("active_loop", "requested_slot")
    return isinstance(condition, Mapping) and all(isinstance(condition.get(key), (str, type(None))) for key in named)


def _check_forms(forms: Mapping[str, Any]) -> None:
    for name, form in forms.items():
        if not isinstance(name, str):
            raise _error(forms, name, f"The form name {name!r} is not text; put it in quotes.")
        if form is None:
            continue
        if not isinstance(form, Mapping):
            raise _error(forms, name, f"The form '{name}' is {_kind(form)}; expected a mapping with required_slots.")
        unknown = [key for key in form if key not in ("required_slots", "ignored_intents")]
        if unknown:
            raise _error(
                form,
                unknown[0],
                f"The form '{name}' has the unknown key '{unknown[0]}'; list its slots under required_slots.",
            )
        if form.get("ignored_intents") and "required_slots" not in form:
            raise _error(forms, name, f"The form '{name}' has ignored_intents, so it also needs required_slots.")
        ignored = form.get("ignored_intents") or []
        if not isinstance(ignored, str) and not _is_names(ignored):
            raise _error(form, "ignored_intents", f"The ignored_intents of form '{name}' have to be a list of intents.")
        slots = form.get("required_slots") or []
        if not _is_names(slots):
            raise _error(
                form, "required_slots", f"The required_slots of form '{name}' have to be a list of slot names."
            )


def _check_session(session: Mapping[str, Any]) -> None:
    minutes = session.get("session_expiration_time")
    if minutes is not None and (isinstance(minutes, bool) or not isinstance(minutes, (int, float)) or minutes < 0):
        raise _error(
            session, "session_expiration_time", f"session_expiration_time is {minutes!r}; expected minutes, 0 or more."
        )
    carry_over = session.get("carry_over_slots_to_new_session", True)
    if not isinstance(carry_over, bool):
        raise _error(
            session,
            "carry_over_slots_to_new_session",
            f"carry_over_slots_to_new_session is {carry_over!r}; expected true or false.",
        )


_CHECKS: dict[str, Callable[[Any], None]] = {
    "intents": _check_intents,
    "entities": _check_entities,
    "actions": _check_actions,
    "e2e_actions": _check_action_texts,
    "responses": _check_responses,
    "slots": _check_slots,
    "forms": _check_forms,
    "session_config": _check_session,
}


def merge(first: Mapping[str, Any], second: Mapping[str, Any], *, override: bool = False) -> dict[str, Any]:
    """Both domain dicts in one; of two entries of the same name `first`'s stays, with `override` `second`'s does.

    Entries that are new come in front (as Rasa 3.6 orders them), with `override` at the end.
    """
    if not first or not second:
        return dict(first or second)
    merged = dict(first)
    session = second.get("session_config")
    if session not in (None, DEFAULT_SESSION) and (override or merged.get("session_config") in (None, DEFAULT_SESSION)):
        merged["session_config"] = session
    if override and second.get("config"):
        merged["config"] = {**(merged.get("config") or {}), **second["config"]}
    for key in (*LISTS, *MAPPINGS):
        ours, theirs = merged.get(key) or [], second.get(key) or []
        if key == "actions":
            theirs = [action for action in theirs if name_of(action) not in (merged.get("forms") or {})]
        if key == "e2e_actions":
            merged[key] = sorted({*ours, *theirs})
            continue
        named = [part if key in MAPPINGS else {name_of(entry): entry for entry in part} for part in (theirs, ours)]
        if override:
            named.reverse()
        both = {**dict(named[0]), **dict(named[1])}
        merged[key] = both if key in MAPPINGS else list(both.values())
    return merged


def duplicates(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, list[str]]:
    """Names that both dicts define, by section; sections without any are left out."""
    found = {}
    for key in (*LISTS, *MAPPINGS):
        names = [{name_of(entry) for entry in part.get(key) or []} for part in (first, second)]
        if both := sorted(names[0] & names[1]):
            found[key] = both
    return found


def _intent_name(intents: list[Any], number: int) -> str:
    name = name_of(intents[number])
    if not isinstance(name, str) or not name:
        raise _error(intents, number, f"The intent {name!r} is not text; put the name in quotes.")
    if isinstance(intents[number], Mapping) and len(intents[number]) > 1:
        raise _error(intents, number, f"The intent '{name}' has other keys beside it; indent them below the name.")
    return name


def _properties(entries: list[Any], number: int, properties: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(properties, Mapping) or not properties:
        raise _error(
            entries,
            number,
            f"The {what} is followed by a colon and {_kind(properties)}; remove the colon, or indent its properties.",
        )
    return properties


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _error(container: Any, key: Any, message: str) -> DataError:
    file, line = place(container)
    return DataError(message, file=file, line=line_of(container, key) or line)


def _kind(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"{value}".lower()
    names = {dict: "a mapping", list: "a list", str: f"the text '{value}'"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), f"the number {value}")
