"""What a policy is: a history in, its prediction out; and the prediction that the ensemble makes of all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from botapi.data.unroll import TrainingTracker
from botapi.policies.features import Features, History
from botapi.state.domain import Domain
from botapi.state.events import Event

Report = Callable[[str], None]


@dataclass(slots=True)
class PolicyPrediction:
    """What one policy says.

    `scores` holds only actions with a score above 0. `events` count whichever policy wins. `is_no_user_prediction`:
    made without a look at the user's message (a loop goes on); `is_end_to_end`: made from its text, not its intent.
    `hide_rule_turn`: made by a rule that no story contains, so that policies which learn from stories skip the turn.
    """

    scores: dict[str, float]
    policy: str
    priority: int
    events: list[Event] = field(default_factory=list)
    is_no_user_prediction: bool = False
    is_end_to_end: bool = False
    hide_rule_turn: bool = False


@dataclass(slots=True)
class Prediction:
    """The next action, and why.

    `scores` has all actions of the domain, in its order. `events` are to be applied before the action runs.
    `action` is a name, or for an end-to-end action its text, which `action_text` then holds too.
    """

    action: str
    confidence: float
    policy: str
    priority: int
    scores: dict[str, float]
    events: list[Event] = field(default_factory=list)
    is_no_user_prediction: bool = False
    is_end_to_end: bool = False
    hide_rule_turn: bool = False
    action_text: str | None = None


class Policy(Protocol):
    """A part of the ensemble; made with its dict of config.yml.

    `save` and `load` exchange JSON files by name; `load` raises ModelError for anything else.
    """

    name: str
    priority: int

    def train(self, trackers: Sequence[TrainingTracker], domain: Domain, features: Features) -> str:
        """Learn; gives a sentence about what was learned. Raises DataError when the data contradict each other."""

    def predict(self, history: History) -> PolicyPrediction:
        """Score the next actions."""

    def save(self) -> dict[str, bytes]:
        """What was learned, as files."""

    def load(self, files: Mapping[str, bytes], domain: Domain) -> None:
        """Take what `save` gave."""


def score_of_message(history: History, use_nlu_confidence: bool) -> float:
    """The score of an action that is known for sure: 1.0, or how sure understanding was of the message."""
    if not use_nlu_confidence:
        return 1.0
    return history.tracker.latest_message.intent.get("confidence", 1.0)
