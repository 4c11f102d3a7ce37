"""The ensemble: a list of policies from config.yml and training trackers in; a prediction for each tracker out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from botapi.data.unroll import TrainingTracker
from botapi.errors import ConfigError, DataError
from botapi.names import ACTION_LISTEN
from botapi.policies.features import Features, History
from botapi.policies.learned import LearnedPolicy
from botapi.policies.memoization import AugmentedMemoizationPolicy, MemoizationPolicy
from botapi.policies.options import damaged, dump_json, load_json
from botapi.policies.policy import Policy, PolicyPrediction, Prediction, Report
from botapi.policies.rules import RulePolicy
from botapi.policies.unexpected import UnexpectedIntentPolicy
from botapi.progress import Progress, untold
from botapi.state.domain import Domain
from botapi.state.events import ActionExecuted, ActionExecutionRejected, UserFeaturization
from botapi.state.tracker import Tracker

log = logging.getLogger(__name__)

POLICIES: dict[str, Callable[[Mapping[str, Any]], Policy]] = {
    "MemoizationPolicy": MemoizationPolicy,
    "AugmentedMemoizationPolicy": AugmentedMemoizationPolicy,
    "RulePolicy": RulePolicy,
    "UnexpecTEDIntentPolicy": UnexpectedIntentPolicy,
    "TEDPolicy": LearnedPolicy,
}
REMOVED = {
    "MappingPolicy": "Write a rule for each intent that triggers an action",
    "FallbackPolicy": "Set core_fallback_threshold of RulePolicy, and add FallbackClassifier to the pipeline",
    "TwoStageFallbackPolicy": "Write a rule from nlu_fallback to action_two_stage_fallback",
    "FormPolicy": "RulePolicy runs forms",
    "KerasPolicy": "Use MemoizationPolicy or TEDPolicy",
    "SklearnPolicy": "Use MemoizationPolicy or TEDPolicy",
    "EmbeddingPolicy": "Use TEDPolicy",
}
DEFAULT_POLICIES: tuple[dict[str, Any], ...] = tuple(
    {"name": name} for name in ("MemoizationPolicy", "RulePolicy", "TEDPolicy")
)
SHARED_FILE = "ensemble.json"


class Ensemble:
    """The policies of a model. Safe to use from several threads: predicting changes only caches.

    `rule_only`, {"slots": [...], "loops": [...]}: what no story mentions, hidden from policies that learn from stories.
    """

    def __init__(self, policies: Sequence[Policy], domain: Domain, rule_only: Mapping[str, Sequence[str]]) -> None:
        self.policies = list(policies)
        self.domain = domain
        self.rule_only = {key: sorted(rule_only[key]) for key in ("slots", "loops")}
        self._features = Features(domain, self.rule_only["slots"], self.rule_only["loops"])
        self._no_scores = dict.fromkeys(domain.action_names, 0.0)

    @classmethod
    def train(
        cls,
        config: Sequence[Mapping[str, Any]] | None,
        trackers: Sequence[TrainingTracker],
        domain: Domain,
        *,
        report: Report = log.warning,
        progress: Progress = untold,
    ) -> Ensemble:
        """An ensemble that has learned; without configuration DEFAULT_POLICIES. `report` gets warnings, `progress` the
        part of the policies that have learned.

        Raises ConfigError for wrong configuration, DataError for data that contradict each other or the domain.
        """
        policies = _make(config)
        _check_use(policies, trackers, domain, report)
        _check_actions(trackers, domain)
        features = Features(domain)
        rule_only: dict[str, Sequence[str]] = {"slots": (), "loops": ()}
        for number, policy in enumerate(policies, 1):
            log.info("%s: %s", policy.name, policy.train(trackers, domain, features))
            progress(number / len(policies))
            if isinstance(policy, RulePolicy):
                rule_only = {"slots": policy.book.rule_only_slots, "loops": policy.book.rule_only_loops}
        return cls(policies, domain, rule_only)

    def predict(self, tracker: Tracker, domain: Domain | None = None) -> Prediction:
        """The next action; always the same for the same events. `domain` is the model's own and may be left out."""
        history = History(tracker, self._features)
        predictions = [policy.predict(history) for policy in self.policies]
        rejected = _rejected_action(tracker)
        if rejected is not None:
            for prediction in predictions:
                prediction.scores.pop(rejected, None)
        best = self._best(predictions)
        events = [event for prediction in predictions for event in prediction.events]
        if tracker.latest_action_name == ACTION_LISTEN:
            events.append(UserFeaturization(best.is_end_to_end))
        scores = {**self._no_scores, **best.scores}
        action, confidence = self._first_of_highest(best.scores)
        return Prediction(
            action,
            confidence,
            best.policy,
            best.priority,
            scores,
            events,
            best.is_no_user_prediction,
            best.is_end_to_end,
            best.hide_rule_turn,
            action if action in self.domain.action_texts else None,
        )

    @property
    def can_learn_on(self) -> bool:
        return any(isinstance(policy, LearnedPolicy) for policy in self.policies)

    def learn_on(self, tracker: Tracker, rounds: int) -> int:
        """Let policies that can go on learning, from one conversation; gives how many situations they learned."""
        learning = [policy for policy in self.policies if isinstance(policy, LearnedPolicy)]
        return max((policy.learn_on(tracker, self._features, rounds) for policy in learning), default=0)

    def save(self) -> dict[str, bytes]:
        """Files by name: `NN-<policy>/<file>`, and ensemble.json with what all share."""
        names = [policy.name for policy in self.policies]
        files = {SHARED_FILE: dump_json({"policies": names, "rule_only": self.rule_only})}
        for number, policy in enumerate(self.policies):
            for name, content in policy.save().items():
                files[f"{_folder(number, policy)}/{name}"] = content
        return files

    @classmethod
    def load(cls, config: Sequence[Mapping[str, Any]] | None, members: Mapping[str, bytes], domain: Domain) -> Ensemble:
        """An ensemble from what `save` gave; ModelError when that is damaged or was made with other policies."""
        policies = _make(config)
        shared = load_json("ensemble", members, SHARED_FILE)
        try:
            rule_only = {key: [str(name) for name in shared["rule_only"][key]] for key in ("slots", "loops")}
            names = list(shared["policies"])
        except (AttributeError, KeyError, TypeError) as error:
            raise damaged("ensemble", f"{SHARED_FILE} has another form than expected") from error
        if names != [policy.name for policy in policies]:
            raise damaged("ensemble", f"it has the policies {names}, which the configuration does not have")
        for number, policy in enumerate(policies):
            folder = _folder(number, policy) + "/"
            policy.load({n[len(folder) :]: content for n, content in members.items() if n.startswith(folder)}, domain)
        return cls(policies, domain, rule_only)

    def _best(self, predictions: Sequence[PolicyPrediction]) -> PolicyPrediction:
        """The winner: predictions without a look at the user first, then those by text, score, and priority."""
        candidates = list(predictions)
        if any(prediction.is_no_user_prediction for prediction in candidates):
            candidates = [prediction for prediction in candidates if prediction.is_no_user_prediction]
        elif any(prediction.is_end_to_end for prediction in candidates):
            candidates = [prediction for prediction in candidates if prediction.is_end_to_end]
        # max gives the first of equals.
        return max(candidates, key=lambda found: (max(found.scores.values(), default=0.0), found.priority))

    def _first_of_highest(self, scores: Mapping[str, float]) -> tuple[str, float]:
        """The action with the highest score, the domain's first among equals; with no scores a listen at 0.0."""
        index = self.domain.action_index
        if not scores or max(scores.values()) <= 0.0:
            return self.domain.action_names[0], 0.0
        action = min(scores, key=lambda name: (-scores[name], index[name]))
        return action, scores[action]


