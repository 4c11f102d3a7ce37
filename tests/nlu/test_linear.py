"""The linear model in use: its sums, its bounds, its bytes."""

from __future__ import annotations

import io
import json
from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botapi.errors import ModelError
from botapi.nlu.arrays import Array, write_arrays
from botapi.nlu.featurizers import Features, Shape
from botapi.nlu.learning import Course, learn
from botapi.nlu.linear import ZERO, LinearModel, softmax
from botapi.nlu.words import words_of
from tests.nlu.nlusamples import sentences

TRAIN, ASK = sentences()


@pytest.fixture(scope="module")
def model():
    return learn(TRAIN, Course(seed=3, numpy=False))[0]


def with_numpy(model, text):
    """The confidences, worked out by numpy from the members of the model."""
    members = model.save()
    with np.load(io.BytesIO(members["weights.npz"]), allow_pickle=False) as arrays:
        weights = (arrays["weights"].astype(np.float64) - ZERO) * arrays["scale"]
        weights /= arrays["idf"][:, None]
        indices, values = model.features.vector(words_of(text))
        scores = arrays["bias"] + np.array(values) @ weights[list(indices)]
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


@settings(max_examples=50)
@given(st.one_of(st.sampled_from([text for text, _ in ASK]), st.text(alphabet=st.characters(), max_size=80)))
def test_numpy_gives_the_same_confidences_and_ranking(model, text):
    found = softmax(model.scores(words_of(text)))
    expected = with_numpy(model, text)
    assert found == pytest.approx(expected.tolist(), abs=1e-5)
    ranking = [label for label, _ in model.ranking(words_of(text))]
    by_numpy = dict(zip(model.labels, expected, strict=True))
    assert all(by_numpy[a] >= by_numpy[b] - 1e-9 for a, b in zip(ranking, ranking[1:], strict=False))


def test_extreme_weights_do_not_spill_into_other_labels():
    features = Features(["a", "b"], [], [1.0, 1.0], Shape())
    largest, least = 65535, 0
    model = LinearModel(["x", "y", "z"], features, array("H", [largest, least, ZERO, least, 0, 65535]), 1e-3, [0, 0, 1])
    norm = 2**0.5
    expected = [-0.001 / norm, -65.536 / norm, 1 + 32.767 / norm]
    assert model.scores(["a", "b"]) == pytest.approx(expected, abs=1e-6)
    assert model.scores([]) == [0, 0, 1]


def test_a_very_long_text_is_scored(model):
    text = " ".join(chr(code) + str(code) for code in range(0x4E00, 0x4E00 + 5000))
    assert sum(confidence for _, confidence in model.ranking(words_of(text))) == pytest.approx(1.0)


def test_a_text_of_unknown_words_has_the_confidences_of_the_biases(model):
    assert model.scores(words_of("")) == model.scores(words_of("ъъ"))


def test_equal_confidences_keep_the_order_of_the_labels():
    model = LinearModel(["b", "a"], Features(["x"], [], [1.0], Shape()), array("H", [ZERO, ZERO]), 0.1, [0.0, 0.0])
    assert model.ranking(words_of("x")) == [("b", 0.5), ("a", 0.5)]


def test_forgetting_packed_rows_changes_nothing(model):
    texts = [text for text, _ in ASK]
    expected = [model.scores(words_of(text)) for text in texts]
    forgetful = LinearModel.load(model.save())
    forgetful._most_packed = 2
    assert [forgetful.scores(words_of(text)) for text in texts] == expected


def test_saved_and_loaded_it_is_the_same(model):
    loaded = LinearModel.load(model.save())
    assert loaded.save() == model.save()
    assert all(loaded.ranking(words_of(text)) == model.ranking(words_of(text)) for text, _ in ASK)


@pytest.mark.parametrize(
    ("labels", "arrays"),
    [
        pytest.param({"labels": ["x", "y"]}, {}, id="tables missing"),
        pytest.param({"labels": [], "words": ["a"], "pieces": [], "shape": {}}, {}, id="no labels"),
        pytest.param({"labels": ["x", "y", "z"], "words": ["a"], "pieces": [], "shape": {}}, {}, id="a label too many"),
        pytest.param(
            {"labels": ["x", "y"], "words": ["a", "b"], "pieces": [], "shape": {}}, {}, id="a feature too many"
        ),
        pytest.param({"labels": ["x", 1], "words": ["a"], "pieces": [], "shape": {}}, {}, id="a label that is no text"),
        pytest.param(None, {"scale": [0.0]}, id="scale zero"),
        pytest.param(None, {"scale": [1e300]}, id="scale huge"),
        pytest.param(None, {"bias": [0.0, 1e300]}, id="bias huge"),
        pytest.param(None, {"idf": [-1.0]}, id="idf negative"),
        pytest.param(None, {"idf": [float("nan")]}, id="idf no number"),
    ],
)
def test_a_damaged_model_is_refused(labels, arrays):
    numbers = {"scale": [0.1], "bias": [0.0, 0.0], "idf": [1.0], **arrays}
    members = {
        "labels.json": json.dumps(labels or {"labels": ["x", "y"], "words": ["a"], "pieces": [], "shape": {}}).encode(),
        "weights.npz": write_arrays(
            {"weights": Array((1, 2), array("H", [1, 2]))}
            | {name: Array((len(values),), array("d", values)) for name, values in numbers.items()}
        ),
    }
    with pytest.raises(ModelError):
        LinearModel.load(members)


def test_softmax_survives_large_scores():
    assert softmax([1000.0, 1000.0, -1000.0]) == pytest.approx([0.5, 0.5, 0.0])
    assert softmax([]) == []
