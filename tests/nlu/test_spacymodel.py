"""Words and names by a spaCy model: a blank one with rules, saved to a folder."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from botapi.errors import ConfigError
from botapi.nlu.pipeline import Pipeline
from tests.nlu.nlusamples import shop

# Whoever has it: it is ten times as large as all other test packages together.
spacy = pytest.importorskip("spacy")

RULES = [
    {"label": "GPE", "pattern": "New York"},
    {"label": "ORG", "pattern": "Acme"},
    {"label": "ORG", "pattern": [{"LOWER": "umbrella"}, {"LOWER": "corp"}]},
]


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A folder where a configuration names the spaCy model in it."""
    folder = tmp_path_factory.mktemp("bot")
    model = spacy.blank("en")
    model.add_pipe("entity_ruler").add_patterns(RULES)
    model.to_disk(folder / "rules")
    (folder / "config.yml").write_text("pipeline: [{name: SpacyNLP, model: rules}]")
    return folder


@pytest.fixture
def trained(here, monkeypatch):
    """Makes a pipeline of spaCy components with their options."""
    monkeypatch.chdir(here)

    def make(*names, case_sensitive=False, **options):
        model = {"name": "SpacyNLP", "model": "rules", "case_sensitive": case_sensitive}
        return Pipeline.train([model, *({"name": name, **options} for name in names)], "en", shop())

    return make


def words(pipeline, text):
    return [text[start:end] for start, end in pipeline.parse(text)["text_tokens"]]


def test_words_are_those_of_the_model(trained):
    pipeline = trained("SpacyTokenizer")
    assert words(pipeline, "Don't go  to\nNew York!") == ["Do", "n't", "go", "to", "New", "York", "!"]
    assert words(pipeline, "") == words(pipeline, " \n ") == []


def test_a_token_pattern_splits_words_further(trained):
    assert words(trained("SpacyTokenizer", token_pattern="[a-z]+|[0-9]+"), "room ab12") == ["room", "ab", "12"]


def test_entities_have_the_shape_of_rasa(trained):
    text = "☕ Acme in New York"
    entities = trained("SpacyEntityExtractor").parse(text)["entities"]
    shape = {"confidence": None, "extractor": "SpacyEntityExtractor"}
    assert entities == [
        {"entity": "ORG", "value": "Acme", "start": 2, "end": 6, **shape},
        {"entity": "GPE", "value": "New York", "start": 10, "end": 18, **shape},
    ]
    assert list(entities[0]) == ["entity", "value", "start", "confidence", "end", "extractor"]


def test_entities_are_looked_for_as_they_are_written(trained):
    pipeline = trained("SpacyTokenizer", "SpacyEntityExtractor")
    assert [entity["value"] for entity in pipeline.parse("acme or Acme, Umbrella CORP")["entities"]] == [
        "Acme",
        "Umbrella CORP",
    ]


def test_dimensions_choose(trained):
    pipeline = trained("SpacyEntityExtractor", dimensions=["GPE"])
    assert [entity["entity"] for entity in pipeline.parse("Acme in New York")["entities"]] == ["GPE"]


def test_a_loaded_pipeline_finds_the_same(trained):
    pipeline = trained("SpacyTokenizer", "SpacyFeaturizer", "DIETClassifier", "SpacyEntityExtractor")
    loaded = Pipeline.load(pipeline.config, pipeline.save())
    assert loaded.parse("Acme in New York") == pipeline.parse("Acme in New York")


@given(st.text(st.characters(), max_size=40), st.booleans())
@example("İstanbul Acme ΟΔΟΣ", False)
@example("\ud83d Acme \udc00", False)
@settings(deadline=None)
def test_offsets_are_right_in_any_text(here, text, case_sensitive):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        config = [
            {"name": "SpacyNLP", "model": "rules", "case_sensitive": case_sensitive},
            {"name": "SpacyTokenizer"},
            {"name": "SpacyEntityExtractor"},
        ]
        found = Pipeline.load(config, {}).parse(f"{text} Acme")
    assert (len(text) + 1, len(text) + 5) == (found["entities"][-1]["start"], found["entities"][-1]["end"])
    places = [place for pair in found["text_tokens"] for place in pair]
    assert places == sorted(places)
    without_blanks = "".join(found["text"].split())
    assert "".join("".join(found["text"][a:b] for a, b in found["text_tokens"]).split()) == without_blanks


def test_a_model_that_this_machine_does_not_name_is_not_opened(trained, tmp_path, monkeypatch):
    pipeline = trained("SpacyTokenizer")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="The spaCy model 'rules' is not used, because config.yml"):
        Pipeline.load(pipeline.config, pipeline.save())


def test_a_model_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = [{"name": "SpacyNLP", "model": "no_such_model"}, {"name": "SpacyTokenizer"}]
    (tmp_path / "config.yml").write_text(json.dumps({"pipeline": config}))
    with pytest.raises(ConfigError, match="The spaCy model 'no_such_model' can't be loaded .*python -m spacy download"):
        Pipeline.train(config, "en", shop())
