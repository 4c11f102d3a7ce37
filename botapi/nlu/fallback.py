"""Notices what was not understood: a message with an intent in, `nlu_fallback` in front of the ranking out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botapi.data.examples import TrainingData
from botapi.names import NLU_FALLBACK
from botapi.nlu.component import Training
from botapi.nlu.message import Message


class FallbackClassifier:
    """`nlu_fallback` when the best intent is below `threshold`, or the second is closer than `ambiguity_threshold`."""

    OPTIONS: Mapping[str, Any] = {"threshold": 0.3, "ambiguity_threshold": 0.1}

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.threshold, self.ambiguity_threshold = options["threshold"], options["ambiguity_threshold"]

    @classmethod
    def train(cls, options: Mapping[str, Any], data: TrainingData, training: Training) -> FallbackClassifier:
        return cls(options)

    @classmethod
    def load(cls, options: Mapping[str, Any], members: Mapping[str, bytes]) -> FallbackClassifier:
        return cls(options)

    def save(self) -> dict[str, bytes]:
        return {}

    def process(self, message: Message) -> None:
        """Replace the intent; the fallback's confidence is the threshold, as in Rasa 3.6."""
        if self._is_clear(message):
            return
        message.intent = {"name": NLU_FALLBACK, "confidence": self.threshold}
        message.ranking.insert(0, dict(message.intent))

    def _is_clear(self, message: Message) -> bool:
        if message.intent is None or message.intent["confidence"] < self.threshold:
            return False
        if len(message.ranking) < 2:
            return True
        first, second = message.ranking[:2]
        return bool(first["confidence"] - second["confidence"] >= self.ambiguity_threshold)
