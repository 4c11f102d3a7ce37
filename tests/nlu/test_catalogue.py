"""Names in a pipeline: ours, Rasa's, and neither."""

from __future__ import annotations

import pytest

from botapi.errors import ConfigError
from botapi.nlu.catalogue import COMPONENTS, DEFAULT_PIPELINE, IGNORED, REPLACED, read_pipeline

REFERENCE_NAMES = """
WhitespaceTokenizer SpacyTokenizer MitieTokenizer JiebaTokenizer SpacyNLP MitieNLP RegexFeaturizer
LexicalSyntacticFeaturizer CountVectorsFeaturizer SpacyFeaturizer MitieFeaturizer ConveRTFeaturizer
LanguageModelFeaturizer DIETClassifier LogisticRegressionClassifier SklearnIntentClassifier
KeywordIntentClassifier MitieIntentClassifier FallbackClassifier ResponseSelector CRFEntityExtractor
RegexEntityExtractor MitieEntityExtractor DucklingEntityExtractor SpacyEntityExtractor EntitySynonymMapper
""".split()


@pytest.mark.parametrize("name", REFERENCE_NAMES)
def test_every_component_of_the_reference_is_known_by_both_its_names(name):
    for given in (name, f"rasa.nlu.somewhere.{name}"):
        (step,) = read_pipeline([{"name": given}])
        assert step.part is not None or "no effect" in step.note


def test_each_replacement_exists():
    assert set(REPLACED.values()) <= set(COMPONENTS)
    assert not set(COMPONENTS) & (set(REPLACED) | set(IGNORED))


def test_an_unknown_name_is_refused_with_those_that_are_known():
    with pytest.raises(ConfigError, match=r"'my\.own\.Thing'.*DIETClassifier.*WhitespaceTokenizer"):
        read_pipeline([{"name": "my.own.Thing"}])


@pytest.mark.parametrize("config", ["supervised_embeddings", {"name": "DIETClassifier"}, 7])
def test_a_pipeline_that_is_no_list_is_refused(config):
    with pytest.raises(ConfigError, match="expected a list"):
        read_pipeline(config)


@pytest.mark.parametrize("item", ["WhitespaceTokenizer", {}, {"name": 3}, None])
def test_an_item_without_a_name_is_refused_by_its_number(item):
    with pytest.raises(ConfigError, match="Item 2"):
        read_pipeline([{"name": "WhitespaceTokenizer"}, item])


def test_a_replacement_says_what_serves_and_what_has_no_effect():
    (step,) = read_pipeline([{"name": "DIETClassifier", "epochs": 100, "ranking_length": 3}])
    assert step.options["ranking_length"] == 3
    assert "DIETClassifier is served by LinearIntentClassifier" in step.note
    assert "epochs without effect" in step.note
    assert "RegexEntityExtractor" in step.note


@pytest.mark.parametrize(
    "item",
    [{"name": "WhitespaceTokenizer"}, {"name": "FallbackClassifier", "threshold": 0.7}, {"name": "ResponseSelector"}],
)
def test_what_does_just_as_configured_has_no_note(item):
    assert read_pipeline([item])[0].note == ""


def test_the_default_pipeline_is_known():
    assert [step.name for step in read_pipeline(DEFAULT_PIPELINE) if step.part] == [
        "WhitespaceTokenizer",
        "LinearIntentClassifier",
        "EntitySynonymMapper",
        "ResponseSelector",
        "FallbackClassifier",
    ]
