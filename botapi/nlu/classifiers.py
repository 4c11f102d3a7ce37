"""Learned intents (`LinearIntentClassifier`): examples in, a model out; then a message in, a ranking of intents out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botapi.data.examples import TrainingData
from botapi.errors import ModelError
from botapi.nlu.component import Training
from botapi.nlu.message import Message
from botapi.nlu.tables import ADVICE, read_table, write_table
from botapi.nlu.textmodel import TextModel

FALLBACK_MEMBER = "fallback.json"


class LinearIntentClassifier:
    """Ranks the intents; without intents to learn from, or with `intent_classification: false`, it does nothing.

    `threshold` is the confidence below which an answer is better taken for not understood, found from examples held
    back: what FallbackClassifier uses unless it is told another.
    """

    OPTIONS: Mapping[str, Any] = {"intent_classification": True, "ranking_length": 10}

    def __init__(self, options: Mapping[str, Any], model: TextModel | None, threshold: float = 0.0) -> None:
        self._ranking_length = int(options["ranking_length"])
        self._model, self._threshold = model, threshold

    @classmethod
    def train(cls, options: Mapping[str, Any], data: TrainingData, training: Training) -> LinearIntentClassifier:
        examples = [(example.text, str(example.base_intent)) for example in data.intent_examples()]
        if not examples or not options["intent_classification"]:
            return cls(options, None)
        model, held_out = TextModel.learn(examples, training)
        return cls(options, model, held_out.threshold())

    @classmethod
    def load(cls, options: Mapping[str, Any], members: Mapping[str, bytes]) -> LinearIntentClassifier:
        if not members:
            return cls(options, None)
        threshold = read_table(members, FALLBACK_MEMBER, dict[str, float]).get("threshold", -1.0)
        if not 0 <= threshold <= 1:
            raise ModelError(f"Member {FALLBACK_MEMBER!r} of the model has no threshold from 0 to 1; {ADVICE}")
        return cls(options, TextModel.load(members), threshold)

    def save(self) -> dict[str, bytes]:
        if self._model is None:
            return {}
        return {FALLBACK_MEMBER: write_table({"threshold": self._threshold}), **self._model.save()}

    def process(self, message: Message) -> None:
        """Set intent and ranking; `ranking_length` 0 means all intents."""
        if self._model is None:
            return
        ranking = self._model.ranking(message)[: self._ranking_length or None]
        message.ranking = [{"name": name, "confidence": confidence} for name, confidence in ranking]
        message.intent = dict(message.ranking[0])
        message.ranking_shown = True
        message.suggested_threshold = self._threshold
