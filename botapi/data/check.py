"""Cross-file checks of a project: a Project in, findings (error or warning, with file and line where known) out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from botapi.data.project import Project
from botapi.data.steps import ActionStep, CheckpointStep, LoopStep, OrStep, SlotStep, Step, Story, UserStep
from botapi.names import DEFAULT_ACTIONS, DEFAULT_INTENTS, UTTER_PREFIX, VALIDATE_PREFIX
from botapi.state.domain import Domain

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Finding:
    """One fault: an error breaks the bot where it shows, a warning is most likely an oversight."""

    level: str
    message: str
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        where = ", ".join(([self.file] if self.file else []) + ([f"line {self.line}"] if self.line else []))
        return f"{self.level}: {self.message}{f' ({where})' if where else ''}"


def check(project: Project) -> list[Finding]:
    """All findings, errors first, each kind in the order of the files."""
    told = [*project.stories, *project.tests]
    found = [
        *_examples(project),
        *_duplicate_examples(project),
        *_patterns(project),
        *_stories(told, project.domain),
        *_checkpoints(project.stories),
        *_slots(project.domain),
        *_forms(project.domain),
        *_unused(project),
    ]
    return sorted(dict.fromkeys(found), key=lambda finding: finding.level != ERROR)


def _examples(project: Project) -> Iterator[Finding]:
    domain = project.domain
    for example in project.nlu.examples:
        at = (example.file, example.line)
        if example.base_intent not in domain.intent_properties:
            yield Finding(ERROR, f"The intent '{example.base_intent}' has examples but is not in the domain.", *at)
        for entity in example.entities:
            name = entity["entity"]
            if name not in domain.entities:
                yield Finding(ERROR, f"The entity '{name}' is marked in an example but is not in the domain.", *at)
            for key, labels in (("role", domain.roles), ("group", domain.groups)):
                if key in entity and entity[key] not in labels.get(name, []):
                    yield Finding(ERROR, f"The {key} '{entity[key]}' of entity '{name}' is not in the domain.", *at)
        if "/" in (example.intent or "") and f"{UTTER_PREFIX}{example.intent}" not in domain.responses:
            yield Finding(
                ERROR, f"The retrieval intent '{example.intent}' has no response utter_{example.intent}.", *at
            )
    known = set(project.nlu.intents) | set(DEFAULT_INTENTS)
    for intent in domain.intents:
        if project.nlu.examples and intent not in known:
            yield Finding(WARNING, f"The intent '{intent}' of the domain has no examples.")


def _duplicate_examples(project: Project) -> Iterator[Finding]:
    first: dict[str, tuple[str | None, int | None]] = {}
    for example in project.nlu.intent_examples():
        key = " ".join(example.text.lower().split())
        intent, line = first.setdefault(key, (example.intent, example.line))
        if intent != example.intent:
            message = f"'{example.text}' is an example of both '{intent}' (line {line}) and '{example.intent}'."
            yield Finding(WARNING, message, example.file, example.line)


def _patterns(project: Project) -> Iterator[Finding]:
    for regex in project.nlu.regexes:
        try:
            re.compile(regex["pattern"])
        except (re.error, OverflowError, RecursionError) as error:
            yield Finding(ERROR, f"The pattern {regex['pattern']!r} of regex '{regex['name']}' is not valid: {error}.")


def _stories(stories: Iterable[Story], domain: Domain) -> Iterator[Finding]:
    for story in stories:
        owner = f"{'rule' if story.is_rule else 'story'} '{story.name}'"
        for step in _flat((*story.condition, *story.steps)):
            for message in _step_faults(step, domain):
                yield Finding(ERROR, f"The {owner} {message}", story.file, step.line or story.line)
            if story.is_rule and isinstance(step, CheckpointStep):
                message = f"The {owner} has a checkpoint; rules can't have any, use a story."
                yield Finding(ERROR, message, story.file, step.line)


def _step_faults(step: Step, domain: Domain) -> Iterator[str]:
    if isinstance(step, UserStep):
        if step.intent is not None and step.intent not in domain.intent_properties:
            yield f"uses the intent '{step.intent}', which is not in the domain."
        for entity in step.entities:
            if entity["entity"] not in domain.entities:
                yield f"uses the entity '{entity['entity']}', which is not in the domain."
    elif isinstance(step, ActionStep):
        if step.name is not None and step.name not in domain.action_index:
            yield f"uses the action '{step.name}', which is not in the domain."
    elif isinstance(step, SlotStep):
        if step.name not in domain.slot_types:
            yield f"uses the slot '{step.name}', which is not in the domain."
    elif isinstance(step, LoopStep):
        if step.name is not None and step.name not in domain.forms and step.name not in domain.action_index:
            yield f"uses the form '{step.name}', which is not in the domain."
    elif isinstance(step, CheckpointStep):
        for name, _ in step.slots:
            if name not in domain.slot_types:
                yield f"checks the slot '{name}', which is not in the domain."


def _checkpoints(stories: Iterable[Story]) -> Iterator[Finding]:
    """Checkpoints that lead nowhere, or that nothing leads to."""
    ends: dict[str, tuple[str | None, int | None]] = {}
    starts: dict[str, tuple[str | None, int | None]] = {}
    for story in stories:
        is_start = True
        for step in story.steps:
            is_start = is_start and isinstance(step, CheckpointStep)
            if isinstance(step, CheckpointStep):
                (starts if is_start else ends).setdefault(step.name, (story.file, step.line))
    for name, at in ends.items():
        if name not in starts:
            yield Finding(WARNING, f"No story begins with the checkpoint '{name}'.", *at)
    for name, at in starts.items():
        if name not in ends:
            yield Finding(WARNING, f"No story leads to the checkpoint '{name}'.", *at)


def _slots(domain: Domain) -> Iterator[Finding]:
    for slot in domain.slots:
        for mapping in slot.mappings:
            entity = mapping.get("entity")
            if entity is not None and entity not in domain.entities:
                yield Finding(ERROR, f"The slot '{slot.name}' is filled from the entity '{entity}', which is unknown.")
            for key in ("intent", "not_intent"):
                names = mapping.get(key) or []
                for name in names if isinstance(names, list) else [names]:
                    if name not in domain.intent_properties:
                        yield Finding(ERROR, f"A mapping of slot '{slot.name}' names the unknown intent '{name}'.")
            for condition in mapping.get("conditions") or []:
                form = condition.get("active_loop")
                if form is not None and form not in domain.forms:
                    yield Finding(ERROR, f"A mapping of slot '{slot.name}' names the unknown form '{form}'.")


def _forms(domain: Domain) -> Iterator[Finding]:
    for form in domain.form_names:
        for slot in domain.required_slots(form):
            if slot not in domain.slot_types:
                yield Finding(ERROR, f"The form '{form}' requires the slot '{slot}', which is not in the domain.")
            elif not any(
                f"{start}{middle}{slot}" in domain.action_index
                for start in ("utter_ask_", "action_ask_")
                for middle in (f"{form}_", "")
            ):
                yield Finding(WARNING, f"The form '{form}' has no response utter_ask_{slot} to ask for its slot.")
        for intent in domain.ignored_intents(form):
            if intent not in domain.intent_properties:
                yield Finding(ERROR, f"The form '{form}' ignores the intent '{intent}', which is not in the domain.")


def _unused(project: Project) -> Iterator[Finding]:
    domain = project.domain
    if not project.stories:
        return
    steps = [step for story in project.stories for step in _flat((*story.condition, *story.steps))]
    used = Counter(step.intent for step in steps if isinstance(step, UserStep))
    mapped = {str(mapping.get("intent")) for slot in domain.slots for mapping in slot.mappings}
    for intent in domain.intents:
        if intent not in used and intent not in DEFAULT_INTENTS and intent not in mapped:
            yield Finding(WARNING, f"The intent '{intent}' is used in no story and no rule.")
    actions = {step.name for step in steps if isinstance(step, ActionStep)}
    for action in domain.user_actions:
        is_asked_by_name = action.startswith(("utter_ask_", "action_ask_", VALIDATE_PREFIX))
        is_used = action in actions or action in DEFAULT_ACTIONS or is_asked_by_name or "/" in action
        if not is_used and action not in ("utter_default", "action_validate_slot_mappings"):
            yield Finding(WARNING, f"The action '{action}' is used in no story and no rule.")


def _flat(steps: Iterable[Step]) -> Iterator[Step]:
    for step in steps:
        if isinstance(step, OrStep):
            yield from step.alternatives
        else:
            yield step
