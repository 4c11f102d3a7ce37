"""Names in a pipeline: ours, Rasa's, and neither."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from botapi.data.examples import TrainingData
from botapi.errors import ConfigError
from botapi.nlu.catalogue import COMPONENTS, DEFAULT_PIPELINE, IGNORED, REPLACED, read_pipeline
from botapi.nlu.pipeline import Pipeline

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
        assert step.part is not None or "no effect" in step.note or name == "SpacyNLP"


@pytest.mark.parametrize("name", REFERENCE_NAMES)
def test_the_documentation_says_what_every_component_of_the_reference_is_here(name):
    page = (Path(__file__).parents[2] / "docs" / "nlu.md").read_text(encoding="utf-8")
    table = page.partition("| name in Rasa | here |")[2].partition("\n\n")[0]
    described = [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert described.count(name) == 1


def test_each_replacement_exists():
    assert set(REPLACED.values()) <= set(COMPONENTS)
    assert not set(COMPONENTS) & (set(REPLACED) | set(IGNORED))


def test_an_unknown_name_is_refused_with_those_that_are_known():
    with pytest.raises(ConfigError, match=r"'Thing'.*DIETClassifier.*SpacyNLP.*WhitespaceTokenizer, and class paths"):
        read_pipeline([{"name": "Thing"}])


def test_spacy_components_have_the_options_of_the_model_before_them():
    steps = read_pipeline(
        [
            {"name": "SpacyNLP", "model": "en", "case_sensitive": True},
            {"name": "SpacyTokenizer", "token_pattern": "x"},
            {"name": "rasa.nlu.utils.spacy_utils.SpacyNLP", "model": "de"},
            {"name": "SpacyEntityExtractor"},
        ]
    )
    assert [step.options.get("model") for step in steps] == [None, "en", None, "de"]
    assert steps[1].options["case_sensitive"] and steps[1].options["token_pattern"] == "x"
    assert [step.note for step in steps] == [""] * 4


@pytest.mark.parametrize("config", ["supervised_embeddings", {"name": "DIETClassifier"}, 7])
def test_a_pipeline_that_is_no_list_is_refused(config):
    with pytest.raises(ConfigError, match="expected a list"):
        read_pipeline(config)


@pytest.mark.parametrize("item", ["WhitespaceTokenizer", {}, {"name": 3}, None])
def test_an_item_without_a_name_is_refused_by_its_number(item):
    with pytest.raises(ConfigError, match="Item 2"):
        read_pipeline([{"name": "WhitespaceTokenizer"}, item])


def test_a_replacement_says_what_serves_and_what_has_no_effect():
    (step,) = read_pipeline([{"name": "SklearnIntentClassifier", "C": [1], "ranking_length": 3}])
    assert step.options["ranking_length"] == 3
    assert step.note == "SklearnIntentClassifier is served by LinearIntentClassifier; C without effect"


@pytest.mark.parametrize(
    "item",
    [{"name": "WhitespaceTokenizer"}, {"name": "FallbackClassifier", "threshold": 0.7}, {"name": "ResponseSelector"}],
)
def test_what_does_just_as_configured_has_no_note(item):
    assert read_pipeline([item])[0].note == ""


def test_the_default_pipeline_is_known():
    assert [step.name for step in read_pipeline(DEFAULT_PIPELINE) if step.part] == [
        "WhitespaceTokenizer",
        "RegexFeaturizer",
        "CountVectorsFeaturizer",
        "CountVectorsFeaturizer",
        "LinearIntentClassifier",
        "CRFEntityExtractor",
        "EntitySynonymMapper",
        "ResponseSelector",
        "FallbackClassifier",
    ]


@pytest.mark.parametrize(
    ("package", "config"),
    [
        ("spacy", [{"name": "SpacyNLP", "model": "none"}, {"name": "SpacyTokenizer"}]),
        ("spacy", [{"name": "SpacyNLP", "model": "none"}, {"name": "SpacyEntityExtractor"}]),
        ("jieba", [{"name": "JiebaTokenizer"}]),
    ],
)
def test_a_package_that_is_missing_is_named_with_the_command_that_brings_it(package, config, tmp_path):
    """In a process of its own, since others have imported the package already."""
    (tmp_path / "config.yml").write_text(json.dumps({"pipeline": config}))
    program = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from botapi.data.examples import TrainingData\n"
        "from botapi.nlu.pipeline import Pipeline\n"
        f"Pipeline.train({config!r}, 'zh', TrainingData())"
    )
    command = [sys.executable, "-c", program]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert f"ConfigError: {config[-1]['name'][:5]}" in done.stderr
    assert f"pip install 'botapi[{package}]'" in done.stderr


@pytest.mark.parametrize("name", ["SpacyTokenizer", "SpacyEntityExtractor"])
def test_spacy_components_without_a_model_say_where_to_name_one(name):
    with pytest.raises(ConfigError, match=f"{name} has no model; put SpacyNLP with `model:`.*before it"):
        Pipeline.train([{"name": name}], "en", TrainingData())
