"""What classifiers and selectors learn: texts with labels in; then a message in, a ranking of the labels out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from botapi.nlu.calibration import HeldOut
from botapi.nlu.component import Training
from botapi.nlu.embedding import joined
from botapi.nlu.embedding.joined import Meaning
from botapi.nlu.learning import Examples, learn
from botapi.nlu.linear import TABLE_MEMBER, LinearModel
from botapi.nlu.message import Message
from botapi.progress import part


class TextModel:
    """A linear model of words; `meaning` joins in where the pipeline has an encoder."""

    def __init__(self, words: LinearModel, meaning: Meaning | None = None) -> None:
        self._words, self._meaning = words, meaning

    @classmethod
    def learn(cls, examples: Examples, training: Training) -> tuple[TextModel, HeldOut]:
        """A model for (text, label) examples, of which there must be one, and what it said of those held back."""
        earlier = LinearModel.load(training.earlier) if TABLE_MEMBER in training.earlier else None
        course = training.course(earlier)
        if training.encode is None:
            words, held_out = learn(examples, course)
            return cls(words), held_out
        texts, labels = zip(*examples, strict=True)
        vectors = training.encode(texts, part(training.progress, 0.0, 0.5))
        words, held_out = learn(examples, replace(course, progress=part(training.progress, 0.5, 1.0)))
        meaning, held_out = joined.learn(words.labels, labels, vectors, held_out, training.seed)
        return cls(words, meaning), held_out

    @classmethod
    def load(cls, members: Mapping[str, bytes]) -> TextModel:
        """The model that `save` wrote (ModelError)."""
        words = LinearModel.load(members)
        return cls(words, Meaning.load(members, len(words.labels)) if joined.TABLE_MEMBER in members else None)

    def save(self) -> dict[str, bytes]:
        return {**self._words.save(), **(self._meaning.save() if self._meaning else {})}

    def ranking(self, message: Message) -> list[tuple[str, float]]:
        """(label, confidence), best first."""
        scores = self._words.scores(message.words(self._words.features.shape))
        if self._meaning and message.vector is not None:
            scores = self._meaning.join(scores, message.vector)
        return self._words.ranked(scores)
