"""The policy that generalises from stories, under the name TEDPolicy: a history in, actions with confidences out.

Stories, augmented ones too, give sets of features (see clues.py) with the action that follows; a linear model learns
them. The cost of a prediction depends on the window of turns, not on the length of the conversation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from botapi.data.unroll import TrainingTracker
from botapi.names import ACTION_UNLIKELY_INTENT
from botapi.policies.clues import clues, gist, what_happened, window
from botapi.policies.features import LISTENED, Features, History, State, StateKey, state_key, without_text
from botapi.policies.learner import Examples, Learner
from botapi.policies.options import IGNORED, damaged, dump_json, load_json, read_options
from botapi.policies.policy import PolicyPrediction
from botapi.state.domain import Domain
from botapi.state.tracker import Tracker

FILE = "learned.json"
# How many turns are looked at where the configuration does not say; a message and its answer are three.
WINDOW = 10
SEED = 42


class LearnedPolicy:
    """Predicts what stories like this one did.

    It predicts only actions that stories have, and nothing after a message or an action that no story has. With
    stories that hold the user's words in place of an intent, it predicts by words, too, and the surer one counts.
    """

    name = "TEDPolicy"
    defaults: Mapping[str, Any] = {
        "priority": 1,
        "max_history": None,
        "e2e_confidence_threshold": 0.5,
        "ranking_length": 0,
        "renormalize_confidences": False,
        "random_seed": None,
    }

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._unused = unused(config, self.defaults)
        options = read_options(self.name, {key: config[key] for key in config.keys() & self.defaults}, self.defaults)
        self.priority: int = options["priority"]
        self.window: int = options["max_history"] or WINDOW
        self.options = options
        self._least_by_text: float = options["e2e_confidence_threshold"]
        self._learner: Learner | None = None
        self._knows_words = False

    def train(self, trackers: Sequence[TrainingTracker], domain: Domain, features: Features) -> str:
        examples = Examples()
        for turns, action in steps(trackers, features, self.window):
            self._knows_words = self._knows_words or "text" in turns[0].get("user", ())
            examples.add(clues(turns), action)
            # Without this, a message in an unusual place would be taken for the usual message in that place.
            examples.add(gist(turns), action)
        self._learner = Learner.learn(examples, seed_of(self.options)) if len(examples) else None
        return summary(len(examples), self._unused)

    def learn_on(self, tracker: Tracker, features: Features, rounds: int) -> int:
        """Learn the actions of a conversation, beside what stories taught; gives how many situations that were."""
        examples = Examples()
        for view, moment in features.story_views(tracker):
            action = moment.action
            if view.seen is None or view.is_hidden or action is None or action.unpredictable or action.hide_rule_turn:
                continue
            if turns := window(view.seen, self.window):
                # As `predict` looks at it, by intent.
                examples.add(clues([without_text(turns[0]), *turns[1:]]), action.name or action.action_text or "")
        if len(examples):
            before = self._learner or Learner([], {})
            self._learner = before.learned_on(examples, seed_of(self.options), rounds)
        return len(examples)

    def predict(self, history: History) -> PolicyPrediction:
        turns = window(history.story_view.seen, self.window)
        spoken = self._in_words(history, turns)
        by_intent = self._scores([without_text(turns[0]), *turns[1:]]) if turns else {}
        by_text = self._scores(spoken) if spoken else {}
        surest = max(by_text.values(), default=0.0)
        goes_by_text = surest > max(self._least_by_text, max(by_intent.values(), default=0.0))
        scores = self._ranked(by_text if goes_by_text else by_intent)
        return PolicyPrediction(scores, self.name, self.priority, is_end_to_end=goes_by_text)

    def _in_words(self, history: History, turns: list[State]) -> list[State]:
        """The turns with the words of a message just come in place of its intent; empty if that tells nothing."""
        if not self._knows_words or not turns or turns[0].get("prev_action") != LISTENED:
            return []
        user = history.state_by_text().get("user")
        return [{**turns[0], "user": user}, *turns[1:]] if user else []

    def _scores(self, turns: Sequence[State]) -> dict[str, float]:
        learner = self._learner
        if learner is None or not any(feature in learner for feature in what_happened(turns[0])):
            return {}
        return learner.confidences(clues(turns))

    def _ranked(self, scores: dict[str, float]) -> dict[str, float]:
        length = self.options["ranking_length"]
        if not 0 < length < len(scores):
            return scores
        kept = dict(sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:length])
        whole = sum(kept.values()) if self.options["renormalize_confidences"] else 1.0
        return {action: confidence / whole for action, confidence in kept.items()}

    def save(self) -> dict[str, bytes]:
        learned = self._learner.as_json() if self._learner else None
        return {FILE: dump_json({"model": learned, "knows_words": self._knows_words})}

    def load(self, files: Mapping[str, bytes], domain: Domain) -> None:
        data = load_json(self.name, files, FILE)
        try:
            self._knows_words = bool(data["knows_words"])
            self._learner = Learner.from_json(data["model"]) if data["model"] is not None else None
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise damaged(self.name, f"{FILE} has another form than expected") from error
        if self._learner and not all(action in domain.action_index for action in self._learner.labels):
            raise damaged(self.name, f"{FILE} names actions that the domain does not have")


def steps(trackers: Iterable[TrainingTracker], features: Features, size: int) -> Iterator[tuple[list[State], str]]:
    """(the last turns, newest first; the action after them) for each action that stories teach, each pair once."""
    numbers: dict[StateKey, int] = {}
    known = set()
    for tracker in trackers:
        if tracker.is_rule:
            continue
        turns: list[State] = []
        keys: tuple[int, ...] = ()
        for state, moment in zip(features.states(tracker.tracker), tracker.tracker.moments, strict=False):
            if state.get("prev_action", {}).get("action_name") != ACTION_UNLIKELY_INTENT:
                turns = [state, *turns[: size - 1]]
                keys = (numbers.setdefault(state_key(state), len(numbers)), *keys[: size - 1])
            action = moment.action
            if action is None or action.unpredictable or action.name == ACTION_UNLIKELY_INTENT:
                continue
            name = action.name or action.action_text or ""
            if (keys, name) not in known:
                known.add((keys, name))
                yield turns, name


def unused(config: Mapping[str, Any], used: Collection[str]) -> list[str]:
    """Options that say how a neural network learns: existing files have many."""
    return sorted(str(key) for key in config if key not in used and key not in IGNORED)


def summary(situations: int, unused_options: Sequence[str]) -> str:
    """What a training says: how much was learned, and which options did nothing."""
    text = f"{situations} different situations" if situations else "there are no stories to learn from"
    return f"{text}; {', '.join(unused_options)} without effect on a linear model" if unused_options else text


def seed_of(options: Mapping[str, Any]) -> int:
    return SEED if options["random_seed"] is None else int(options["random_seed"])
