"""The whole pipeline: answers in Rasa's shape, members that come back, and no text that breaks it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botapi.data.examples import Example, TrainingData
from botapi.errors import ConfigError, ModelError
from botapi.nlu.message import MAX_CHARACTERS
from botapi.nlu.pipeline import Pipeline
from tests.nlu.nlusamples import shop

KEYWORDS = [
    {"name": "WhitespaceTokenizer"},
    {"name": "KeywordIntentClassifier", "case_sensitive": False},
    {"name": "RegexEntityExtractor"},
    {"name": "EntitySynonymMapper"},
    {"name": "FallbackClassifier", "threshold": 0.3, "ambiguity_threshold": 0.05},
]
EVERYTHING = [
    *KEYWORDS[:-1],
    {"name": "DIETClassifier", "epochs": 5},
    {"name": "ResponseSelector", "retrieval_intent": "faq"},
    {"name": "ResponseSelector"},
    KEYWORDS[-1],
]


def trained(config, report=lambda line: None):
    return Pipeline.train(config, "en", shop(), seed=1, report=report)


@pytest.fixture(scope="module")
def everything():
    return trained(EVERYTHING)


def test_an_intent_by_keyword():
    assert trained(KEYWORDS).parse("well, GOOD MORROW my dear") == {
        "text": "well, GOOD MORROW my dear",
        "intent": {"name": "hello", "confidence": 1.0},
        "entities": [],
        "text_tokens": [[0, 4], [6, 10], [11, 17], [18, 20], [21, 25]],
    }


def test_a_message_that_is_not_understood_still_has_its_entities():
    assert trained(KEYWORDS).parse("a cap please") == {
        "text": "a cap please",
        "intent": {"name": "nlu_fallback", "confidence": 0.3},
        "entities": [
            {
                "entity": "item", "start": 2, "end": 5, "value": "poster",
                "extractor": "RegexEntityExtractor", "processors": ["EntitySynonymMapper"],
            }
        ],
        "text_tokens": [[0, 1], [2, 5], [6, 12]],
    }  # fmt: skip


def test_without_a_tokenizer_there_are_no_tokens():
    assert trained([{"name": "KeywordIntentClassifier"}]).parse("x") == {
        "text": "x", "intent": {"name": None, "confidence": 0.0}, "entities": [],
    }  # fmt: skip


def test_an_empty_pipeline_understands_nothing():
    assert trained([]).parse("x") == {"text": "x", "intent": {"name": None, "confidence": 0.0}, "entities": []}


def test_a_retrieval_intent_gets_its_full_name(everything):
    found = everything.parse("i want a refund")
    assert found["intent"]["name"] == "faq"
    assert found["intent"]["full_retrieval_intent_name"] == "faq/ask_refund"
    assert set(found["response_selector"]) == {"all_retrieval_intents", "faq", "default"}


def test_a_retrieval_intent_without_a_selector_of_its_own_has_no_full_name():
    config = [{"name": "KeywordIntentClassifier"}, {"name": "ResponseSelector"}]
    assert trained(config).parse("delivery time")["intent"]["full_retrieval_intent_name"] is None


def test_the_ranking_does_not_change_when_the_intent_gets_its_full_name(everything):
    assert all(set(entry) == {"name", "confidence"} for entry in everything.parse("i want a refund")["intent_ranking"])


def test_no_pipeline_means_the_default_one():
    found = trained(None).parse("delivery time")
    assert list(found) == ["text", "intent", "entities", "text_tokens", "intent_ranking", "response_selector"]


def test_each_replaced_or_limited_component_is_reported_once():
    lines = []
    trained(EVERYTHING, lines.append)
    assert len(lines) == 1
    assert "DIETClassifier" in lines[0]


def test_saved_and_loaded_it_answers_the_same(everything):
    members = everything.save()
    loaded = Pipeline.load(everything.config, members)
    assert loaded.save() == members
    assert loaded.config == EVERYTHING
    for text in ("i want a refund", "order a cap", "good morrow", ""):
        assert loaded.parse(text) == everything.parse(text)


def test_members_are_named_by_place_and_component(everything):
    assert sorted({name.split("/")[0] for name in everything.save()}) == [
        "01-KeywordIntentClassifier", "02-RegexEntityExtractor", "03-EntitySynonymMapper",
        "04-DIETClassifier", "05-ResponseSelector", "06-ResponseSelector",
    ]  # fmt: skip


def test_the_same_training_gives_the_same_bytes(everything):
    assert trained(EVERYTHING).save() == everything.save()


def test_members_that_the_pipeline_does_not_use_are_refused(everything):
    with pytest.raises(ModelError, match="09-Other"):
        Pipeline.load(EVERYTHING, {**everything.save(), "09-Other/x.json": b"{}"})


def test_a_missing_member_is_refused(everything):
    members = everything.save()
    del members["03-EntitySynonymMapper/synonyms.json"]
    with pytest.raises(ModelError, match=r"synonyms\.json"):
        Pipeline.load(EVERYTHING, members)


def test_an_unknown_component_is_refused():
    with pytest.raises(ConfigError, match="Nonsense"):
        trained([{"name": "Nonsense"}])


def test_a_parse_does_not_change_the_next_one(everything):
    first = everything.parse("order a cap")
    expected = json.dumps(first)
    first["entities"].clear()
    first["intent_ranking"].clear()
    assert json.dumps(everything.parse("order a cap")) == expected


@pytest.mark.parametrize("text", ["a" * 3 * MAX_CHARACTERS, "mug " * MAX_CHARACTERS, "\ud800" * 50, "\0", "/" * 300])
def test_strange_texts_come_back_whole(everything, text):
    assert everything.parse(text)["text"] == text


@settings(max_examples=200)
@given(st.text(alphabet=st.characters(), max_size=80))
def test_no_text_raises_and_every_answer_is_json(everything, text):
    found = everything.parse(text)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert all(0 <= entity["start"] < entity["end"] <= len(text) for entity in found["entities"])


ORDERS_AND_HOURS = {
    "zh": ["我想点一个披萨", "来一份披萨", "我要订披萨", "你们几点开门", "今天营业到几点", "什么时候开门"],
    "th": ["อยากสั่งพิซซ่า", "ขอพิซซ่าหนึ่งถาด", "สั่งพิซซ่าหน่อย", "ร้านเปิดกี่โมง", "วันนี้เปิดถึงกี่โมง", "เปิดเมื่อไหร่"],
}


@pytest.mark.parametrize("language", ORDERS_AND_HOURS)
def test_a_language_without_blanks_needs_no_configuration(language):
    texts, data = ORDERS_AND_HOURS[language], TrainingData()
    data.examples += [Example(text, "order" if number < 3 else "hours") for number, text in enumerate(texts)]
    pipeline = Pipeline.train(None, language, data)
    loaded = Pipeline.load(pipeline.config, pipeline.save())
    assert loaded.parse(texts[0][2:])["intent"]["name"] == "order"
    assert loaded.parse(texts[4][2:])["intent"]["name"] == "hours"
