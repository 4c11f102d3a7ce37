"""What a rule policy has learned: rules as lists of states in, those that fit a history out; JSON both ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from botapi.data.blocks import SHOULD_NOT_BE_SET
from botapi.names import ACTION_LISTEN
from botapi.policies.features import State, active_loop_of, state_from_json

# Values of rules about what happens inside a loop besides its own questions.
LOOP_WAS_INTERRUPTED = "loop_was_interrupted"
DO_NOT_PREDICT_LOOP_ACTION = "do_not_predict_loop_action"

Condition = tuple[str, str, Any]
Opening = tuple[str | None, str | None]


def rule_key(states: Sequence[State]) -> str:
    """The text that stands for a rule; its length says how particular the rule is, as in Rasa 3.6."""
    return json.dumps(list(states), sort_keys=True)


class Rule:
    """States, oldest first, and what follows from them: an action, or what the loop is told."""

    __slots__ = ("key", "loop", "opening", "outcome", "states", "turns")

    def __init__(self, states: Sequence[State], outcome: str) -> None:
        self.states = tuple(states)
        self.outcome = outcome
        self.key = rule_key(states)
        self.loop = active_loop_of(self.states[-1])
        # Newest turn first: the conditions of each, None for the very beginning of a conversation.
        self.turns = [_conditions(state) if state.get("prev_action") else None for state in reversed(self.states)]
        self.opening = opening(self.states[-1])

    def fits(self, state_at: Callable[[int], State | None]) -> bool:
        """Whether the states of a history, by turns back, meet all conditions."""
        for back, conditions in enumerate(self.turns):
            state = state_at(back)
            if state is None:
                return True
            if conditions is None:
                return "prev_action" not in state
            if "prev_action" not in state or not _meets(state, conditions):
                return False
        return True


def opening(state: State) -> Opening:
    """What rules are sorted by: (previous action, intent) of the newest turn."""
    previous = state.get("prev_action") or {}
    return (previous.get("action_name") or previous.get("action_text"), (state.get("user") or {}).get("intent"))


def _conditions(state: State) -> tuple[Condition, ...]:
    return tuple((part, name, value) for part, values in state.items() for name, value in values.items() if value)


def _meets(state: State, conditions: tuple[Condition, ...]) -> bool:
    for part, name, wanted in conditions:
        values = state.get(part)
        found = values.get(name) if values else None
        if wanted == SHOULD_NOT_BE_SET:
            if found and found != SHOULD_NOT_BE_SET:
                return False
        elif found != wanted:
            return False
    return True


class RuleTable:
    """Rules by key, and by the newest turn that they fit, so that few have to be tried."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules: dict[str, Rule] = {rule.key: rule for rule in rules}
        self._by_opening: dict[Opening, list[Rule]] = {}
        for rule in self.rules.values():
            self._by_opening.setdefault(rule.opening, []).append(rule)
        # Rules that can fit without an intent right after a message: the only ones that its text can fit.
        self.can_go_by_text = (ACTION_LISTEN, None) in self._by_opening

    def remove(self, key: str) -> None:
        rule = self.rules.pop(key)
        self._by_opening[rule.opening].remove(rule)

    def fitting(self, state_at: Callable[[int], State | None], newest: State) -> list[Rule]:
        previous, intent = opening(newest)
        candidates = self._by_opening.get((previous, None), ())
        found = [rule for rule in candidates if rule.fits(state_at)]
        if intent is not None:
            found += [rule for rule in self._by_opening.get((previous, intent), ()) if rule.fits(state_at)]
        return found


@dataclass
class RuleBook:
    """All that is learned from rules.

    `loops` say what interrupts a loop. `rule_only_*`: in rules but in no story. `hidden` are sources of predictions
    (keys of rules, or names of built-in ones) that no story contains.
    """

    rules: RuleTable = field(default_factory=RuleTable)
    loops: RuleTable = field(default_factory=RuleTable)
    rule_only_slots: tuple[str, ...] = ()
    rule_only_loops: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()

    def as_json(self) -> dict[str, Any]:
        return {
            "rules": [
                {"states": rule.states, "action": rule.outcome, "hidden": key in self.hidden}
                for key, rule in sorted(self.rules.rules.items())
            ],
            "loops": [{"states": rule.states, "event": rule.outcome} for _, rule in sorted(self.loops.rules.items())],
            "rule_only_slots": sorted(self.rule_only_slots),
            "rule_only_loops": sorted(self.rule_only_loops),
            "hidden": sorted(source for source in self.hidden if not source.startswith("[")),
        }

    @classmethod
    def from_json(cls, data: Any) -> RuleBook:
        """Raises AttributeError, KeyError, TypeError, ValueError or IndexError when the data have another form."""
        rules = [(Rule(_states(row["states"]), _text(row["action"])), row["hidden"]) for row in data["rules"]]
        loops = [Rule(_states(row["states"]), _text(row["event"])) for row in data["loops"]]
        return cls(
            RuleTable(rule for rule, _ in rules),
            RuleTable(loops),
            tuple(map(_text, data["rule_only_slots"])),
            tuple(map(_text, data["rule_only_loops"])),
            frozenset(map(_text, data["hidden"])) | {rule.key for rule, is_hidden in rules if is_hidden is True},
        )


def _states(data: Any) -> list[State]:
    return [state_from_json(state) for state in data]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, found {type(value).__name__}")
    return value
