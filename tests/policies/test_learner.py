"""Learning what follows from sets of features: it fits, it generalises, it is the same each time."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botapi.policies.learner import MAX_FEATURES, Examples, Learner


def learned(pairs, seed=1, **options):
    examples = Examples()
    for features, label in pairs:
        examples.add([(name,) for name in features.split()], label)
    return Learner.learn(examples, seed, **options)


def best(learner, features):
    confidences = learner.confidences([(name,) for name in features.split()])
    return max(confidences, key=confidences.get)


def test_each_feature_speaks_for_what_it_came_with():
    learner = learned([("red round", "apple"), ("yellow long", "banana"), ("yellow round", "lemon")])
    assert [best(learner, words) for words in ("red round", "yellow long", "yellow round")] == learner.labels
    assert best(learner, "long") == "banana" and best(learner, "red unknown") == "apple"


def test_labels_that_follow_equally_often_share_the_confidence():
    learner = learned([("dice", side) for side in "abcd"])
    confidences = learner.confidences([("dice",)])
    assert list(confidences) == list("abcd") and sum(confidences.values()) == pytest.approx(1)
    assert all(value == pytest.approx(0.25, abs=0.06) for value in confidences.values())


def test_fits_are_scores_less_the_best_and_agree_with_confidences():
    learner = learned([("a x", "1"), ("b x", "2"), ("c x", "3")])
    features = [("a",), ("x",)]
    fits = learner.fits(features)
    assert max(fits) == 0.0 and learner.fits([("unknown",)]) == [0.0, 0.0, 0.0]
    total = sum(map(math.exp, fits))
    confidences = learner.confidences(features)
    for label, fit in zip(learner.labels, fits, strict=True):
        assert confidences[label] == pytest.approx(math.exp(fit) / total, abs=1e-3)


def test_a_known_feature_is_in_the_learner():
    learner = learned([("a", "1"), ("b", "2")])
    assert ("a",) in learner and ("c",) not in learner


def test_one_label_is_certain_and_nothing_learned_says_nothing():
    assert learned([("a", "only")]).confidences([("b",)]) == {"only": 1.0}
    assert learned([]).confidences([("a",)]) == {} and learned([]).fits([]) == []


def test_the_same_examples_and_seed_give_the_same_model_and_another_seed_another():
    pairs = [(f"a{n % 7} b{n % 5} c{n % 3}", str(n % 4)) for n in range(60)]
    assert learned(pairs).as_json() == learned(pairs).as_json() != learned(pairs, seed=2).as_json()


def test_saved_and_loaded_it_says_the_same():
    learner = learned([("a x", "1"), ("b x", "2"), ("c y", "3")])
    loaded = Learner.from_json(learner.as_json())
    for features in ([("a",)], [("x",), ("b",)], []):
        assert loaded.confidences(features) == learner.confidences(features)


def test_of_equal_sets_one_is_kept():
    examples = Examples()
    for label in ("1", "1", "2"):
        examples.add([("a",), ("b", 2)], label)
    assert len(examples) == 1 and [labels for _, labels in examples] == [{"1", "2"}]


@given(st.lists(st.sampled_from([1 << 18, -(1 << 18)]), min_size=3, max_size=3), st.integers(1, 3 * MAX_FEATURES))
def test_no_label_spills_into_another_however_large_weights_are(weights, times):
    learner = Learner(["a", "b", "c"], {("f",): dict(enumerate(weights))})
    fits = learner.fits([("f",)] * times)
    assert [fit == 0.0 for fit in fits] == [weight == max(weights) for weight in weights]
