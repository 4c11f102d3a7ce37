"""Notices what was not understood: a message with an intent in, `nlu_fallback` in front of the ranking out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botapi.data.examples import TrainingData
from botapi.names import NLU_FALLBACK
from botapi.nlu.calibration import DEFAULT_THRESHOLD
from botapi.nlu.component import FOUND_IN_TRAINING, Training
from botapi.nlu.message import Message


class FallbackClassifier:
    """`nlu_fallback` when the best intent is below `threshold`, or the second is closer than `ambiguity_threshold`.

    Without a threshold in the configuration it is what the classifier found from examples held back, or Rasa's 0.3.
    """

    OPTIONS: Mapping[str, Any] = {"threshold": FOUND_IN_TRAINING, "ambiguity_threshold": 0.1}

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._threshold, self._ambiguity_threshold = options["threshold"], options["ambiguity_threshold"]

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
        threshold = self._threshold
        if threshold != threshold:
            threshold = DEFAULT_THRESHOLD if message.suggested_threshold is None else message.suggested_threshold
        if self._is_clear(message, threshold):
            return
        message.intent = {"name": NLU_FALLBACK, "confidence": threshold}
        message.ranking.insert(0, dict(message.intent))

    def _is_clear(self, message: Message, threshold: float) -> bool:
        if message.intent is None or message.intent["confidence"] < threshold:
            return False
        if len(message.ranking) < 2:
            return True
        first, second = message.ranking[:2]
        return bool(first["confidence"] - second["confidence"] >= self._ambiguity_threshold)
