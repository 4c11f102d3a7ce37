"""The fallback classifier: when it speaks and what it leaves in the message."""

from __future__ import annotations

import pytest

from botapi.nlu.fallback import FallbackClassifier
from botapi.nlu.message import Message

FALLBACK = {"name": "nlu_fallback", "confidence": 0.3}


def asked(confidences, **options):
    ranking = [{"name": f"i{n}", "confidence": value} for n, value in enumerate(confidences)]
    message = Message("x", intent=dict(ranking[0]) if ranking else None, ranking=ranking)
    FallbackClassifier({**FallbackClassifier.OPTIONS, **options}).process(message)
    return message


@pytest.mark.parametrize(
    ("confidences", "falls_back"),
    [((0.29,), True), ((0.3,), False), ((0.6, 0.51), True), ((0.6, 0.5), True), ((0.6, 0.4), False), ((), True)],
)
def test_low_or_ambiguous(confidences, falls_back):
    message = asked(confidences)
    assert (message.intent["name"] == "nlu_fallback") is falls_back


def test_the_fallback_stands_in_front_of_the_ranking():
    message = asked((0.2, 0.1))
    assert message.intent == FALLBACK
    assert message.ranking == [FALLBACK, {"name": "i0", "confidence": 0.2}, {"name": "i1", "confidence": 0.1}]


def test_its_confidence_is_the_threshold():
    assert asked((0.6,), threshold=0.7).intent["confidence"] == 0.7


def test_a_smaller_ambiguity_threshold_accepts_closer_intents():
    assert asked((0.5, 0.44), ambiguity_threshold=0.05).intent["name"] == "i0"


def test_a_ranking_that_no_classifier_gave_stays_out_of_the_answer():
    message = Message("x", intent={"name": None, "confidence": 0.0})
    FallbackClassifier(FallbackClassifier.OPTIONS).process(message)
    assert message.parse_data() == {"text": "x", "intent": FALLBACK, "entities": []}


def test_without_a_threshold_it_is_the_one_that_the_classifier_found():
    message = Message("x", intent={"name": "a", "confidence": 0.4}, ranking=[{"name": "a", "confidence": 0.4}])
    message.suggested_threshold = 0.45
    FallbackClassifier(FallbackClassifier.OPTIONS).process(message)
    assert message.intent == {"name": "nlu_fallback", "confidence": 0.45}


def test_a_threshold_in_the_configuration_counts_more():
    message = Message("x", intent={"name": "a", "confidence": 0.4}, ranking=[{"name": "a", "confidence": 0.4}])
    message.suggested_threshold = 0.45
    FallbackClassifier({**FallbackClassifier.OPTIONS, "threshold": 0.3}).process(message)
    assert message.intent["name"] == "a"
