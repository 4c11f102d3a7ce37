"""Words and meaning together, on a made-up encoder: what is learned, kept and refused."""

from __future__ import annotations

import json
from array import array

import numpy
import pytest

from botapi.data import nlu
from botapi.data.examples import Example, TrainingData
from botapi.errors import ConfigError, ModelError
from botapi.nlu.arrays import Array, write_arrays
from botapi.nlu.calibration import MOST_EXAMPLES, HeldOut
from botapi.nlu.component import Training
from botapi.nlu.embedding import joined, meaning
from botapi.nlu.embedding.featurizer import LanguageModelFeaturizer
from botapi.nlu.embedding.joined import Meaning
from botapi.nlu.pipeline import Pipeline
from tests.nlu.embedding.encoders import write_encoder

DATA = nlu.read(
    """
nlu:
- intent: greet
  examples: |
    - hello
    - hi
    - hello hello
    - hi hello
- intent: lost_card
  examples: |
    - my card lost
    - lost card
    - lost my cards
    - my cards lost
"""
)


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A pipeline with a tiny encoder, which the configuration of this machine names."""
    folder = str(write_encoder(tmp_path / "encoder"))
    pipeline = [{"name": "LanguageModelFeaturizer", "model_weights": folder}, {"name": "DIETClassifier"}]
    (tmp_path / "config.yml").write_text(json.dumps({"pipeline": pipeline}))
    monkeypatch.chdir(tmp_path)
    return pipeline


def test_meaning_is_learned_kept_and_used(config):
    pipeline = Pipeline.train(config, "en", DATA)
    members = pipeline.save()
    assert {"01-DIETClassifier/meaning.npz", "00-LanguageModelFeaturizer/encoder.json"} <= members.keys()
    again = Pipeline.load(config, members)
    for text in ("hello", "lost card", "my hi", "", "!"):
        assert again.parse(text) == pipeline.parse(text)
    assert again.parse("my lost cards")["intent"]["name"] == "lost_card"
    confidences = [item["confidence"] for item in again.parse("hello")["intent_ranking"]]
    assert sum(confidences) == pytest.approx(1)


def test_a_response_selector_learns_by_meaning_too(config):
    asked = [Example(example.text, f"faq/{example.intent}") for example in DATA.examples]
    config = [*config, {"name": "ResponseSelector"}]
    intents, pipeline = Pipeline.train(config, "en", DATA), Pipeline.train(config, "en", TrainingData(examples=asked))
    members = pipeline.save()
    assert "02-ResponseSelector/meaning.npz" in members
    again = Pipeline.load(config, members)
    for text in ("hello", "lost card", "my hi", "", "!"):
        selected = again.parse(text)["response_selector"]["default"]
        ranking = [(entry["name"], entry["confidence"]) for entry in intents.parse(text)["intent_ranking"]]
        assert [(entry["intent_response_key"][4:], entry["confidence"]) for entry in selected["ranking"]] == ranking


def test_a_model_goes_on_with_intents_that_have_no_examples_any_more(config):
    members = Pipeline.train(config, "en", DATA).save()
    examples = [example for example in DATA.examples if example.intent == "greet"]
    examples += [Example("where is my parcel", "parcel"), Example("my parcel please", "parcel")]
    pipeline = Pipeline.train(config, "en", TrainingData(examples=examples), earlier=members)
    assert {item["name"] for item in pipeline.parse("hello")["intent_ranking"]} == {"greet", "lost_card", "parcel"}


def test_texts_that_come_again_get_the_same_vectors(config):
    encode, told = LanguageModelFeaturizer.train(config[0], DATA, Training()).encode, []
    first, second = encode(["hello", "card", "hello"], told.append), encode(["my", "card"], told.append)
    assert (first[0] == first[2]).all() and (first[1] == second[1]).all()
    assert len({row.tobytes() for row in (*first, *second)}) == 3
    assert (encode(["my", "hello"], told.append) == numpy.stack([second[0], first[0]])).all()
    assert told == [1.0, 1.0], "what is known is not encoded again"


def test_the_same_training_gives_the_same_bytes(config):
    assert Pipeline.train(config, "en", DATA).save() == Pipeline.train(config, "en", DATA).save()


def test_a_model_is_not_used_with_another_encoder(config, tmp_path):
    members = Pipeline.train(config, "en", DATA).save()
    write_encoder(tmp_path / "encoder", seed=2)
    with pytest.raises(ModelError, match="is another than that of the training; train the model again"):
        Pipeline.load(config, members)


def test_a_folder_that_only_the_model_names_is_not_opened(config, tmp_path):
    members = Pipeline.train(config, "en", DATA).save()
    (tmp_path / "config.yml").write_text("pipeline: []")
    with pytest.raises(ConfigError, match="is not used, because config.yml on this machine does not name it"):
        Pipeline.load(config, members)


def test_the_configuration_may_be_another_file(config, tmp_path, monkeypatch):
    members = Pipeline.train(config, "en", DATA).save()
    (tmp_path / "config.yml").rename(tmp_path / "other.yml")
    with pytest.raises(ConfigError):
        Pipeline.load(config, members)
    monkeypatch.setenv("BOTAPI_CONFIG", "other.yml")
    assert Pipeline.load(config, members).parse("hello")["intent"]["name"] == "greet"


@pytest.mark.parametrize("item", [{}, {"model_weights": "bert-base-uncased"}, {"model_name": "bert"}])
def test_without_a_folder_words_alone_count_and_the_log_says_so(item):
    told = []
    config = [{"name": "LanguageModelFeaturizer", **item}, {"name": "LinearIntentClassifier"}]
    pipeline = Pipeline.train(config, "en", DATA, report=told.append)
    assert Pipeline.load(config, pipeline.save()).parse("hello") == pipeline.parse("hello")
    assert [line for line in told if "LanguageModelFeaturizer has no effect" in line]


VALUES = {
    "weights": ("f", [0.5] * 16),
    "bias": ("f", [0.0, 0.0]),
    "mixture": ("d", [0.5, 0.5, 0.5, 1.0, 0.1]),
    "examples": ("B", [7] * 8),
    "labels": ("H", [1]),
}


@pytest.mark.parametrize(
    "table, changed",
    [
        ({"width": 0, "examples": 1}, {}),
        ({"width": 9, "examples": 1}, {}),
        ({"width": 1 << 40, "examples": 1}, {}),
        ({"width": 8, "examples": 1 << 40}, {}),
        ({"width": 8, "examples": 0}, {}),
        ({}, {}),
        ({}, {"mixture": ("d", [2.1, 0, 0, 1, 0.1])}),
        ({}, {"mixture": ("d", [0.5, 0, 0, -1, 0.1])}),
        ({}, {"mixture": ("d", [0.5, 0, 0, 1, 0])}),
        ({}, {"bias": ("f", [0.0, float("nan")])}),
        ({}, {"bias": ("f", [0.0, 0.0, 0.0])}),
        ({}, {"bias": ("f", [0.0, -3e38])}),
        ({}, {"weights": ("f", [0.5] * 15 + [3e38])}),
        ({}, {"labels": ("H", [2])}),
    ],
)
def test_damaged_members_are_refused(table, changed):
    good = members_of({"width": 8, "examples": 1}, VALUES)
    assert len(Meaning.load(good, labels=2).join([0.0, 0.0], numpy.ones(8))) == 2
    with pytest.raises(ModelError, match="meaning"):
        Meaning.load(members_of(table or {"width": 8, "examples": 1} if changed else table, VALUES | changed), labels=2)


def members_of(table, values):
    shapes = {"weights": (2, 8), "examples": (1, 8)}
    arrays = {
        name: Array(shapes.get(name, (len(numbers),)), array(typecode, numbers))
        for name, (typecode, numbers) in values.items()
    }
    return {joined.TABLE_MEMBER: json.dumps(table).encode(), joined.ARRAYS_MEMBER: write_arrays(arrays)}


def test_the_nearest_examples_vote():
    vectors = numpy.eye(4, dtype="f4")[[0, 0, 1, 2]]
    examples = joined.Examples.of(vectors, numpy.array([0, 0, 1, 2]))
    votes = examples.votes(numpy.array([0.6, 0.8, 0, 0], "f4"), 4)
    assert votes.argmax() == 1
    assert votes[0] > votes[2] >= votes[3]


def test_learning_finds_the_smallest_loss():
    chance = numpy.random.default_rng(3)
    vectors = chance.normal(0, 1, (60, 5)).astype("f4")
    targets = numpy.argmax(vectors @ chance.normal(0, 1, (5, 3)), axis=1)
    weights, bias = meaning.learn(numpy, vectors, targets, 3)

    def loss(weights, bias):
        scores = vectors @ weights.T + bias
        right = scores[numpy.arange(60), targets]
        return (numpy.log(numpy.exp(scores).sum(axis=1)) - right).sum() * meaning.EXAMPLES_COUNT + (
            weights**2
        ).sum() / 2

    least = loss(weights, bias)
    for _ in range(50):
        step, shift = chance.normal(0, 0.05, weights.shape), chance.normal(0, 0.05, bias.shape)
        assert loss(weights + step, bias + shift) > least
    assert (numpy.argmax(vectors @ weights.T + bias, axis=1) == targets).mean() > 0.95


def test_words_have_the_same_share_in_use_as_among_those_held_back():
    """However many examples there are: the words' own model is sharpened less by few answers about many."""
    labels, size = ["a", "b"], 4 * MOST_EXAMPLES
    targets, by_words = [labels[n % 2] for n in range(size)], HeldOut()
    for part in joined.parts(targets, 1):
        for n in part.asked:
            by_words.add([0.5, 0.0] if n % 2 == 0 else [0.0, 0.5], n % 2)
    vectors = numpy.ones((size, 8), "f4") / 8**0.5
    found, held_out = joined.learn(labels, targets, vectors, by_words, seed=1)
    used = by_words.factor(size)
    assert used != pytest.approx(by_words.factor(1), rel=0.1)
    apart = [one - other for one, other in (found.join([used, 0.0], vectors[0]), found.join([0.0, 0.0], vectors[0]))]
    assert apart[0] - apart[1] == pytest.approx(joined.OF_MANY.words / held_out.temperature(), rel=1e-6)


def test_a_vector_of_another_width_leaves_the_words_alone():
    members = members_of({"width": 8, "examples": 1}, VALUES)
    assert Meaning.load(members, labels=2).join([1.0, 2.0], numpy.ones(9)) == [1.0, 2.0]


def test_a_folder_without_weights_is_refused_with_a_sentence(config, tmp_path):
    (tmp_path / "encoder" / "model.safetensors").unlink()
    with pytest.raises(ConfigError, match=r"model\.safetensors"):
        Pipeline.train(config, "en", DATA)
