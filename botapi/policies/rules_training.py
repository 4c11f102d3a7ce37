"""Learning from rules: training trackers in, a rule book out, or a DataError that names the rules that don't agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from botapi.data.blocks import SHOULD_NOT_BE_SET
from botapi.data.unroll import TrainingTracker
from botapi.errors import DataError
from botapi.names import ACTION_LISTEN, RULE_SNIPPET
from botapi.policies.features import Features, History, State, active_loop_of
from botapi.policies.rulebook import (
    DO_NOT_PREDICT_LOOP_ACTION,
    LOOP_WAS_INTERRUPTED,
    Rule,
    RuleBook,
    RuleTable,
    rule_key,
)
from botapi.state.domain import Domain
from botapi.state.events import ActionExecuted, ActionExecutionRejected, ActiveLoop, Event, SlotSet, UserUttered
from botapi.state.tracker import Tracker

MAX_MESSAGES_OF_RULE = 1
Example = tuple[list[State], str]


@dataclass(slots=True)
class Decision:
    """What the rules decide: an action or None, and the source (the key of a rule or the name of a built-in one)."""

    action: str | None = None
    source: str | None = None
    is_loop_interrupted: bool = False
    is_no_user_prediction: bool = False
    is_end_to_end: bool = False


def check_one_message(rules: Iterable[TrainingTracker]) -> None:
    """Refuse rules with several user messages: they would be stories that nothing may interrupt."""
    for rule in rules:
        messages = sum(type(event) is UserUttered for event in rule.tracker.events)
        if messages > MAX_MESSAGES_OF_RULE:
            raise DataError(
                f"The rule '{rule.name}' has {messages} user messages, but a rule can have only "
                f"{MAX_MESSAGES_OF_RULE}. Make it a story, or set restrict_rules: false for RulePolicy.",
                file=rule.story.file,
                line=rule.story.line,
            )


# ------------------------------------------------------------------------------------------------- completeness


def check_complete(rules: Sequence[TrainingTracker], domain: Domain, features: Features) -> None:
    """Refuse rules where an action does not set the slots or the loop that it sets in other rules."""
    slots, loops = _effects(rules, features)
    problems: list[tuple[TrainingTracker, str]] = []
    for rule in rules:
        states = features.states(rule.tracker)
        actions = [moment.action.name if moment.action else None for moment in rule.tracker.moments]
        for state, action in zip(states, [*actions, ACTION_LISTEN], strict=True):
            previous = (state.get("prev_action") or {}).get("action_name")
            if previous is None or RULE_SNIPPET in (previous, action):
                continue
            missing = slots.get(previous, set()) - set(state.get("slots") or ())
            if missing:
                problems.append((rule, _missing_slots(previous, rule.name, missing)))
            expected = loops.get(previous, set())
            loop = (state.get("active_loop") or {}).get("name")
            if expected and loop not in expected:
                problems.append((rule, _missing_loop(previous, rule.name, expected)))
    if problems:
        raise _error("Some rules are incomplete", problems, "What is not to be set has to be written as null.")


def _missing_slots(action: str, rule: str, slots: Iterable[str]) -> str:
    names = ", ".join(sorted(slots))
    return (
        f"the action '{action}' in the rule '{rule}' does not set the slot(s) {names}, which it sets in other rules; "
        "add slot_was_set after it, or wait_for_user_input: false if it is the last action"
    )


def _missing_loop(action: str, rule: str, loops: Iterable[str]) -> str:
    names = ", ".join(sorted("null" if loop == SHOULD_NOT_BE_SET else loop for loop in {*loops, action}))
    return (
        f"the form '{action}' in the rule '{rule}' does not set active_loop, which it sets in other rules; "
        f"add active_loop ({names}) after it, or wait_for_user_input: false if it is the last action"
    )


def _effects(rules: Iterable[TrainingTracker], features: Features) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """What follows each action in any rule: ({action: featurized slots}, {action: loops})."""
    slots: dict[str, set[str]] = defaultdict(set)
    loops: dict[str, set[str]] = defaultdict(set)
    featurized = features.featurized_slots
    for rule in rules:
        action: str | None = None
        for event in rule.tracker.events:
            if isinstance(event, ActionExecuted):
                action = event.name or event.action_text
            elif isinstance(event, UserUttered):
                # Slots that follow come from the message's entities.
                action = None
            elif action and isinstance(event, SlotSet) and event.name in featurized:
                slots[action].add(event.name)
            elif action and isinstance(event, ActiveLoop) and event.name:
                loops[action].add(event.name)
    return slots, loops


# ----------------------------------------------------------------------------------------------------- learning


def learn(trackers: Sequence[TrainingTracker], features: Features) -> RuleBook:
    """The rule book of all trackers; nothing in it is checked or hidden yet."""
    rule_examples = [example for t in trackers if t.is_rule for example in _rule_examples(t, features)]
    story_examples = [example for t in trackers if not t.is_rule for example in _examples(t, features)]
    rules: dict[str, Rule | None] = {}
    for states, action in rule_examples:
        shown = _after_snippet(states)
        if not shown:
            continue
        rule = Rule(shown, action)
        known = rules.setdefault(rule.key, rule)
        if known is None or known.outcome != action:
            # The same situation with different ends: neither counts, and the check for contradictions says so.
            rules[rule.key] = None
    rule_slots, rule_loops = _slots_and_loops(rule_examples)
    story_slots, story_loops = _slots_and_loops(story_examples)
    return RuleBook(
        RuleTable(rule for rule in rules.values() if rule is not None and rule.outcome != RULE_SNIPPET),
        RuleTable(_loop_rules([*rule_examples, *story_examples])),
        tuple(sorted(rule_slots - story_slots)),
        tuple(sorted(rule_loops - story_loops - {SHOULD_NOT_BE_SET})),
    )


def _examples(tracker: TrainingTracker, features: Features) -> Iterator[Example]:
    states = features.states(tracker.tracker)
    for index, moment in enumerate(tracker.tracker.moments):
        action = moment.action
        if action is not None and not action.unpredictable:
            yield states[: index + 1], action.name or action.action_text or ""


def _rule_examples(tracker: TrainingTracker, features: Features) -> Iterator[Example]:
    """Examples of a rule, where a slot counts only once the rule has set it: initial values are no conditions."""
    touched = [moment.touched_slots for moment in tracker.tracker.moments]
    for states, action in _examples(tracker, features):
        yield [_with_slots(state, names) for state, names in zip(states, touched, strict=False)], action


def _with_slots(state: State, names: Collection[str]) -> State:
    """The state with these slots only."""
    slots = {name: value for name, value in state.get("slots", {}).items() if name in names}
    rest = {part: values for part, values in state.items() if part != "slots"}
    return {**rest, "slots": slots} if slots else rest


def _after_snippet(states: Sequence[State]) -> list[State]:
    """The states after the last one that follows `...`, which stands for any conversation before."""
    shown: list[State] = []
    for state in reversed(states):
        if (state.get("prev_action") or {}).get("action_name") == RULE_SNIPPET:
            break
        shown.insert(0, state)
    return shown


def _loop_rules(found: Iterable[Example]) -> Iterator[Rule]:
    """What stories and rules tell of interruptions: after which answer the loop goes on, or does not."""
    for states, action in found:
        loop = active_loop_of(states[-1])
        if not loop:
            continue
        has_listened = (states[-1].get("prev_action") or {}).get("action_name") == ACTION_LISTEN
        if has_listened and action == loop:
            outcome = LOOP_WAS_INTERRUPTED
        elif not has_listened and action != loop:
            outcome = DO_NOT_PREDICT_LOOP_ACTION
        else:
            continue
        # The turn before tells only which action came last: not what the user said.
        before = states[-2].get("prev_action") if len(states) > 1 else None
        shown = _after_snippet([{"prev_action": before}, states[-1]] if before else [states[-1]])
        if shown:
            yield Rule(shown, outcome)


def _slots_and_loops(found: Iterable[Example]) -> tuple[set[str], set[str]]:
    slots: set[str] = set()
    loops: set[str] = set()
    for states, _ in found:
        for state in states:
            slots.update(state.get("slots", ()))
            if "active_loop" in state:
                loops.add(state["active_loop"]["name"])
    return slots, loops


# ----------------------------------------------------------------------------------------------- contradictions


class ContradictionCheck:
    """Runs the policy over its own training data; `unmatched` is what it predicts in a rule when no rule fits."""

    def __init__(
        self, book: RuleBook, decide: Callable[[History], Decision], features: Features, unmatched: str
    ) -> None:
        self.book = book
        self.decide = decide
        self.features = features
        self.unmatched = unmatched
        # {source of a prediction: (name of the rule that has it, action in that rule)}
        self.sources: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
        self.places: dict[str, str] = {}

    def run(self, trackers: Sequence[TrainingTracker], builtin: set[str]) -> frozenset[str]:
        """Sources of predictions that no story contains; DataError where data contradict a rule."""
        rules = [tracker for tracker in trackers if tracker.is_rule]
        self.places = {rule.name: f"{rule.story.file}, line {rule.story.line}" for rule in rules if rule.story.file}
        for rule in rules:
            for decision, gold in self._predictions(rule):
                if decision.source in builtin:
                    self.sources[decision.source].append((decision.source, decision.action))
                elif decision.source is not None:
                    self.sources[decision.source].append((rule.name, gold))
        used: set[str] = set()
        problems: list[tuple[TrainingTracker, str]] = []
        for tracker in trackers:
            for decision, gold in self._predictions(tracker):
                if decision.action == gold:
                    if not tracker.is_rule and decision.source is not None:
                        used.add(decision.source)
                elif problem := self._problem(tracker, decision, gold):
                    problems.append((tracker, problem))
        if problems:
            raise _error("Some rules contradict others, or stories", problems, "Change or remove one of each pair.")
        return frozenset((set(self.sources) | builtin) - used)

    def _predictions(self, tracker: TrainingTracker) -> Iterator[tuple[Decision, str]]:
        """(decision, the action that really follows) at each action that can be predicted."""
        running = Tracker(tracker.name, tracker.tracker.slot_types.values(), is_rule=tracker.is_rule)
        is_first = True
        for event in tracker.tracker.applied_events():
            if not isinstance(event, ActionExecuted):
                running.apply(event)
                continue
            if event.name == RULE_SNIPPET:
                is_first = True
            elif is_first or event.unpredictable:
                is_first = False
            else:
                gold = event.name or event.action_text or ""
                yield self._decision(running, gold), gold
            running.apply(event)

    def _decision(self, tracker: Tracker, gold: str) -> Decision:
        decision = self._plain_decision(tracker)
        loop = tracker.active_loop_name
        if loop and decision.action != gold and decision.action == loop:
            # A loop always wants to go on; where the data do not, it has rejected.
            rejection: Event = ActionExecutionRejected(loop)
            tracker.apply(rejection)
            decision = self._plain_decision(tracker)
        return decision

    def _plain_decision(self, tracker: Tracker) -> Decision:
        history = History(tracker, self.features)
        decision = self.decide(history)
        if decision.action is None and tracker.is_rule:
            decision.action = self.unmatched
            if decision.source is None:
                states = self.features.states(tracker)
                states[-1] = history.state(0) or {}
                shown = _after_snippet(states)
                decision.source = rule_key(shown) if shown else None
        return decision

    def _problem(self, tracker: TrainingTracker, decision: Decision, gold: str) -> str | None:
        if decision.action is None or not decision.source:
            return None
        if self._is_refined(tracker, decision):
            self.book.rules.remove(decision.source)
            return None
        rules = sorted({name for name, action in self.sources[decision.source] if action != gold})
        if not rules:
            return None
        named = ", ".join(f"'{name}'" + (f" ({self.places[name]})" if name in self.places else "") for name in rules)
        kind = "rule" if tracker.is_rule else "story"
        predicted = "" if decision.action == self.unmatched else f", which says '{decision.action}'"
        return f"the action '{gold}' in the {kind} '{tracker.name}' contradicts {named}{predicted}"

    def _is_refined(self, tracker: TrainingTracker, decision: Decision) -> bool:
        """Whether a rule that only says "then listen" after an action gives way to rules that say more about it."""
        source = decision.source or ""
        if tracker.is_rule or source.count("prev_action") > 1 or decision.action != ACTION_LISTEN:
            return False
        if source not in self.book.rules.rules:
            return False
        return any(key.startswith(source[:-2]) and key != source for key in self.book.rules.rules)


def _error(what: str, problems: Sequence[tuple[TrainingTracker, str]], advice: str) -> DataError:
    lines = list(dict.fromkeys(f"- {text}" for _, text in problems))
    story = problems[0][0].story
    return DataError(f"{what}:\n" + "\n".join(lines) + f"\n{advice}", file=story.file, line=story.line)
