"""The policy that notices unlikely messages, UnexpecTEDIntentPolicy: a history in, action_unlikely_intent or none out.

A linear model learns from stories which intents follow which turns. How well an intent fits is its score less the best
intent's. In training each intent gets a threshold; a message whose intent fits worse is unlikely, unless some story has
it after the same action.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botapi.data.unroll import TrainingTracker
from botapi.errors import ConfigError
from botapi.names import ACTION_UNLIKELY_INTENT
from botapi.policies.clues import action_of, clues, what_happened, window
from botapi.policies.features import LISTENED, Features, History, State
from botapi.policies.learned import WINDOW, seed_of, summary, unused
from botapi.policies.learner import Examples, Learner
from botapi.policies.options import damaged, dump_json, load_json, read_options
from botapi.policies.policy import PolicyPrediction
from botapi.state.domain import Domain
from botapi.state.events import ActionExecuted, UserUttered
from botapi.state.tracker import Tracker

FILE = "expected_intents.json"
# Which of several possible intents comes is chance: more rounds would only learn the stories by heart.
ROUNDS = 4
# Tolerances that are told apart: Rasa 3.6 has steps of 5 %.
TOLERANCE_STEPS = 20


class UnexpectedIntentPolicy:
    """Predicts action_unlikely_intent right after a message whose intent stories would not expect there.

    `tolerance` is the part of the situations without an intent, those that it fits best, in which it still would be
    no surprise. Intents that no story has, and those of `ignore_intents_list`, are never unlikely.
    """

    name = "UnexpecTEDIntentPolicy"
    defaults: Mapping[str, Any] = {"priority": 2, "max_history": None, "tolerance": 0.0, "random_seed": None}

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._unused = unused(config, [*self.defaults, "ignore_intents_list"])
        options = read_options(self.name, {key: config[key] for key in config.keys() & self.defaults}, self.defaults)
        ignored = config.get("ignore_intents_list") or []
        if not isinstance(ignored, list) or not all(isinstance(intent, str) for intent in ignored):
            raise ConfigError(f"{self.name} has ignore_intents_list: {ignored!r}; expected a list of intents.")
        if not 0 <= options["tolerance"] <= 1:
            raise ConfigError(f"{self.name} has tolerance: {options['tolerance']}; expected a number from 0 to 1.")
        self.priority: int = options["priority"]
        self.window: int = options["max_history"] or WINDOW
        self.options = options
        self._ignored = frozenset(ignored)
        self._learner: Learner | None = None
        self._thresholds: dict[str, float] = {}
        # (action, intent) of each message in a story that follows the action.
        self._usual: set[tuple[str | None, str]] = set()

    def train(self, trackers: Sequence[TrainingTracker], domain: Domain, features: Features) -> str:
        examples = Examples()
        for tracker in trackers:
            if not tracker.is_rule:
                for turns, intent in messages(tracker.tracker, features, self.window):
                    examples.add(clues(turns), intent)
                    self._usual.add((action_of(turns[0]), intent))
        if len(examples):
            self._learner = Learner.learn(examples, seed_of(self.options), ROUNDS)
            self._thresholds = _thresholds(self._learner, examples, self.options["tolerance"])
        return summary(len(examples), self._unused)

    def predict(self, history: History) -> PolicyPrediction:
        scores = {ACTION_UNLIKELY_INTENT: 1.0} if self._is_unlikely(history) else {}
        return PolicyPrediction(scores, self.name, self.priority)

    def _is_unlikely(self, history: History) -> bool:
        intent, learner = _intent_just_said(history), self._learner
        if learner is None or intent is None or intent in self._ignored or intent not in self._thresholds:
            return False
        seen = history.story_view.seen
        while seen is not None and seen.state.get("prev_action") == LISTENED:
            seen = seen.before
        turns = window(seen, self.window)
        # After what no story has, anything can follow.
        if not turns or not any(feature in learner for feature in what_happened(turns[0])):
            return False
        if (action_of(turns[0]), intent) in self._usual:
            return False
        return learner.fits(clues(turns))[learner.labels.index(intent)] < self._thresholds[intent]

    def save(self) -> dict[str, bytes]:
        learned = self._learner.as_json() if self._learner else None
        usual = sorted(self._usual, key=repr)
        return {FILE: dump_json({"model": learned, "thresholds": self._thresholds, "usual": usual})}

    def load(self, files: Mapping[str, bytes], domain: Domain) -> None:
        data = load_json(self.name, files, FILE)
        try:
            self._thresholds = {str(intent): float(least) for intent, least in data["thresholds"].items()}
            self._usual = {(action, intent) for action, intent in data["usual"]}
            self._learner = Learner.from_json(data["model"]) if data["model"] is not None else None
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise damaged(self.name, f"{FILE} has another form than expected") from error
        if not self._thresholds.keys() <= set(self._learner.labels if self._learner else ()):
            raise damaged(self.name, f"{FILE} has thresholds for intents that it did not learn")


def _intent_just_said(history: History) -> str | None:
    """The intent of the last message, if nothing was done since."""
    for event in reversed(history.tracker.applied_events()):
        if isinstance(event, ActionExecuted):
            return None
        if isinstance(event, UserUttered):
            return event.intent_name
    return None


def messages(tracker: Tracker, features: Features, size: int) -> Iterator[tuple[list[State], str]]:
    """(the last turns before a message, newest first; its intent) for each; none where words stand for an intent."""
    states, moments = features.states(tracker), [*tracker.moments, tracker.now]
    if any("text" in state.get("user", ()) for state in states):
        return
    turns: list[State] = []
    said = moments[0].message
    for state, moment in zip(states, moments, strict=True):
        if moment.message is not said and turns and state.get("prev_action") == LISTENED:
            said = moment.message
            if "intent" in state["user"]:
                yield turns, state["user"]["intent"]
        turns = [state, *turns[: size - 1]]


def _thresholds(learner: Learner, examples: Examples, tolerance: float) -> dict[str, float]:
    """How well each intent has to fit: as in the worst situation that has it, or the best one that has not.

    The second is lower when the intent is hard to tell; of situations without it the best ones are left out as
    `tolerance` says.
    """
    names = list(examples.features)
    wanted = dict.fromkeys(learner.labels, 0.0)
    without = {label: array("d") for label in learner.labels}
    for numbers, labels in examples:
        fits = learner.fits([names[number] for number in numbers])
        for label, fit in zip(learner.labels, fits, strict=True):
            if label in labels:
                wanted[label] = min(wanted[label], fit)
            else:
                without[label].append(fit)
    left_out = min(int(tolerance * TOLERANCE_STEPS), TOLERANCE_STEPS - 1) / TOLERANCE_STEPS
    for label, found in without.items():
        if found:
            best = sorted(found)[int((len(found) - 1) * (1 - left_out))]
            # Just above: in the best of them, too, the intent is unlikely.
            wanted[label] = min(wanted[label], math.nextafter(best, 0.0))
    return wanted
