"""Meaning of texts (`LanguageModelFeaturizer`): the folder of an encoder in; then vectors on messages out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from botapi.data.examples import TrainingData
from botapi.errors import ModelError
from botapi.nlu.component import Training
from botapi.nlu.embedding.encoder import Encoder
from botapi.nlu.local import require_named
from botapi.nlu.message import Message
from botapi.nlu.tables import read_table, write_table

MEMBER = "encoder.json"


class LanguageModelFeaturizer:
    """Gives each message the vector of its meaning; `model_weights` is the folder of the encoder.

    Without such a folder it does nothing: weights are never fetched.
    """

    OPTIONS: Mapping[str, Any] = {"model_weights": None}

    def __init__(self, encoder: Encoder | None) -> None:
        self._encoder = encoder

    @classmethod
    def train(cls, options: Mapping[str, Any], data: TrainingData, training: Training) -> LanguageModelFeaturizer:
        folder = options["model_weights"]
        if folder is None or not Path(folder).is_dir():
            training.report(
                "LanguageModelFeaturizer has no effect: model_weights names no folder with an encoder on this machine"
            )
            return cls(None)
        return cls(_encoder(folder))

    @classmethod
    def load(cls, options: Mapping[str, Any], members: Mapping[str, bytes]) -> LanguageModelFeaturizer:
        if not members:
            return cls(None)
        digest = read_table(members, MEMBER, dict[str, str]).get("digest")
        encoder = _encoder(str(options["model_weights"]))
        if encoder.digest != digest:
            raise ModelError(
                f"The encoder in {options['model_weights']} is another than that of the training; train the model again"
            )
        return cls(encoder)

    def save(self) -> dict[str, bytes]:
        return {MEMBER: write_table({"digest": self._encoder.digest})} if self._encoder else {}

    @property
    def encoder(self) -> Encoder | None:
        """What classifiers of the same pipeline learn with."""
        return self._encoder

    def process(self, message: Message) -> None:
        if self._encoder:
            message.vector = self._encoder.encode(message.text)


def _encoder(folder: str) -> Encoder:
    require_named(folder, "The folder")
    return _opened(folder, (Path(folder) / "model.safetensors").stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _opened(folder: str, changed_ns: int) -> Encoder:
    """PERF: a model that replaces another has the same encoder most of the time."""
    return Encoder(folder)
