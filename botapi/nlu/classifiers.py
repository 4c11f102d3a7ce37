"""Learned intents (`LinearIntentClassifier`): examples in, a model out; then a message in, a ranking of intents out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botapi.data.examples import TrainingData
from botapi.nlu.component import Training
from botapi.nlu.learning import learn
from botapi.nlu.linear import LinearModel
from botapi.nlu.message import Message


class LinearIntentClassifier:
    """Ranks the intents; without intents to learn from, or with `intent_classification: false`, it does nothing."""

    OPTIONS: Mapping[str, Any] = {"intent_classification": True, "ranking_length": 10}

    def __init__(self, options: Mapping[str, Any], model: LinearModel | None) -> None:
        self._ranking_length = int(options["ranking_length"])
        self._model = model

    @classmethod
    def train(cls, options: Mapping[str, Any], data: TrainingData, training: Training) -> LinearIntentClassifier:
        examples = [(example.text, str(example.base_intent)) for example in data.intent_examples()]
        if not examples or not options["intent_classification"]:
            return cls(options, None)
        return cls(options, learn(examples, seed=training.seed))

    @classmethod
    def load(cls, options: Mapping[str, Any], members: Mapping[str, bytes]) -> LinearIntentClassifier:
        return cls(options, LinearModel.load(members) if members else None)

    def save(self) -> dict[str, bytes]:
        return self._model.save() if self._model else {}

    def process(self, message: Message) -> None:
        """Set intent and ranking; `ranking_length` 0 means all intents."""
        if self._model is None:
            return
        ranking = self._model.ranking(message.ngrams)[: self._ranking_length or None]
        message.ranking = [{"name": name, "confidence": confidence} for name, confidence in ranking]
        message.intent = dict(message.ranking[0])
        message.ranking_shown = True
