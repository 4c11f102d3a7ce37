"""Blocks: what stories are cut into where they fork or join; a Story record and a domain in, a list of blocks out.

A story is cut at its checkpoints and after each `or`, which makes a block for each of its alternatives.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from botapi.data.steps import ANY_VALUE, ActionStep, CheckpointStep, LoopStep, OrStep, SlotStep, Step, Story, UserStep
from botapi.names import RULE_SNIPPET
from botapi.state.domain import Domain
from botapi.state.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered
from botapi.state.slots import ListSlot, TextSlot

log = logging.getLogger(__name__)

# What a rule's `null` becomes: policies must tell "not set" from "not mentioned".
SHOULD_NOT_BE_SET = "should_not_be_set"
BEGIN = "the beginning of a conversation"
# What the name of a slot without a value stands for.
FILLED = "filled"


@dataclass(frozen=True)
class Checkpoint:
    """A place to join, with (slot, value) pairs that have to hold to pass it."""

    name: str
    slots: tuple[tuple[str, Any], ...] = ()
    is_generated: bool = False


@dataclass(frozen=True, eq=False)
class Block:
    """A part of a story between places where it forks or joins; `events` without the listens that the form implies."""

    story: Story
    starts: tuple[Checkpoint, ...]
    events: tuple[Event, ...] = ()
    ends: tuple[Checkpoint, ...] = ()


@dataclass
class _Cutter:
    """Cuts one story: steps in, blocks out; `current` are the blocks that the next step extends."""

    story: Story
    domain: Domain
    begins: list[Checkpoint] = field(default_factory=list)
    current: list[Block] = field(default_factory=list)
    done: list[Block] = field(default_factory=list)
    forks: int = 0

    def add_event(self, event: Event) -> None:
        self._open()
        self.current = [replace(block, events=(*block.events, event)) for block in self.current]

    def add_fork(self, events: Sequence[Event]) -> None:
        if len(events) == 1:
            self.add_event(events[0])
            return
        self._open()
        self.forks += 1
        # The name is unique since no other fork has this story object and number.
        end = Checkpoint(f"{id(self.story)}/{self.forks}", is_generated=True)
        self.current = [
            replace(block, events=(*block.events, event), ends=(end,)) for block in self.current for event in events
        ]

    def add_checkpoint(self, step: CheckpointStep) -> None:
        if not self.current:
            self.begins.append(Checkpoint(step.name, step.slots))
            return
        if step.slots:
            log.warning(
                "The checkpoint '%s' of '%s' has slots, but only one at the beginning of a story can have them; "
                "they are ignored (%s, line %s).",
                step.name, self.story.name, self.story.file, step.line,
            )  # fmt: skip
        end = Checkpoint(step.name)
        self.current = [replace(block, ends=(*block.ends, end)) for block in self.current]

    def blocks(self) -> list[Block]:
        return self.done + self.current

    def _open(self) -> None:
        """Make sure that there is a block to extend: a new one when those at hand have ended."""
        if self.current and not self.current[0].ends:
            return
        self.done.extend(self.current)
        ends = dict.fromkeys(end for block in self.current for end in block.ends)
        starts = tuple(ends) or tuple(self.begins) or (Checkpoint(BEGIN),)
        self.current = [Block(self.story, starts)]


def cut_story(story: Story, domain: Domain) -> list[Block]:
    """The blocks of a story or rule, with what its form implies: `...` for rules, and actions that nothing predicts."""
    cutter = _Cutter(story, domain)
    for step in story.condition:
        _add_step(cutter, step)
    if story.is_rule and not story.conversation_start:
        cutter.add_event(ActionExecuted(RULE_SNIPPET))
    for step in story.steps:
        _add_step(cutter, step)
    if story.is_rule and not story.wait_for_user_input:
        cutter.add_event(ActionExecuted(RULE_SNIPPET))
    return [_mark_first_action(block) for block in cutter.blocks()]


def _add_step(cutter: _Cutter, step: Step) -> None:
    if isinstance(step, CheckpointStep):
        cutter.add_checkpoint(step)
    elif isinstance(step, OrStep):
        if step.alternatives:
            cutter.add_fork([_event(cutter, alternative) for alternative in step.alternatives])
    else:
        cutter.add_event(_event(cutter, step))


def _event(cutter: _Cutter, step: Step) -> Event:
    if isinstance(step, UserStep):
        intent: dict[str, Any] = {"name": step.intent}
        if step.intent is not None:
            intent = {"name": step.intent, "full_retrieval_intent_name": step.full_intent, "confidence": 1.0}
        entities = [dict(entity) for entity in step.entities]
        return UserUttered(step.text, {"intent": intent, "entities": entities})
    if isinstance(step, ActionStep):
        # The place is for error messages only.
        place = {"file": cutter.story.file, "line": step.line}
        return ActionExecuted(step.name, action_text=step.text, metadata=place)
    is_rule = cutter.story.is_rule
    if isinstance(step, LoopStep):
        return ActiveLoop(SHOULD_NOT_BE_SET if is_rule and step.name is None else step.name)
    if isinstance(step, SlotStep):
        value = _value_of_name(cutter, step) if step.value is ANY_VALUE else step.value
        return SlotSet(step.name, SHOULD_NOT_BE_SET if is_rule and value is None else value)
    raise TypeError(f"unknown step {step!r}")


def _value_of_name(cutter: _Cutter, step: SlotStep) -> Any:
    """What "slot_was_set: - name" means for the slot's type."""
    slot = cutter.domain.slot_types.get(step.name)
    if isinstance(slot, TextSlot):
        return FILLED
    if isinstance(slot, ListSlot):
        return [FILLED]
    if slot is not None and slot.influence_conversation:
        log.warning(
            "'%s' names the slot '%s' without a value, which only slots of type text and list can go without; "
            "it counts as not set. Write the value (%s, line %s).",
            cutter.story.name, step.name, cutter.story.file, step.line,
        )  # fmt: skip
    return None


def _mark_first_action(block: Block) -> Block:
    """An action that opens a conversation follows from nothing, so it is never learned."""
    if all(start.name != BEGIN for start in block.starts):
        return block
    events = list(block.events)
    for index, event in enumerate(events):
        if isinstance(event, UserUttered):
            break
        if isinstance(event, ActionExecuted):
            events[index] = event.changed(unpredictable=True)
            break
    return replace(block, events=tuple(events))


def without_dead_forks(blocks: Sequence[Block]) -> list[Block]:
    """Drop blocks that stop at an `or` that nothing follows: they predict nothing."""
    started = {start.name for block in blocks for start in block.starts}
    kept = []
    for block in blocks:
        ends = tuple(end for end in block.ends if not end.is_generated or end.name in started)
        if block.ends and not ends:
            log.warning(
                "'%s' stops at an 'or' that nothing follows, so its last part is not learned. Add what the bot "
                "does then (%s, line %s).",
                block.story.name, block.story.file, block.story.line,
            )  # fmt: skip
        else:
            kept.append(block if ends == block.ends else replace(block, ends=ends))
    return kept
