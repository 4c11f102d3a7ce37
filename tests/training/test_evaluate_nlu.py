"""Tests of what is understood: real pipelines, and parsers that answer from a table, against examples."""

from __future__ import annotations

import pytest

from botapi.data import nlu
from botapi.data.project import read_text
from botapi.errors import ConfigError, DataError
from botapi.nlu.pipeline import Pipeline
from botapi.training.evaluate_nlu import (
    NO_ENTITY,
    collect,
    cross_validate,
    entity_label,
    evaluate,
    evaluation,
    split,
    subjects_of,
    summary,
)

PIPELINE = """
pipeline:
- name: WhitespaceTokenizer
- name: RegexEntityExtractor
- name: KeywordIntentClassifier
- name: ResponseSelector
"""
DATA = """
nlu:
- intent: greet
  examples: |
    - hello
    - hi
    - hello [Rome](city)
- intent: faq/name
  examples: |
    - name please
    - your name
- intent: faq/age
  examples: |
    - age please
    - your age
- lookup: city
  examples: |
    - Rome
"""


def told(**answers):
    """A parser that knows the intents of some texts."""

    def parse(text):
        name = answers.get(text)
        return {"text": text, "intent": {"name": name, "confidence": 0.5}, "entities": []}

    return parse


def examples(text):
    return nlu.read(text)


def test_a_trained_pipeline_knows_what_it_learned():
    project = read_text(PIPELINE + DATA)
    pipeline = Pipeline.train(project.config.pipeline, "en", project.nlu)
    found = evaluate(pipeline.parse, project.nlu)
    assert set(found) == {"intent_evaluation", "entity_evaluation", "response_selection_evaluation"}
    assert found["intent_evaluation"]["accuracy"] == 1.0
    assert found["intent_evaluation"]["errors"] == []
    assert len(found["intent_evaluation"]["predictions"]) == 7
    assert found["entity_evaluation"]["RegexEntityExtractor"]["report"]["city"]["support"] == 1
    responses = found["response_selection_evaluation"]
    assert responses["f1_score"] == 1.0
    assert set(responses["report"]) >= {"faq/name", "faq/age"}
    first = responses["predictions"][0]
    assert (first["intent_response_key_target"], first["intent_response_key_prediction"]) == ("faq/name",) * 2


def test_wrong_intents_are_counted_and_listed():
    data = examples("nlu: [{intent: a, examples: '- x\n\n- y'}, {intent: b, examples: '- z'}]")
    found = evaluate(told(x="a", y="b"), data)["intent_evaluation"]
    assert found["predictions"] == [
        {"text": "x", "intent": "a", "predicted": "a", "confidence": 0.5},
        {"text": "y", "intent": "a", "predicted": "b", "confidence": 0.5},
        {"text": "z", "intent": "b", "predicted": "", "confidence": 0.5},
    ]
    assert found["errors"] == [
        {"text": "y", "intent": "a", "intent_prediction": {"name": "b", "confidence": 0.5}},
        {"text": "z", "intent": "b", "intent_prediction": {"name": "", "confidence": 0.5}},
    ]
    assert found["report"]["a"]["confused_with"] == {"b": 1}
    assert found["f1_score"] == pytest.approx(2 / 3 * 2 / 3)


def test_what_the_examples_do_not_test_is_none():
    found = evaluate(told(x="a"), examples("nlu: [{intent: a, examples: '- x'}]"))
    assert found == {"intent_evaluation": None, "entity_evaluation": None, "response_selection_evaluation": None}


def test_the_fallback_does_not_hide_the_best_intent():
    data = examples("nlu: [{intent: a, examples: '- x'}, {intent: b, examples: '- y'}]")

    def parse(text):
        ranking = [{"name": "nlu_fallback", "confidence": 0.7}, {"name": "a", "confidence": 0.2}]
        return {"intent": ranking[0], "intent_ranking": ranking if text == "x" else ranking[:1]}

    found = evaluate(parse, data)["intent_evaluation"]["predictions"]
    assert [(one["predicted"], one["confidence"]) for one in found] == [("a", 0.2), ("nlu_fallback", 0.7)]


def test_entities_are_judged_token_by_token_for_each_extractor():
    data = examples("nlu: [{intent: a, examples: '- from [New York](city) to [Rome](city)'}]")

    def parse(text):
        entities = [
            {"start": 5, "end": 8, "entity": "city", "value": "New", "extractor": "one"},
            {"start": 17, "end": 21, "entity": "city", "value": "Rome", "extractor": "two"},
            {"start": 0, "end": 4, "entity": "time", "value": "x", "extractor": "DucklingEntityExtractor"},
        ]
        return {"text": text, "intent": {"name": "a"}, "entities": entities}

    results = collect(parse, data.examples, subjects_of(data))
    found = evaluation(results)["entity_evaluation"]
    assert set(found) == {"one", "two"}
    assert found["one"]["report"]["city"]["recall"] == pytest.approx(1 / 3)
    assert found["one"]["errors"][0]["entities"][0]["entity"] == "city"
    together = summary(results)["entity_evaluation"]
    assert together["report"]["city"]["recall"] == pytest.approx(2 / 3)
    assert together["precision"] == 1.0


def test_entities_that_nobody_finds_are_missed_in_the_summary():
    data = examples("nlu: [{intent: a, examples: '- to [Rome](city)'}]")
    results = collect(told(), data.examples, subjects_of(data))
    assert evaluation(results)["entity_evaluation"] == {}
    assert summary(results)["entity_evaluation"]["report"]["city"]["recall"] == 0.0


@pytest.mark.parametrize(
    "token, label",
    [
        ((0, 4), "city"),
        ((5, 9), "city.g.to"),
        ((10, 12), NO_ENTITY),
        ((3, 6), "city"),
    ],
)
def test_a_token_has_the_label_of_the_entity_that_covers_most_of_it(token, label):
    entities = [
        {"start": 0, "end": 5, "entity": "city"},
        {"start": 5, "end": 9, "entity": "city", "role": "to", "group": "g"},
        {"entity": "without a place"},
    ]
    assert entity_label(token, entities) == label


def test_folds_test_every_example_once_and_spread_intents():
    data = read_text(PIPELINE + DATA).nlu
    every = list(data.intent_examples())
    parts = list(split(every, 2, seed=1))
    assert sorted(example.text for _, test in parts for example in test) == sorted(one.text for one in every)
    for train, test in parts:
        assert {example.intent for example in train} == {example.intent for example in test}
        assert len(train) + len(test) == len(every)
    assert parts == list(split(every, 2, seed=1))


@pytest.mark.parametrize("folds", [0, 1, 4])
def test_folds_that_do_not_fit_are_refused(folds):
    with pytest.raises(DataError, match="the most frequent intent has 3 examples"):
        cross_validate(read_text(PIPELINE + DATA), folds)


def test_cross_validation_judges_by_models_that_never_saw_the_examples():
    project = read_text(PIPELINE + DATA)
    found = summary(cross_validate(project, 2))
    intents = found["intent_evaluation"]
    assert intents["report"]["weighted avg"]["support"] == 7
    assert intents["f1_score"] == intents["report"]["weighted avg"]["f1-score"]
    # Each of its sentences is new to the classifier by keywords, and holds none that it knows.
    assert {"name please", "your age"} <= {error["text"] for error in intents["errors"]}
    assert found == summary(cross_validate(project, 2))


def test_a_wrong_pipeline_is_told():
    with pytest.raises(ConfigError, match="NoSuchThing"):
        cross_validate(read_text(DATA + "pipeline: [{name: NoSuchThing}]"), 2)
