"""The policy that follows rules: a history in, the action that a rule, a loop or a default wants next out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botapi.data.unroll import TrainingTracker
from botapi.errors import ConfigError
from botapi.names import (
    ACTION_BACK,
    ACTION_DEFAULT_FALLBACK,
    ACTION_LISTEN,
    ACTION_RESTART,
    ACTION_SESSION_START,
    INTENT_BACK,
    INTENT_RESTART,
    INTENT_SESSION_START,
)
from botapi.policies import rules_training
from botapi.policies.features import Features, History
from botapi.policies.options import damaged, dump_json, load_json, read_options
from botapi.policies.policy import PolicyPrediction, score_of_message
from botapi.policies.rulebook import DO_NOT_PREDICT_LOOP_ACTION, LOOP_WAS_INTERRUPTED, Rule, RuleBook
from botapi.policies.rules_training import Decision
from botapi.state.domain import Domain
from botapi.state.events import LoopInterrupted
from botapi.state.livestate import LoopState

FILE = "rules.json"
# Intents that mean the same in every bot; a loop's turn or a rule about text is all that comes before them.
DEFAULT_INTENT_ACTIONS = {
    INTENT_RESTART: ACTION_RESTART,
    INTENT_BACK: ACTION_BACK,
    INTENT_SESSION_START: ACTION_SESSION_START,
}


@dataclass(slots=True)
class _Found:
    """What the rules say: an action or None, the key of the rule that says it, and whether a loop was interrupted."""

    action: str | None = None
    source: str | None = None
    is_interrupted: bool = False


NOTHING_FOUND = _Found()


class RulePolicy:
    """Follows rules; in a loop, the loop goes first until it rejects. Where no rule fits, it proposes the fallback."""

    name = "RulePolicy"
    defaults: Mapping[str, Any] = {
        "priority": 4,
        "core_fallback_threshold": 0.3,
        "core_fallback_action_name": ACTION_DEFAULT_FALLBACK,
        "enable_fallback_prediction": True,
        "restrict_rules": True,
        "check_for_contradictions": True,
        "use_nlu_confidence_as_score": False,
        # Rules have no length limit, whatever the configuration says.
        "max_history": None,
    }

    def __init__(self, config: Mapping[str, Any]) -> None:
        options = read_options(self.name, config, self.defaults)
        self.priority: int = options["priority"]
        self.use_nlu_confidence: bool = options["use_nlu_confidence_as_score"]
        self.fallback_action: str = options["core_fallback_action_name"]
        self.options = options
        self._base: dict[str, float] = {}
        if options["enable_fallback_prediction"] and options["core_fallback_threshold"] > 0:
            self._base = {self.fallback_action: float(options["core_fallback_threshold"])}
        self.book = RuleBook()

    def train(self, trackers: Sequence[TrainingTracker], domain: Domain, features: Features) -> str:
        self._check_fallback(domain)
        trackers = [tracker for tracker in trackers if not tracker.is_augmented]
        rules = [tracker for tracker in trackers if tracker.is_rule]
        if self.options["restrict_rules"]:
            rules_training.check_one_message(rules)
        if self.options["check_for_contradictions"]:
            rules_training.check_complete(rules, domain, features)
        self.book = rules_training.learn(trackers, features)
        if self.options["check_for_contradictions"]:
            unmatched = self.fallback_action if self._base else ACTION_LISTEN
            check = rules_training.ContradictionCheck(self.book, self.decide, features, unmatched)
            builtin = {default_source(intent) for intent in DEFAULT_INTENT_ACTIONS}
            builtin.update(source for loop in domain.form_names for source in (loop_source(loop), listen_source(loop)))
            self.book.hidden = check.run(trackers, builtin)
        else:
            self.book.rule_only_slots = self.book.rule_only_loops = ()
        return f"{len(self.book.rules.rules)} rules"

    def predict(self, history: History) -> PolicyPrediction:
        decision = self.decide(history)
        scores = self._base.copy()
        if decision.action is not None:
            scores[decision.action] = score_of_message(history, self.use_nlu_confidence)
        return PolicyPrediction(
            scores,
            self.name,
            self.priority,
            [LoopInterrupted(True)] if decision.is_loop_interrupted else [],
            decision.is_no_user_prediction,
            decision.is_end_to_end,
            decision.source is not None and decision.source in self.book.hidden,
        )

    def decide(self, history: History) -> Decision:
        """The action that follows, or None, and which rule says so."""
        tracker = history.tracker
        by_text = NOTHING_FOUND
        if tracker.latest_action_name == ACTION_LISTEN:
            if self.book.rules.can_go_by_text or self.book.loops.can_go_by_text:
                by_text = self._find(history, by_text=True)
            # Defaults go before all but rules about the text.
            intent = tracker.latest_message.intent_name
            action = DEFAULT_INTENT_ACTIONS.get(intent) if intent else None
            if action is not None and by_text.action is None:
                return Decision(action, default_source(intent or ""))
        action, source = self._loop_action(history)
        if action is not None:
            return Decision(action, source, is_no_user_prediction=True)
        if by_text.action is not None:
            return Decision(by_text.action, by_text.source, by_text.is_interrupted, is_end_to_end=True)
        found = self._find(history, by_text=False)
        return Decision(found.action, found.source, by_text.is_interrupted or found.is_interrupted)

    def save(self) -> dict[str, bytes]:
        return {FILE: dump_json(self.book.as_json())}

    def load(self, files: Mapping[str, bytes], domain: Domain) -> None:
        self._check_fallback(domain)
        data = load_json(self.name, files, FILE)
        try:
            self.book = RuleBook.from_json(data)
        except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
            raise damaged(self.name, f"{FILE} has another form than expected") from error
        if any(rule.outcome not in domain.action_index for rule in self.book.rules.rules.values()):
            raise damaged(self.name, f"{FILE} names actions that the domain does not have")

    def _check_fallback(self, domain: Domain) -> None:
        if self.fallback_action not in domain.action_index:
            raise ConfigError(
                f"RulePolicy has core_fallback_action_name: {self.fallback_action}, but the domain has no such action "
                "or response. Add it to the domain, or name another."
            )

    def _loop_action(self, history: History) -> tuple[str | None, str | None]:
        """The active loop itself, or a listen when it has just run; nothing when it rejected."""
        tracker = history.tracker
        loop = _known_loop(history)
        if loop is None or loop.rejected:
            return None, None
        latest = tracker.latest_action
        if latest and latest.get("action_name") != loop.name:
            return loop.name, loop_source(loop.name)
        if tracker.latest_action_name == loop.name:
            return ACTION_LISTEN, listen_source(loop.name)
        return None, None

    def _find(self, history: History, *, by_text: bool) -> _Found:
        """What follows from the rules that fit; the most particular one counts."""
        if by_text:
            newest = history.state_by_text()

            def state_at(back: int) -> Any:
                return history.state(back) if back else newest
        else:
            state_at = history.state
            newest = history.state(0) or {}
        rules = self.book.rules.fitting(state_at, newest)
        # Longest key first; among equals the order of keys, so that the result is always the same.
        best = max(rules, key=_particularity) if rules else None
        action = best.outcome if best else None
        source = best.key if best else None
        loop = _known_loop(history)
        if loop is None:
            return _Found(action, source)
        told = {rule.outcome for rule in self.book.loops.fitting(state_at, newest)}
        if best is not None and action == ACTION_LISTEN and best.loop is None:
            # A rule that knows nothing of the loop is done: the loop goes on, unless stories go on otherwise.
            if DO_NOT_PREDICT_LOOP_ACTION not in told:
                return _Found(loop.name, source)
            action = None
        return _Found(action, source, LOOP_WAS_INTERRUPTED in told)


def _known_loop(history: History) -> LoopState | None:
    """The active loop; one that the domain lacks, such as a form of an older model, counts as none."""
    loop = history.tracker.active_loop
    return loop if loop is not None and loop.name in history.features.domain.action_index else None


def _particularity(rule: Rule) -> tuple[int, str]:
    return len(rule.key), rule.key


def default_source(intent: str) -> str:
    return f"default action for the intent {intent}"


def loop_source(loop: str) -> str:
    return f"handling of the loop {loop}"


def listen_source(loop: str) -> str:
    return f"handling of the loop {loop}, then {ACTION_LISTEN}"
