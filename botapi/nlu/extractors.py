"""Learned entities (`CRFEntityExtractor`): examples in, a tagger out; then a message in, its entities out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from botapi.data.examples import TrainingData
from botapi.errors import ConfigError
from botapi.nlu.component import Training
from botapi.nlu.message import Message
from botapi.nlu.splitting import Splitting, names_with_commas
from botapi.nlu.tables import read_table, write_table
from botapi.nlu.tagging import gazetteer, weights
from botapi.nlu.tagging.features import DEFAULT_FEATURES, WITHOUT_EFFECT, TagFeatures, read_features
from botapi.nlu.tagging.learning import Recipe, learn
from botapi.nlu.tagging.tagger import Found, Tagger

# A penalty above this leaves no weight in any case; far above, numbers overflow.
MOST_PENALTY = 1e6
WHOLE_MEMBER = "whole.json"
MEMBERS = frozenset((*weights.MEMBERS, *gazetteer.MEMBERS, WHOLE_MEMBER))


class CRFEntityExtractor:
    """Finds the entities that are marked in the examples, with roles and groups; without any it does nothing."""

    NAME = "CRFEntityExtractor"
    OPTIONS: Mapping[str, Any] = {
        "BILOU_flag": True,
        "split_entities_by_comma": {},
        "features": DEFAULT_FEATURES,
        "max_iterations": Recipe.iterations,
        "L1_c": Recipe.l1,
        "L2_c": Recipe.l2,
    }

    def __init__(self, options: Mapping[str, Any], tagger: Tagger | None, splitting: Splitting) -> None:
        self._tagger, self._splitting = tagger, splitting

    @classmethod
    def train(cls, options: Mapping[str, Any], data: TrainingData, training: Training) -> CRFEntityExtractor:
        largest = max(options["L1_c"], options["L2_c"])
        if largest > MOST_PENALTY:
            raise ConfigError(f"Option 'L1_c' or 'L2_c' is {largest}; expected {MOST_PENALTY} at most")
        recipe = Recipe(
            iterations=int(options["max_iterations"]),
            l1=options["L1_c"],
            l2=options["L2_c"],
            separate=options["BILOU_flag"],
            with_intents=training.intents_known,
        )
        lists = read_features(options["features"])
        tagger = learn(data, lists, recipe, seed=training.seed, report=training.report)
        return cls(options, tagger, Splitting(options["split_entities_by_comma"], names_with_commas(data)))

    @classmethod
    def load(cls, options: Mapping[str, Any], members: Mapping[str, bytes]) -> CRFEntityExtractor:
        if not members:
            return cls(options, None, Splitting(True, ()))
        splitting = Splitting(options["split_entities_by_comma"], read_table(members, WHOLE_MEMBER, list[str]))
        return cls(options, Tagger.load(members, TagFeatures(read_features(options["features"]))), splitting)

    def save(self) -> dict[str, bytes]:
        if self._tagger is None:
            return {}
        return {**self._tagger.save(), WHOLE_MEMBER: write_table(sorted(self._splitting.whole))}

    def process(self, message: Message) -> None:
        """Add the entities, except those that an earlier extractor found at the same place."""
        if self._tagger is None:
            return
        intent = message.intent["name"] if message.intent else None
        found = self._splitting.apply(message.text, self._tagger.find(message.text, intent))
        message.add_entities(self._as_dict(message.text, entity) for entity in found)

    def _as_dict(self, text: str, found: Found) -> dict[str, Any]:
        """The entity in Rasa's shape."""
        label = found.label
        entity: dict[str, Any] = {
            "entity": label.entity,
            "start": found.start,
            "end": found.end,
            "confidence_entity": found.entity_confidence,
        }
        if label.role:
            entity |= {"role": label.role, "confidence_role": found.role_confidence}
        if label.group:
            entity |= {"group": label.group, "confidence_group": found.group_confidence}
        return {**entity, "value": text[found.start : found.end], "extractor": self.NAME}


def without_effect(options: Mapping[str, Any], given: Iterable[str]) -> set[str]:
    """Names in `features` that mean nothing here."""
    names = {name for names in read_features(options["features"]) for name in names}
    return {f"{name} of features" for name in names & WITHOUT_EFFECT}