def _make(config: Sequence[Mapping[str, Any]] | None) -> list[Policy]:
    policies: list[Policy] = []
    for entry in config or DEFAULT_POLICIES:
        given = entry.get("name") if isinstance(entry, Mapping) else None
        # Rasa 3.6 takes a class path, too: the class's name is what counts.
        name = given.rsplit(".", 1)[-1] if isinstance(given, str) else given
        if name not in POLICIES:
            raise ConfigError(_unknown(name, given))
        policies.append(POLICIES[str(name)](entry))
    return policies


def _unknown(name: Any, given: Any) -> str:
    if isinstance(name, str) and name in REMOVED:
        return f"The policy {name} no longer exists. {REMOVED[name]}, and remove it from policies in config.yml."
    return f"config.yml names the policy {given!r}, which is unknown. The policies are {', '.join(POLICIES)}."


def _folder(number: int, policy: Policy) -> str:
    return f"{number:02d}-{policy.name}"


def _rejected_action(tracker: Tracker) -> str | None:
    """The action that refused to run, when none ran since."""
    for event in reversed(tracker.events):
        if isinstance(event, ActionExecutionRejected):
            return event.name
        if isinstance(event, ActionExecuted):
            return None
    return None


def _check_use(policies: Sequence[Policy], trackers: Iterable[TrainingTracker], domain: Domain, report: Report) -> None:
    if any(isinstance(policy, RulePolicy) for policy in policies):
        return
    if domain.forms:
        raise ConfigError(
            f"The domain has the form '{next(iter(domain.forms))}', which only RulePolicy can run. "
            "Add RulePolicy to policies in config.yml."
        )
    if any(tracker.is_rule for tracker in trackers):
        report("There are rules, but no RulePolicy in config.yml, so they have no effect. Add RulePolicy to policies.")


def _check_actions(trackers: Iterable[TrainingTracker], domain: Domain) -> None:
    for tracker in trackers:
        for event in tracker.tracker.events:
            if not isinstance(event, ActionExecuted):
                continue
            name = event.name or event.action_text
            if name not in domain.action_index:
                kind = "rule" if tracker.is_rule else "story"
                raise DataError(
                    f"The {kind} '{tracker.name}' has the action '{name}', which the domain does not have. "
                    "Add it to the domain's actions, responses or forms, or correct its name.",
                    file=event.metadata.get("file"),
                    line=event.metadata.get("line"),
                )
