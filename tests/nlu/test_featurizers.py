"""N-gram features: the numbers that scikit-learn's TfidfVectorizer gives for the same texts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botapi.nlu.featurizers import count_ngrams, fit

TEXTS = ["Hi there, hi!", "a red bike", "where is my red red bike?", "ça va  très bien", "x"]


def test_words_and_pairs_of_words():
    words, _ = count_ngrams("Hi there, hi!")
    assert words == {"hi": 2, "there": 1, ",": 1, "!": 1, "hi there": 1, "there ,": 1, ", hi": 1, "hi !": 1}


def test_characters_within_padded_words():
    _, characters = count_ngrams("Ab c")
    assert characters == {
        " a": 1, "ab": 1, "b ": 1, " ab": 1, "ab ": 1, " ab ": 1, " c": 1, "c ": 1, " c ": 1,
    }  # fmt: skip


def test_weights_are_those_of_scikit_learn():
    features, _ = fit(TEXTS)
    names = [*features.words, *features.characters]
    indices, weights = features.vector(count_ngrams("a red, red boat"))
    size = len(features.words)
    words = {names[i]: weight for i, weight in zip(indices, weights, strict=True) if i < size}
    characters = {names[i]: weight for i, weight in zip(indices, weights, strict=True) if i >= size}
    assert words == pytest.approx({",": 0.453329, "a": 0.453329, "a red": 0.453329, "red": 0.619257}, abs=1e-6)
    assert characters == pytest.approx(
        {
            " a": 0.244939, " a ": 0.244939, " b": 0.164039, " r": 0.334592, " re": 0.334592, " red": 0.334592,
            ", ": 0.244939, "a ": 0.197615, "d ": 0.197615, "ed": 0.334592, "ed ": 0.197615, "re": 0.277741,
            "red": 0.334592, "red ": 0.197615,
        },
        abs=1e-6,
    )  # fmt: skip


def test_vectors_of_the_fitted_texts_are_those_of_use():
    features, vectors = fit(TEXTS)
    for text, (indices, weights) in zip(TEXTS, vectors, strict=True):
        again = features.vector(count_ngrams(text))
        assert (list(indices), list(weights)) == (list(again[0]), pytest.approx(list(again[1])))


def test_no_text_at_all():
    features, vectors = fit([])
    assert (len(features), vectors) == (0, [])


@given(st.text(alphabet=st.characters(), max_size=60))
def test_each_block_has_length_one_or_is_empty(text):
    features, _ = fit([*TEXTS, "a b c d e"])
    indices, weights = features.vector(count_ngrams(text))
    for first, last in ((0, len(features.words)), (len(features.words), len(features))):
        block = [weight for i, weight in zip(indices, weights, strict=True) if first <= i < last]
        assert not block or math.hypot(*block) == pytest.approx(1.0)
