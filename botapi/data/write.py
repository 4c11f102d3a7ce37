"""Stories and training data as YAML: events of conversations, Story records or TrainingData in, text of a file out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from botapi import yamlfile
from botapi.data import markup
from botapi.data.examples import Example, TrainingData
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
from botapi.names import ACTION_LISTEN, ACTION_SESSION_START, ACTION_UNLIKELY_INTENT, RULE_SNIPPET
from botapi.state.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered
from botapi.yamlfile.scalars import FORBIDDEN

VERSION_LINE = 'version: "3.1"\n'
# Steps of the machinery: they happen in every conversation and are not written down.
UNWRITTEN_ACTIONS = (ACTION_LISTEN, ACTION_UNLIKELY_INTENT, ACTION_SESSION_START, RULE_SNIPPET)

Json = dict[str, Any]


def story_yaml(conversations: Sequence[Iterable[Event]], names: Sequence[str]) -> str:
    """Test stories, one for each conversation, as `GET /conversations/{id}/story` answers; names[i] is the i-th name.

    User messages are written with intent and text, entities marked in the text. Without any conversation, only the
    version is written. Characters that no YAML file may hold, which users can send, are written as U+FFFD.
    """
    stories = [
        {"story": _legible(name), "steps": [_legible(step) for step in map(event_step, events) if step]}
        for name, events in zip(names, conversations, strict=True)
    ]
    return VERSION_LINE + (yamlfile.dump({"stories": stories}, blocks=False) if stories else "")


def event_step(event: Event) -> Json | None:
    """One event as a step of a test story; None for events that leave no trace there."""
    if isinstance(event, UserUttered):
        return _message_step(event)
    if isinstance(event, ActionExecuted):
        if event.name in UNWRITTEN_ACTIONS:
            return None
        if event.name:
            return {"action": event.name}
        return {"bot": event.action_text} if event.action_text else None
    if isinstance(event, SlotSet):
        return {"slot_was_set": [{event.name: event.value}]}
    if isinstance(event, ActiveLoop):
        return {"active_loop": event.name}
    return None


def _message_step(event: UserUttered) -> Json:
    step: Json = {}
    if event.intent_name and not event.use_text_for_featurization:
        step["intent"] = event.full_retrieval_intent_name or event.intent_name
    if event.text:
        step["user"] = yamlfile.Block(markup.write(_unmarked(event.text), event.entities))
    return step


def _legible(value: Any) -> Any:
    if isinstance(value, str):
        return type(value)(FORBIDDEN.sub("\ufffd", value)) if FORBIDDEN.search(value) else value
    if isinstance(value, dict):
        return {_legible(key): _legible(item) for key, item in value.items()}
    return [_legible(item) for item in value] if isinstance(value, list) else value


def _unmarked(text: str) -> str:
    """The text without entity marks of its own, as in messages copied from training data: marks are not doubled."""
    try:
        return markup.read(text)[0]
    except DataError:
        return text


def stories_yaml(stories: Iterable[Story]) -> str:
    """Stories and rules as the text of a file that reads back as the same records."""
    told = list(stories)
    parts = {
        "stories": [{"story": story.name, **_story_parts(story)} for story in told if not story.is_rule],
        "rules": [{"rule": story.name, **_story_parts(story)} for story in told if story.is_rule],
    }
    parts = {name: entries for name, entries in parts.items() if entries}
    return VERSION_LINE + (yamlfile.dump(parts) if parts else "")


def _story_parts(story: Story) -> Json:
    parts: Json = {}
    if story.conversation_start:
        parts["conversation_start"] = True
    if story.condition:
        parts["condition"] = [_written_step(step) for step in story.condition]
    if story.metadata is not None:
        parts["metadata"] = story.metadata
    parts["steps"] = [_written_step(step) for step in story.steps]
    if not story.wait_for_user_input:
        parts["wait_for_user_input"] = False
    return parts


def _written_step(step: Step) -> Json:
    if isinstance(step, UserStep):
        return _written_user(step)
    if isinstance(step, ActionStep):
        return {"action": step.name} if step.name else {"bot": step.text}
    if isinstance(step, SlotStep):
        return {"slot_was_set": [_written_slot(step.name, step.value)]}
    if isinstance(step, LoopStep):
        return {"active_loop": step.name}
    if isinstance(step, CheckpointStep):
        slots = [_written_slot(name, value) for name, value in step.slots]
        return {"checkpoint": step.name, **({"slot_was_set": slots} if slots else {})}
    if isinstance(step, OrStep):
        return {"or": [_written_step(alternative) for alternative in step.alternatives]}
    raise TypeError(f"a step of type {type(step).__name__} can't be written")


def _written_slot(name: str, value: Any) -> Any:
    return name if value is ANY_VALUE else {name: value}


def _written_user(step: UserStep) -> Json:
    written: Json = {}
    if step.intent:
        written["intent"] = step.full_intent or step.intent
    if step.text:
        written["user"] = markup.write(step.text, step.entities)
    elif step.entities:
        written["entities"] = [_written_entity(entity) for entity in step.entities]
    return written


def _written_entity(entity: Json) -> Any:
    labels = {key: entity[key] for key in ("role", "group") if key in entity}
    if entity.get("value") == "" and not labels:
        return entity["entity"]
    return {entity["entity"]: entity.get("value"), **labels}


def nlu_yaml(data: TrainingData) -> str:
    """Training data as the text of a file: intents in order of appearance, synonyms, regexes, lookups, responses."""
    by_intent: dict[str, list[Example]] = {}
    for example in data.intent_examples():
        by_intent.setdefault(example.intent or "", []).append(example)
    items: list[Json] = [_written_intent(intent, examples) for intent, examples in by_intent.items()]
    items += _written_groups("synonym", ((str(value), text) for text, value in data.synonyms.items()))
    items += _written_groups("regex", ((regex["name"], regex["pattern"]) for regex in data.regexes))
    items += _written_groups("lookup", ((each["name"], text) for each in data.lookups for text in each["elements"]))
    parts: Json = {}
    if items:
        parts["nlu"] = items
    if data.responses:
        parts["responses"] = data.responses
    return VERSION_LINE + (yamlfile.dump(parts) if parts else "")


def _written_groups(kind: str, pairs: Iterable[tuple[str, str]]) -> list[Json]:
    groups: dict[str, list[str]] = {}
    for name, text in pairs:
        groups.setdefault(name, []).append(text)
    return [{kind: name, "examples": _dashed(texts)} for name, texts in groups.items()]


def _written_intent(intent: str, examples: list[Example]) -> Json:
    sentences = [markup.write(example.text, example.entities) for example in examples]
    common = next((example.metadata["intent"] for example in examples if "intent" in example.metadata), None)
    written: Json = {"intent": intent} if common is None else {"intent": intent, "metadata": common}
    if any("example" in example.metadata for example in examples) or any("\n" in sentence for sentence in sentences):
        written["examples"] = [
            {"text": sentence, **({"metadata": example.metadata["example"]} if "example" in example.metadata else {})}
            for sentence, example in zip(sentences, examples, strict=True)
        ]
    else:
        written["examples"] = _dashed(sentences)
    return written


def _dashed(texts: Iterable[str]) -> str:
    return "".join(f"- {text}\n" for text in texts)
