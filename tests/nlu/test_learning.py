"""Learning: what is learned generalises, with numpy and without, the same each time."""

from __future__ import annotations

import pytest

from botapi.nlu.featurizers import count_ngrams
from botapi.nlu.learning import learn
from tests.nlu.nlusamples import sentences

TRAIN, ASK = sentences()


def accuracy(model):
    right = [model.ranking(count_ngrams(text))[0][0] == label for text, label in ASK]
    return sum(right) / len(right)


@pytest.mark.parametrize("numpy", [False, True])
def test_sentences_never_seen_get_their_label(numpy):
    assert accuracy(learn(TRAIN, seed=3, numpy=numpy)) >= 0.9


@pytest.mark.parametrize("numpy", [False, True])
def test_the_same_data_and_seed_give_the_same_bytes(numpy):
    assert learn(TRAIN, seed=3, numpy=numpy).save() == learn(TRAIN, seed=3, numpy=numpy).save()


def test_another_seed_gives_another_model():
    assert learn(TRAIN, seed=3, numpy=False).save() != learn(TRAIN, seed=4, numpy=False).save()


def test_numpy_and_plain_python_agree_on_nearly_every_sentence():
    plain, fast = learn(TRAIN, seed=3, numpy=False), learn(TRAIN, seed=3, numpy=True)
    assert accuracy(plain) == pytest.approx(accuracy(fast), abs=0.051)
    for text, label in TRAIN:
        a, b = plain.ranking(count_ngrams(text))[0], fast.ranking(count_ngrams(text))[0]
        assert (a[0], b[0]) == (label, label)
        assert a[1] == pytest.approx(b[1], abs=0.1)


def test_the_name_of_a_label_is_one_more_example():
    model = learn([("hello", "greet"), ("adieu", "say_goodbye")], seed=1, numpy=False)
    assert model.ranking(count_ngrams("goodbye"))[0][0] == "say_goodbye"


def test_one_label_is_certain():
    assert learn([("hello", "greet")], seed=1, numpy=False).ranking(count_ngrams("x")) == [("greet", 1.0)]


@pytest.mark.parametrize("numpy", [False, True])
def test_texts_without_any_word_can_be_learned(numpy):
    model = learn([("", "a"), (" ", "b")] * 40, seed=1, numpy=numpy)
    assert [label for label, _ in model.ranking(count_ngrams(""))] in (["a", "b"], ["b", "a"])


def test_labels_are_in_alphabetic_order_whatever_the_order_of_the_examples():
    assert learn(TRAIN[::-1], seed=1, numpy=False).labels == ["greet", "hours", "order", "refund", "weather"]
