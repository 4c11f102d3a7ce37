"""The pipeline: configuration and training data in, a list of components out; then a text in, parse data out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from botapi.data.examples import TrainingData
from botapi.errors import ModelError
from botapi.nlu.catalogue import DEFAULT_PIPELINE, Step, default_pipeline, read_pipeline
from botapi.nlu.component import Component, Training
from botapi.nlu.countvectors import CountVectorsFeaturizer, shape_of
from botapi.nlu.embedding.featurizer import LanguageModelFeaturizer
from botapi.nlu.message import Message
from botapi.nlu.regexfeaturizer import RegexFeaturizer, with_patterns
from botapi.progress import Progress, part, untold

log = logging.getLogger(__name__)


class Pipeline:
    """Trained components in order. `config` is the configuration they were made from, as JSON-able dicts."""

    def __init__(self, config: list[dict[str, Any]], parts: list[tuple[str, Component]]) -> None:
        self.config = config
        self._parts = parts

    @classmethod
    def train(
        cls,
        config: Sequence[Mapping[str, Any]] | None,
        language: str,
        data: TrainingData,
        *,
        seed: int = 42,
        report: Callable[[str], None] = log.info,
        progress: Progress = untold,
        earlier: Mapping[str, bytes] | None = None,
        epoch_fraction: float = 1.0,
    ) -> Pipeline:
        """Train each component on the data; None for `config` means the default one of the language.

        `report` gets one line for each component that is replaced, has options without effect, or takes long;
        `progress` how far it is, from 0 to 1. `earlier` are the members of a pipeline of the same configuration, from
        which learned intents go on, for `epoch_fraction` of the usual epochs.
        Raises ConfigError for an unknown component, a wrong option, or data that a component can't use.
        """
        config = default_pipeline(language) if config is None else config
        steps = read_pipeline(config)
        shape = shape_of(step.options for step in steps if step.part is CountVectorsFeaturizer)
        shape = with_patterns(shape, [step.options for step in steps if step.part is RegexFeaturizer], data)
        training = Training(language=language, seed=seed, shape=shape, epoch_fraction=epoch_fraction, report=report)
        parts: list[tuple[str, Component]] = []
        # A message goes along, to see what later parts will know of one.
        sample = Message(next((example.text for example in data.intent_examples()), ""))
        for number, step in enumerate(steps, 1):
            if step.note:
                report(step.note)
            if step.part is not None:
                training = replace(
                    training,
                    earlier=_members_of(step, earlier or {}),
                    progress=part(progress, (number - 1) / len(steps), number / len(steps)),
                )
                component = step.part.train(step.options, data, training)
                component.process(sample)
                training = replace(training, intents_known=sample.intent is not None)
                if isinstance(component, LanguageModelFeaturizer):
                    training = replace(training, encode=component.encode or training.encode)
                parts.append((step.member_prefix, component))
            progress(number / len(steps))
        return cls([dict(item) for item in config], parts)

    @classmethod
    def load(cls, config: Sequence[Mapping[str, Any]] | None, members: Mapping[str, bytes]) -> Pipeline:
        """The pipeline that `save` gave the members of, with the configuration it was trained with (ModelError).

        None for `config` means DEFAULT_PIPELINE.
        """
        config = DEFAULT_PIPELINE if config is None else config
        steps = [step for step in read_pipeline(config) if step.part is not None]
        _refuse_foreign(members, steps)
        parts = [(step.member_prefix, _load(step, members)) for step in steps]
        return cls([dict(item) for item in config], parts)

    def save(self) -> dict[str, bytes]:
        """Everything learned, as {`NN-<component>/<file>`: bytes}; the same training gives the same bytes."""
        return {
            f"{prefix}/{name}": body for prefix, component in self._parts for name, body in component.save().items()
        }

    def parse(self, text: str) -> dict[str, Any]:
        """What the text means, in the shape of Rasa's `/model/parse`; never raises, whatever the text."""
        message = Message(text)
        for _, component in self._parts:
            component.process(message)
        found = message.parse_data()
        _name_full_retrieval_intent(found)
        return found


def _load(step: Step, members: Mapping[str, bytes]) -> Component:
    assert step.part is not None
    return step.part.load(step.options, _members_of(step, members))


def _members_of(step: Step, members: Mapping[str, bytes]) -> dict[str, bytes]:
    start = f"{step.member_prefix}/"
    return {name[len(start) :]: body for name, body in members.items() if name.startswith(start)}


def _refuse_foreign(members: Mapping[str, bytes], steps: list[Step]) -> None:
    known = {step.member_prefix for step in steps}
    for name in members:
        if name.split("/", 1)[0] not in known:
            raise ModelError(f"The model has a member {name!r} that its pipeline does not use; train the model again")


def _name_full_retrieval_intent(found: dict[str, Any]) -> None:
    """Name the response key beside a retrieval intent, as Rasa does; None when no selector answers for it."""
    selector = found.get("response_selector", {})
    name = found["intent"]["name"]
    if name and name in selector.get("all_retrieval_intents", ()):
        response = selector.get(name, {}).get("response", {})
        found["intent"]["full_retrieval_intent_name"] = response.get("intent_response_key")
