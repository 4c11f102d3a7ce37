"""Intents by keyword: boundaries, case, order, and what happens to keywords of two intents."""

from __future__ import annotations

import pytest

from botapi.data.examples import Example, TrainingData
from botapi.errors import ModelError
from botapi.nlu.component import Training
from botapi.nlu.keywords import KeywordIntentClassifier
from botapi.nlu.message import Message
from tests.nlu.nlusamples import shop


def trained(examples, case_sensitive=True):
    data = TrainingData(examples=[Example(text, intent) for text, intent in examples])
    return KeywordIntentClassifier.train({"case_sensitive": case_sensitive}, data, Training())


def intent_of(classifier, text, before=None):
    message = Message(text, intent=before)
    classifier.process(message)
    return message.intent


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("well, good morrow my dear", "hello"),
        ("good morrows", None),
        ("a good\nmorrow", None),
        ("GOOD MORROW", None),
        ("farewell, good morrow", "hello"),
    ],
)
def test_a_keyword_stands_between_word_boundaries(text, name):
    classifier = trained([("good morrow", "hello"), ("farewell", "bye")])
    assert intent_of(classifier, text) == {"name": name, "confidence": 1.0 if name else 0.0}


@pytest.mark.parametrize("text", ["GOOD Morrow", "é good morrow"])
def test_case_may_be_ignored(text):
    assert intent_of(trained([("Good morrow", "hello")], case_sensitive=False), text)["name"] == "hello"


def test_case_is_ignored_beyond_ascii_too():
    assert intent_of(trained([("süß", "taste")], case_sensitive=False), "SÜß!")["name"] == "taste"


def test_a_keyword_is_a_regular_expression():
    classifier = trained([("are you (well|fine)", "mood"), ("colou?r", "paint")])
    assert intent_of(classifier, "are you fine")["name"] == "mood"
    assert intent_of(classifier, "the color")["name"] == "paint"


@pytest.mark.parametrize("keyword", ["what (now", "x{99999999999}y", "a" + "(" * 2000 + ")" * 2000 + "z"])
def test_what_is_no_regular_expression_is_taken_literally(keyword):
    assert intent_of(trained([(keyword, "ask")]), f"so {keyword} then")["name"] == "ask"


def test_an_earlier_intent_stays_when_no_keyword_is_found():
    before = {"name": "other", "confidence": 0.4}
    assert intent_of(trained([("hi", "hello")]), "nothing", before) == before
    assert intent_of(trained([("hi", "hello")]), "hi", before) == {"name": "hello", "confidence": 1.0}


def test_a_keyword_of_two_intents_is_left_out_with_a_log_line(caplog):
    classifier = trained([("hi", "hello"), ("hi", "bye"), ("ciao", "bye")])
    assert [keyword.text for keyword in classifier.keywords] == ["ciao"]
    assert "'hi'" in caplog.text


def test_a_keyword_inside_one_of_another_intent_is_left_out_with_a_log_line(caplog):
    classifier = trained([("open", "door"), ("when do you open", "hours"), ("opening", "film")])
    assert [keyword.text for keyword in classifier.keywords] == ["when do you open", "opening"]
    assert "'open'" in caplog.text


def test_retrieval_intents_count_by_their_base():
    classifier = KeywordIntentClassifier.train({"case_sensitive": True}, shop(), Training())
    assert intent_of(classifier, "delivery time")["name"] == "faq"


def test_saved_and_loaded_it_answers_the_same():
    options = {"case_sensitive": False}
    classifier = trained([("good morrow", "hello"), ("a+b", "sum")], case_sensitive=False)
    loaded = KeywordIntentClassifier.load(options, classifier.save())
    assert intent_of(loaded, "Good Morrow") == {"name": "hello", "confidence": 1.0}
    assert loaded.save() == classifier.save()


@pytest.mark.parametrize("body", [b"[]", b'{"a": 1}', b"{", b"\xff"])
def test_a_damaged_member_is_refused(body):
    with pytest.raises(ModelError, match=r"keywords\.json"):
        KeywordIntentClassifier.load({"case_sensitive": True}, {"keywords.json": body})
