"""Intents and entities in one part (`DIETClassifier`): a linear classifier, then a tagger that knows the intent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from botapi.data.examples import TrainingData
from botapi.nlu.classifiers import LinearIntentClassifier
from botapi.nlu.component import Training
from botapi.nlu.extractors import MEMBERS, CRFEntityExtractor
from botapi.nlu.message import Message


class DIETEntityExtractor(CRFEntityExtractor):
    """The half for entities, named in them as Rasa names it."""

    NAME = "DIETClassifier"


class DIETClassifier:
    """Serves the configurations of Rasa's neural network; `intent_classification` and `entity_recognition` choose."""

    OPTIONS: Mapping[str, Any] = {
        **LinearIntentClassifier.OPTIONS,
        "entity_recognition": True,
        "BILOU_flag": True,
        "split_entities_by_comma": {},
    }

    def __init__(self, intents: LinearIntentClassifier, entities: CRFEntityExtractor | None) -> None:
        self._intents, self._entities = intents, entities

    @classmethod
    def train(cls, options: Mapping[str, Any], data: TrainingData, training: Training) -> DIETClassifier:
        intents = LinearIntentClassifier.train(options, data, training)
        if not options["entity_recognition"]:
            return cls(intents, None)
        known = training.intents_known or bool(options["intent_classification"] and data.intents)
        return cls(
            intents, DIETEntityExtractor.train(_with_defaults(options), data, replace(training, intents_known=known))
        )

    @classmethod
    def load(cls, options: Mapping[str, Any], members: Mapping[str, bytes]) -> DIETClassifier:
        intents = {name: body for name, body in members.items() if name not in MEMBERS}
        classifier = LinearIntentClassifier.load(options, intents)
        if not options["entity_recognition"]:
            return cls(classifier, None)
        entities = {name: body for name, body in members.items() if name in MEMBERS}
        return cls(classifier, DIETEntityExtractor.load(_with_defaults(options), entities))

    def save(self) -> dict[str, bytes]:
        return {**self._intents.save(), **(self._entities.save() if self._entities else {})}

    def process(self, message: Message) -> None:
        self._intents.process(message)
        if self._entities:
            self._entities.process(message)


def _with_defaults(options: Mapping[str, Any]) -> dict[str, Any]:
    return {**CRFEntityExtractor.OPTIONS, **options}
