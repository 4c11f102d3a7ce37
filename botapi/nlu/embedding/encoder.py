"""A BERT-like sentence encoder in numpy: a folder with its weights in; then texts in, vectors of length 1 out.

The folder is one of sentence-transformers with a small BERT in it, such as all-MiniLM-L6-v2: `config.json`,
`vocab.txt`, `model.safetensors`; the mean of the last layer's vectors is what the text means.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any

from botapi.errors import ConfigError
from botapi.nlu.embedding import safetensors
from botapi.nlu.embedding.wordpiece import WordPieces
from botapi.progress import Progress, untold

# PERF: meaning is in the first words, and the cost of a text grows with their number.
MOST_PIECES = 128
# Texts of the same length go through the layers together; so many pieces at once.
BATCH_PIECES = 2048
# Parts of a layer, with the names of their arrays.
PARTS = {
    "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
    "joined": "attention.output.dense", "first_norm": "attention.output.LayerNorm", "wide": "intermediate.dense",
    "narrow": "output.dense", "last_norm": "output.LayerNorm",
}  # fmt: skip


class Encoder:
    """Vectors of texts; `width` numbers each. `digest` tells one encoder from another."""

    def __init__(self, folder: str | Path) -> None:
        """Raises ConfigError when the folder has no encoder of this kind, or numpy is missing."""
        self._numpy = load_numpy()
        folder = Path(folder)
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            self._pieces = WordPieces.read(folder / "vocab.txt", _is_uncased(folder))
            arrays = safetensors.read(self._numpy, folder / "model.safetensors")
            self.digest = _digest(folder)
            self._assemble(config, arrays)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ConfigError) as error:
            why = f"it lacks {error}" if isinstance(error, KeyError) else error
            raise ConfigError(
                f"{folder} is not the folder of an encoder: {why}. Expected config.json, vocab.txt and "
                "model.safetensors of a BERT-like model, such as all-MiniLM-L6-v2."
            ) from error

    def encode(self, text: str) -> Any:
        """The vector of one text, float32."""
        return self._forward(self._numpy.array([self._pieces.encode(text, self._most)]))[0]

    def encode_all(self, texts: Sequence[str], progress: Progress = untold) -> Any:
        """The vectors of texts, one a row; `progress` gets a number from 0 to 1."""
        numpy = self._numpy
        numbers = [self._pieces.encode(text, self._most) for text in texts]
        vectors = numpy.empty((len(texts), self.width), "f4")
        batches, done = list(_batches(numbers)), 0
        with ThreadPoolExecutor(_cores()) as pool:
            found = pool.map(lambda rows: self._forward(numpy.array([numbers[row] for row in rows])), batches)
            for rows, some in zip(batches, found, strict=True):
                vectors[rows] = some
                done += len(rows)
                progress(done / len(texts))
        return vectors

    def _assemble(self, config: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
        prefix = "" if "embeddings.word_embeddings.weight" in arrays else "bert."
        self._words = arrays[f"{prefix}embeddings.word_embeddings.weight"]
        self.width = int(self._words.shape[1])
        self._heads = int(config["num_attention_heads"])
        self._tiny = float(config.get("layer_norm_eps", 1e-12))
        if (
            config.get("hidden_act", "gelu") != "gelu"
            or self._heads < 1
            or self.width % self._heads
            or len(self._words) < len(self._pieces)
        ):
            raise ConfigError("its activation, heads or vocabulary are of another kind")
        positions = self._loaded(arrays[f"{prefix}embeddings.position_embeddings.weight"])
        self._places = positions + self._loaded(arrays[f"{prefix}embeddings.token_type_embeddings.weight"])[0]
        self._most = min(MOST_PIECES, len(positions))
        self._norm = self._pair(arrays, f"{prefix}embeddings.LayerNorm")
        self._layers = [
            self._layer(arrays, f"{prefix}encoder.layer.{number}") for number in range(int(config["num_hidden_layers"]))
        ]

    def _layer(self, arrays: Mapping[str, Any], name: str) -> dict[str, Any]:
        layer = {part: self._pair(arrays, f"{name}.{place}") for part, place in PARTS.items()}
        # PERF: one product in place of three.
        three = [layer.pop(part) for part in ("query", "key", "value")]
        layer["three"] = tuple(self._numpy.concatenate(arrays, axis=0) for arrays in zip(*three, strict=True))
        return {
            part: (self._numpy.ascontiguousarray(weight.T), bias) if weight.ndim == 2 else (weight, bias)
            for part, (weight, bias) in layer.items()
        }

    def _pair(self, arrays: Mapping[str, Any], name: str) -> tuple[Any, Any]:
        return self._loaded(arrays[f"{name}.weight"]), self._loaded(arrays[f"{name}.bias"])

    def _loaded(self, array: Any) -> Any:
        loaded = self._numpy.array(array, dtype="f4")
        if not self._numpy.isfinite(loaded).all():
            raise ConfigError("a weight is infinite or none")
        return loaded

    def _forward(self, numbers: Any) -> Any:
        """The vectors of texts with the same number of pieces: (texts, pieces) in, (texts, width) out."""
        numpy = self._numpy
        x = self._normal(self._words[numbers].astype("f4") + self._places[: numbers.shape[1]], self._norm)
        for layer in self._layers:
            x = self._normal(x + _linear(self._attended(x, layer["three"]), layer["joined"]), layer["first_norm"])
            x = self._normal(x + _linear(_gelu(numpy, _linear(x, layer["wide"])), layer["narrow"]), layer["last_norm"])
        mean = x.mean(axis=1)
        return mean / numpy.maximum(numpy.linalg.norm(mean, axis=1, keepdims=True), 1e-12)

    def _attended(self, x: Any, three: tuple[Any, Any]) -> Any:
        """What each piece takes from all others (Vaswani et al. 2017)."""
        numpy = self._numpy
        texts, pieces, width = x.shape
        split = _linear(x, three).reshape(texts, pieces, 3, self._heads, width // self._heads)
        query, key, value = split.transpose(2, 0, 3, 1, 4)
        scores = query @ key.transpose(0, 1, 3, 2) / numpy.float32(math.sqrt(width / self._heads))
        scores = numpy.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        return (scores @ value).transpose(0, 2, 1, 3).reshape(texts, pieces, width)

    def _normal(self, x: Any, norm: tuple[Any, Any]) -> Any:
        x = x - x.mean(axis=-1, keepdims=True)
        x /= self._numpy.sqrt((x * x).mean(axis=-1, keepdims=True) + self._numpy.float32(self._tiny))
        return x * norm[0] + norm[1]


def _linear(x: Any, layer: tuple[Any, Any]) -> Any:
    return x @ layer[0] + layer[1]


def _gelu(numpy: Any, x: Any) -> Any:
    """x times the normal distribution's share below x; the error function by Abramowitz and Stegun 7.1.26 (1.5e-7)."""
    z = numpy.abs(x) * numpy.float32(math.sqrt(0.5))
    t = 1 / (1 + numpy.float32(0.3275911) * z)
    series = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
    tail = series * numpy.exp(-z * z) / 2
    return x * numpy.where(x < 0, tail, 1 - tail)


def _batches(numbers: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Rows of texts of the same length, in batches."""
    in_order = sorted(range(len(numbers)), key=lambda row: len(numbers[row]))
    for length, group in groupby(in_order, key=lambda row: len(numbers[row])):
        rows, most = list(group), max(1, BATCH_PIECES // length)
        yield from (rows[start : start + most] for start in range(0, len(rows), most))


def _is_uncased(folder: Path) -> bool:
    file = folder / "tokenizer_config.json"
    return bool(json.loads(file.read_text(encoding="utf-8")).get("do_lower_case", True)) if file.exists() else True


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in ("config.json", "vocab.txt", "model.safetensors"):
        with (folder / name).open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _cores() -> int:
    """How many this process may use; where the system does not say (macOS), how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load_numpy() -> Any:
    """The library for arrays; ConfigError where it is missing."""
    # PERF: one thread for a product. Several, on products as small as these, mostly wait for one another.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        return importlib.import_module("numpy")
    except ImportError as error:
        raise ConfigError("Sentence embeddings need numpy: pip install 'botapi[embeddings]'.") from error
