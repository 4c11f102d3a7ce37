"""Meaning of texts (`LanguageModelFeaturizer`): the folder of an encoder in; then vectors on messages out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from botapi.data.examples import TrainingData
from botapi.errors import ModelError
from botapi.nlu.component import Encode, Training
from botapi.nlu.embedding.encoder import Encoder, load_numpy
from botapi.nlu.local import require_named
from botapi.nlu.message import Message
from botapi.nlu.tables import read_table, write_table
from botapi.progress import Progress

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
    def encode(self) -> Encode | None:
        """Gives the parts of the same pipeline that learn the vectors of their texts, of each text once."""
        return _remembering(self._encoder) if self._encoder else None

    def process(self, message: Message) -> None:
        if self._encoder:
            message.vector = self._encoder.encode(message.text)


def _remembering(encoder: Encoder) -> Encode:
    """PERF: a response selector learns with texts that an intent classifier has learned with before."""
    known: dict[str, Any] = {}

    def encode(texts: Sequence[str], progress: Progress) -> Any:
        new = list(dict.fromkeys(text for text in texts if text not in known))
        known.update(zip(new, encoder.encode_all(new, progress), strict=True))
        return load_numpy().stack([known[text] for text in texts])

    return encode


def _encoder(folder: str) -> Encoder:
    require_named(folder, "The folder")
    weights = Path(folder) / "model.safetensors"
    # Without the file, the encoder says what is missing.
    return _opened(folder, weights.stat().st_mtime_ns if weights.is_file() else 0)


@lru_cache(maxsize=1)
def _opened(folder: str, changed_ns: int) -> Encoder:
    """PERF: a model that replaces another has the same encoder most of the time."""
    return Encoder(folder)
