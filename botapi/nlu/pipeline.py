"""The pipeline: configuration and training data in, a list of components out; then a text in, parse data out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botapi.data.examples import TrainingData
from botapi.errors import ModelError
from botapi.nlu.catalogue import DEFAULT_PIPELINE, Step, read_pipeline
from botapi.nlu.component import Component, Training
from botapi.nlu.message import Message

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
    ) -> Pipeline:
        """Train each component on the data; None for `config` means DEFAULT_PIPELINE.

        `report` gets one line for each component that is replaced, has options without effect, or takes long.
        Raises ConfigError for an unknown component, a wrong option, or data that a component can't use.
        """
        steps = read_pipeline(_given(config))
        training = Training(language=language, seed=seed, report=report)
        parts: list[tuple[str, Component]] = []
        for step in steps:
            if step.note:
                report(step.note)
            if step.part is not None:
                parts.append((step.member_prefix, step.part.train(step.options, data, training)))
        return cls([dict(item) for item in _given(config)], parts)

    @classmethod
    def load(cls, config: Sequence[Mapping[str, Any]] | None, members: Mapping[str, bytes]) -> Pipeline:
        """The pipeline that `save` gave the members of, with the configuration it was trained with (ModelError)."""
        steps = [step for step in read_pipeline(_given(config)) if step.part is not None]
        _refuse_foreign(members, steps)
        parts = [(step.member_prefix, _load(step, members)) for step in steps]
        return cls([dict(item) for item in _given(config)], parts)

    def save(self) -> dict[str, bytes]:
        """Everything learned, as {`NN-<component>/<file>`: bytes}; the same training gives the same bytes."""
        return {f"{prefix}/{name}": body for prefix, part in self._parts for name, body in part.save().items()}

    def parse(self, text: str) -> dict[str, Any]:
        """What the text means, in the shape of Rasa's `/model/parse`; never raises, whatever the text."""
        message = Message(text)
        for _, part in self._parts:
            part.process(message)
        found = message.parse_data()
        _name_full_retrieval_intent(found)
        return found


def _given(config: Sequence[Mapping[str, Any]] | None) -> Sequence[Mapping[str, Any]]:
    return DEFAULT_PIPELINE if config is None else config


def _load(step: Step, members: Mapping[str, bytes]) -> Component:
    assert step.part is not None
    start = f"{step.member_prefix}/"
    return step.part.load(
        step.options, {name[len(start) :]: body for name, body in members.items() if name.startswith(start)}
    )


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
