"""The response selector: its answer has the shape of Rasa 3.6's."""

from __future__ import annotations

import pytest

from botapi.data.examples import Example, TrainingData
from botapi.nlu.classifiers import LinearIntentClassifier
from botapi.nlu.component import Training
from botapi.nlu.message import Message
from botapi.nlu.selector import ResponseSelector
from tests.nlu.nlusamples import sentences, shop


def trained(data=None, **options):
    return ResponseSelector.train({**ResponseSelector.OPTIONS, **options}, data or shop(), Training())


def selected(selector, text, message=None):
    message = message or Message(text)
    selector.process(message)
    return message.response_selector


def test_the_shape_of_the_answer():
    found = selected(trained(retrieval_intent="faq"), "a refund please")
    response, ranking = found["faq"]["response"], found["faq"]["ranking"]
    assert list(found) == ["all_retrieval_intents", "faq"]
    assert found["all_retrieval_intents"] == ["faq", "smalltalk"]
    assert response == {
        "responses": [{"text": "Refunds take a week."}],
        "confidence": ranking[0]["confidence"],
        "intent_response_key": "faq/ask_refund",
        "utter_action": "utter_faq/ask_refund",
    }
    assert [entry["intent_response_key"] for entry in ranking] == ["faq/ask_refund", "faq/ask_delivery"]
    assert sum(entry["confidence"] for entry in ranking) == pytest.approx(1.0)


@pytest.mark.parametrize("options", [{"retrieval_intent": "faq"}, {}], ids=["one", "all"])
def test_it_is_as_accurate_as_the_same_examples_are_as_intents(options):
    train, ask = sentences()
    data = TrainingData(examples=[Example(text, intent) for text, intent in train])
    retrieval = TrainingData(examples=[Example(text, f"faq/{intent}") for text, intent in train])
    intents = LinearIntentClassifier.train(LinearIntentClassifier.OPTIONS, data, Training())
    selector = trained(retrieval, **options)
    right = 0
    for text, intent in ask:
        intents.process(message := Message(text))
        found = selected(selector, text)[options.get("retrieval_intent", "default")]
        ranking = [(entry["intent_response_key"], entry["confidence"]) for entry in found["ranking"]]
        assert ranking == [(f"faq/{entry['name']}", entry["confidence"]) for entry in message.ranking]
        right += found["response"]["intent_response_key"] == f"faq/{intent}"
    assert right / len(ask) > 0.9


def test_without_a_retrieval_intent_all_are_ranked_under_default():
    found = selected(trained(), "are you happy")
    assert found["default"]["response"]["intent_response_key"] == "smalltalk/ask_mood"
    assert len(found["default"]["ranking"]) == 4


def test_a_key_without_responses_stands_for_itself():
    assert selected(trained(), "delivery time")["default"]["response"]["responses"] == [{"text": "faq/ask_delivery"}]


def test_two_selectors_answer_side_by_side():
    message = Message("delivery time")
    selected(trained(retrieval_intent="faq"), "", message)
    assert set(selected(trained(retrieval_intent="smalltalk"), "", message)) == {
        "all_retrieval_intents",
        "faq",
        "smalltalk",
    }


def test_the_length_of_the_ranking():
    assert len(selected(trained(ranking_length=1), "x")["default"]["ranking"]) == 1


def test_without_retrieval_intents_nothing_is_added():
    selector = trained(TrainingData())
    assert selected(selector, "x") == {}
    assert selected(ResponseSelector.load(ResponseSelector.OPTIONS, selector.save()), "x") == {}


def test_a_selector_for_an_intent_without_examples_says_so(caplog):
    assert selected(trained(retrieval_intent="nope"), "x") == {}
    assert "'nope'" in caplog.text


def test_saved_and_loaded_it_answers_the_same():
    selector = trained()
    loaded = ResponseSelector.load(ResponseSelector.OPTIONS, selector.save())
    assert selected(loaded, "money back") == selected(selector, "money back")
    assert loaded.save() == selector.save()
