"""Features: which there are, their weights, and that options bound them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botapi.nlu.featurizers import Shape, fit

TEXTS = ["Hi there, hi!", "a red bike", "where is my red red bike?", "ça va  très bien", "x"]
MANY = 1_000_000


def fitted(texts=TEXTS, most=MANY, earlier=None, **options):
    return fit(texts, Shape(**options), most, earlier)


def weights_of(features, text):
    names = [*features.grams, *features.pieces]
    return {names[i]: weight for i, weight in zip(*features.vector(features.shape.words(text)), strict=True)}


def test_words_pairs_and_pieces_are_features():
    features, _ = fitted(["Hi there, hi!"])
    assert list(features.grams) == ["hi", "there", ",", "!", "hi there", "there ,", ", hi", "hi !"]
    assert list(features.pieces)[:6] == [" h", "hi", "i ", " hi", "hi ", " hi "]


def test_the_weights_of_a_text():
    features, _ = fitted(["a b", "a c"])
    # a is in both texts: idf = ln(3 / 3) + 1; b in one: ln(3 / 2) + 1. In "a a b" a counts twice.
    common, rare = 1.0, math.log(1.5) + 1
    norm = math.sqrt(2 * common**2 + 2 * rare**2)
    found = weights_of(features, "a a b")
    assert [found[gram] for gram in ("a", "b", "a b")] == pytest.approx([2 / norm, rare / norm, rare / norm])
    pieces = math.sqrt(6 * common**2 + 3 * rare**2)
    assert [found[piece] for piece in (" a", " b")] == pytest.approx([2 / pieces, rare / pieces])


@pytest.mark.parametrize("options", [{}, {"most": 20}, {"min_df": 2}, {"stop_words": ("red",)}], ids=str)
def test_vectors_of_the_fitted_texts_are_those_of_use(options):
    features, vectors = fitted(**options)
    for text, vector in zip(TEXTS, vectors, strict=True):
        again = features.vector(features.shape.words(text))
        assert (list(vector[0]), list(vector[1])) == (list(again[0]), pytest.approx(list(again[1])))


def test_no_text_at_all():
    features, vectors = fitted([])
    assert (len(features), vectors) == (0, [])


@pytest.mark.parametrize(
    ("options", "grams"),
    [
        ({"min_df": 2}, {"a", "b"}),
        ({"min_df": 0.6}, {"a"}),
        ({"max_df": 0.5}, {"b", "c", "a b", "b c"}),
        ({"max_df": 2}, {"b", "c", "a b", "b c"}),
        ({"stop_words": ("a",)}, {"b", "c", "b c"}),
        ({"lowercase": False}, {"a", "b", "A", "c", "a b", "b c"}),
        ({"strip_accents": True}, {"a", "b", "c", "a b", "b c"}),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_options_say_which_features_there_are(options, grams):
    features, _ = fitted(["a b", "b c", "A", "a"], **options)
    assert set(features.grams) == grams


def test_longer_pieces():
    assert "bicy" in fitted(["bicycle"])[0].pieces
    assert "bicycl" not in fitted(["bicycle"])[0].pieces
    assert "bicycl" in fitted(["bicycle"], max_piece=6)[0].pieces


@pytest.mark.parametrize("most", [0, 1, 3, 10])
def test_the_number_of_features_is_bounded_and_the_most_frequent_are_kept(most):
    features, _ = fitted(most=most)
    assert len(features) <= most
    assert len(fitted(max_features=most or 1)[0]) <= (most or 1)
    assert most != 10 or "re" in features.pieces


def test_features_of_an_earlier_model_stay_with_their_idf():
    earlier, _ = fitted(["hello old friend"])
    features, (vector,) = fitted(["hello you"], earlier=earlier)
    assert {"old", "hello", "you"} <= set(features.grams)
    assert features.idf[features.grams["old"]] == earlier.idf[earlier.grams["old"]]
    assert list(vector[0]) == list(features.vector(["hello", "you"])[0])


@given(st.lists(st.sampled_from(["a", "b", "a b", "c d", "q", "r s", ""]), min_size=1), st.integers(1, 3))
def test_vectors_of_texts_are_those_of_their_words_beside_an_earlier_model_too(texts, min_df):
    earlier, _ = fitted(["a b"])
    features, vectors = fitted(texts, earlier=earlier, min_df=min_df)
    for text, vector in zip(texts, vectors, strict=True):
        assert list(map(list, vector)) == list(map(list, features.vector(features.shape.words(text))))


@given(st.text(alphabet=st.characters(), max_size=60))
def test_values_never_exceed_what_a_count_makes_of_them(text):
    features, _ = fitted([*TEXTS, "a b c d e"])
    weights = features.vector(features.shape.words(text))[1]
    assert all(0 < weight <= math.sqrt(len(text)) + 1e-6 for weight in weights)


@pytest.mark.parametrize(
    "data", [{"max_piece": 99}, {"lowercase": 1}, {"stop_words": [1]}, {"other": 1}, {"min_df": "1"}], ids=str
)
def test_a_shape_that_can_not_be_is_refused(data):
    with pytest.raises((TypeError, ValueError)):
        Shape.from_json(data)


def test_a_shape_written_and_read_is_the_same():
    shape = Shape(stop_words=("a", "b"), max_piece=5, min_df=0.1)
    assert Shape.from_json(shape.as_json()) == shape
