"""The learned intent classifier as a component."""

from __future__ import annotations

import pytest

from botapi.data.examples import Example, TrainingData
from botapi.errors import ModelError
from botapi.nlu.classifiers import LinearIntentClassifier
from botapi.nlu.component import Training
from botapi.nlu.message import Message
from tests.nlu.nlusamples import sentences, shop

TRAIN, ASK = sentences()
DATA = TrainingData(examples=[Example(text, intent) for text, intent in TRAIN])


def trained(data=DATA, **options):
    return LinearIntentClassifier.train({**LinearIntentClassifier.OPTIONS, **options}, data, Training(seed=3))


def answer(classifier, text):
    message = Message(text)
    classifier.process(message)
    return message.parse_data()


def test_the_best_intent_stands_first_in_the_ranking():
    found = answer(trained(), "when do you open on tuesday")
    assert found["intent"] == found["intent_ranking"][0]
    assert found["intent"]["name"] == "hours"
    confidences = [entry["confidence"] for entry in found["intent_ranking"]]
    assert confidences == sorted(confidences, reverse=True)
    assert sum(confidences) == pytest.approx(1.0)


@pytest.mark.parametrize(("length", "entries"), [(2, 2), (0, 5), (10, 5)])
def test_the_length_of_the_ranking(length, entries):
    assert len(answer(trained(ranking_length=length), "hello")["intent_ranking"]) == entries


def test_retrieval_intents_are_learned_by_their_base():
    assert {entry["name"] for entry in answer(trained(shop()), "x")["intent_ranking"]} >= {"faq", "smalltalk"}


@pytest.mark.parametrize(
    "classifier", [trained(intent_classification=False), trained(TrainingData())], ids=["switched off", "no examples"]
)
def test_without_a_model_it_does_nothing_and_saves_nothing(classifier):
    assert answer(classifier, "hello") == {"text": "hello", "intent": {"name": None, "confidence": 0.0}, "entities": []}
    assert classifier.save() == {}
    assert answer(LinearIntentClassifier.load(LinearIntentClassifier.OPTIONS, {}), "hello")["intent"]["name"] is None


def test_saved_and_loaded_it_answers_the_same():
    classifier = trained()
    loaded = LinearIntentClassifier.load(LinearIntentClassifier.OPTIONS, classifier.save())
    assert all(answer(loaded, text) == answer(classifier, text) for text, _ in ASK)


def test_half_of_its_members_are_refused():
    with pytest.raises(ModelError, match=r"fallback\.json"):
        LinearIntentClassifier.load(LinearIntentClassifier.OPTIONS, {"labels.json": trained().save()["labels.json"]})
