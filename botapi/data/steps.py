"""Stories and rules in memory: what the story reader gives and the unroller turns into trackers; immutable records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class _Unnamed:
    """The one value of `ANY_VALUE`."""

    def __repr__(self) -> str:
        return "ANY_VALUE"


# A slot named in a story without a value: the domain's slot type decides what stands for "is set".
ANY_VALUE: Any = _Unnamed()


@dataclass(frozen=True)
class Step:
    """One line of a story; `line` is its place in the file, from 1."""

    line: int | None = field(default=None, kw_only=True, compare=False)


@dataclass(frozen=True)
class UserStep(Step):
    """The user says something: by `intent` (`entities` without places), by `text` (with places), or both (tests).

    `intent` is the base intent; `full_intent` is `faq/ask_name` where a response key was given.
    `entities` are {entity, value, role?, group?} dicts, with start and end when they come from `text`.
    """

    intent: str | None = None
    text: str | None = None
    entities: tuple[dict[str, Any], ...] = ()
    full_intent: str | None = None

    @property
    def is_end_to_end(self) -> bool:
        """Whether the text itself, not an intent, is what the policies learn from."""
        return self.intent is None


@dataclass(frozen=True)
class ActionStep(Step):
    """The bot runs the action `name`, or says `text` (end-to-end); exactly one of them is given."""

    name: str | None = None
    text: str | None = None


@dataclass(frozen=True)
class SlotStep(Step):
    """A slot has a value; None means that it is empty, ANY_VALUE that only its name was given."""

    name: str = ""
    value: Any = None


@dataclass(frozen=True)
class LoopStep(Step):
    """A form becomes active, or with None the active one ends."""

    name: str | None = None


@dataclass(frozen=True)
class CheckpointStep(Step):
    """A place where stories join: `slots` are (name, value) pairs that have to hold to pass."""

    name: str = ""
    slots: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class OrStep(Step):
    """One of several user messages or slot values."""

    alternatives: tuple[UserStep | SlotStep, ...] = ()


@dataclass(frozen=True)
class Story:
    """A story, or a rule with its condition steps (LoopStep and SlotStep only).

    `conversation_start`: the rule holds only at the start of a conversation; `wait_for_user_input` False: more follows.
    """

    name: str
    steps: tuple[Step, ...]
    is_rule: bool = False
    condition: tuple[Step, ...] = ()
    conversation_start: bool = False
    wait_for_user_input: bool = True
    metadata: Any = None
    file: str | None = None
    line: int | None = None
