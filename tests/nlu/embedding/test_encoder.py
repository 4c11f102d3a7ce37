"""The encoder against vectors recorded from another implementation, and its laws on a tiny one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botapi.errors import ConfigError
from botapi.nlu.embedding.encoder import Encoder
from tests.nlu.embedding.encoders import PLACES, WIDTH, arrays, real_encoder, write_encoder, write_safetensors

# Texts with their numbers of pieces and the first numbers of their vectors, as the transformers library gives them.
RECORDED = json.loads(Path(__file__).with_name("minilm.json").read_text())


def test_the_real_encoder_gives_the_recorded_vectors():
    encoder = Encoder(real_encoder())
    vectors = encoder.encode_all([item["text"] for item in RECORDED])
    assert vectors.shape == (len(RECORDED), 384)
    for item, vector in zip(RECORDED, vectors, strict=True):
        assert abs(vector[:12] - numpy.array(item["vector"])).max() < 2e-5, item["text"]


def test_the_real_encoder_knows_what_means_the_same():
    lost, missing, weather = Encoder(real_encoder()).encode_all(
        ["I lost my card", "my card is missing", "what is the weather like in Berlin"]
    )
    assert lost @ missing > 0.7 > 0.2 > lost @ weather


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return Encoder(write_encoder(tmp_path_factory.mktemp("encoder")))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(max_size=30) | st.sampled_from(["hello my lost cards!", "hi", "card " * 40]), max_size=8))
def test_texts_have_the_same_vectors_of_length_1_together_and_alone(tiny, texts):
    vectors = tiny.encode_all(texts)
    assert vectors.shape == (len(texts), WIDTH)
    for text, vector in zip(texts, vectors, strict=True):
        assert numpy.allclose(vector, tiny.encode(text), atol=1e-5)
        assert numpy.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_what_a_text_means_depends_on_the_order_of_its_words(tiny):
    assert not numpy.allclose(tiny.encode("my card lost"), tiny.encode("lost my card"), atol=1e-3)


def test_long_texts_are_cut(tiny):
    assert numpy.array_equal(tiny.encode("card " * PLACES), tiny.encode("card " * 9_000))


def test_the_digest_tells_encoders_apart(tiny, tmp_path):
    same, other = Encoder(write_encoder(tmp_path / "same")), Encoder(write_encoder(tmp_path / "other", seed=2))
    assert same.digest == tiny.digest != other.digest


def test_it_works_where_the_system_does_not_say_which_cores_there_are(tiny, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert tiny.encode_all(["hello", "my card"]).shape == (2, WIDTH)


def test_names_may_begin_with_bert(tiny, tmp_path):
    folder = write_encoder(tmp_path / "named")
    named = {f"bert.{name}": values for name, values in arrays(numpy.random.default_rng(1))}
    write_safetensors(folder / "model.safetensors", named)
    assert numpy.array_equal(Encoder(folder).encode("hello"), tiny.encode("hello"))


@pytest.mark.parametrize("name", ["config.json", "vocab.txt", "model.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "bytes", "list"])
def test_a_folder_without_an_encoder_is_refused_in_a_sentence(tmp_path, name, damage):
    file = write_encoder(tmp_path / "encoder") / name
    whole = file.read_bytes()
    damaged = {"empty": b"", "cut": whole[: len(whole) // 2], "bytes": b"\xff" * 400, "list": b"[1, 2]"}
    file.unlink()
    if damage != "missing":
        file.write_bytes(damaged[damage])
    if (name, damage) == ("vocab.txt", "cut"):  # a vocabulary with fewer words
        assert Encoder(file.parent).encode("hello").shape == (WIDTH,)
        return
    with pytest.raises(ConfigError, match="is not the folder of an encoder: .*Expected config.json"):
        Encoder(file.parent)


@pytest.mark.parametrize(
    "changed",
    [
        {"hidden_act": "relu"},
        {"num_attention_heads": 3},
        {"num_attention_heads": 0},
        {"num_hidden_layers": 3},
        {"layer_norm_eps": "x"},
    ],
)
def test_another_kind_of_model_is_refused(tmp_path, changed):
    with pytest.raises(ConfigError, match="is not the folder of an encoder"):
        Encoder(write_encoder(tmp_path / "encoder", **changed))


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    folder = write_encoder(tmp_path / "encoder")
    named = dict(arrays(numpy.random.default_rng(1)))
    named["encoder.layer.1.output.dense.bias"][3] = numpy.nan
    write_safetensors(folder / "model.safetensors", named)
    with pytest.raises(ConfigError, match="infinite or none"):
        Encoder(folder)
