"""Learned intents (`LinearIntentClassifier`): examples in, a model out; then a message in, a ranking of intents out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botapi.data.examples import TrainingData
from botapi.errors import ModelError
from botapi.nlu.component import Training
from botapi.nlu.embedding import joined
from botapi.nlu.embedding.joined import Meaning
from botapi.nlu.learning import learn
from botapi.nlu.linear import TABLE_MEMBER, LinearModel
from botapi.nlu.message import Message
from botapi.nlu.tables import ADVICE, read_table, write_table

FALLBACK_MEMBER = "fallback.json"


class LinearIntentClassifier:
    """Ranks the intents; without intents to learn from, or with `intent_classification: false`, it does nothing.

    `threshold` is the confidence below which an answer is better taken for not understood, found from examples held
    back: what FallbackClassifier uses unless it is told another. `meaning` joins in where the pipeline has an encoder.
    """

    OPTIONS: Mapping[str, Any] = {"intent_classification": True, "ranking_length": 10}

    def __init__(
        self,
        options: Mapping[str, Any],
        model: LinearModel | None,
        threshold: float = 0.0,
        meaning: Meaning | None = None,
    ) -> None:
        self._ranking_length = int(options["ranking_length"])
        self._model, self._threshold, self._meaning = model, threshold, meaning

    @classmethod
    def train(cls, options: Mapping[str, Any], data: TrainingData, training: Training) -> LinearIntentClassifier:
        examples = [(example.text, str(example.base_intent)) for example in data.intent_examples()]
        if not examples or not options["intent_classification"]:
            return cls(options, None)
        earlier = LinearModel.load(training.earlier) if TABLE_MEMBER in training.earlier else None
        model, held_out = learn(examples, training.course(earlier))
        meaning = None
        if training.encode is not None:
            texts, targets = zip(*examples, strict=True)
            vectors = training.encode(texts, training.progress)
            meaning, held_out = joined.learn(model.labels, targets, vectors, held_out, training.seed)
        return cls(options, model, held_out.threshold(), meaning)

    @classmethod
    def load(cls, options: Mapping[str, Any], members: Mapping[str, bytes]) -> LinearIntentClassifier:
        if not members:
            return cls(options, None)
        threshold = read_table(members, FALLBACK_MEMBER, dict[str, float]).get("threshold", -1.0)
        if not 0 <= threshold <= 1:
            raise ModelError(f"Member {FALLBACK_MEMBER!r} of the model has no threshold from 0 to 1; {ADVICE}")
        model = LinearModel.load(members)
        has_meaning = joined.TABLE_MEMBER in members
        meaning = Meaning.load(members, len(model.labels)) if has_meaning else None
        return cls(options, model, threshold, meaning)

    def save(self) -> dict[str, bytes]:
        if self._model is None:
            return {}
        by_meaning = self._meaning.save() if self._meaning else {}
        return {FALLBACK_MEMBER: write_table({"threshold": self._threshold}), **self._model.save(), **by_meaning}

    def process(self, message: Message) -> None:
        """Set intent and ranking; `ranking_length` 0 means all intents."""
        if self._model is None:
            return
        scores = self._model.scores(message.words(self._model.features.shape))
        if self._meaning and message.vector is not None:
            scores = self._meaning.join(scores, message.vector)
        ranking = self._model.ranked(scores)[: self._ranking_length or None]
        message.ranking = [{"name": name, "confidence": confidence} for name, confidence in ranking]
        message.intent = dict(message.ranking[0])
        message.ranking_shown = True
        message.suggested_threshold = self._threshold
