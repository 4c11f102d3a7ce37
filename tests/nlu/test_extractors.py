"""Learned entities in a pipeline: the shape of the answer, options, and several extractors side by side."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from botapi.data import nlu
from botapi.errors import ConfigError, ModelError
from botapi.nlu.pipeline import Pipeline
from tests.nlu.tagging.trips import trips

TEXT = "to Lima from San Diego, please"


def trained(*config, data=None):
    return Pipeline.train(config, "en", data or trips(), report=lambda line: None)


def entities(pipeline, text=TEXT):
    return pipeline.parse(text)["entities"]


@pytest.mark.parametrize("name", ["CRFEntityExtractor", "DIETClassifier"])
def test_entities_have_the_keys_of_the_reference(name):
    (to, origin) = entities(trained({"name": name}))
    assert list(to) == [
        "entity", "start", "end", "confidence_entity", "role", "confidence_role", "value", "extractor",
    ]  # fmt: skip
    assert (origin["value"], origin["start"], origin["end"], origin["role"]) == ("San Diego", 13, 22, "from")
    assert to["extractor"] == name
    pizza = entities(trained({"name": name}), "one pizza with ham and one with cheese")
    assert [(found["value"], found["group"]) for found in pizza] == [("ham", "1"), ("cheese", "2")]
    assert 0.5 < pizza[0]["confidence_group"] <= 1


def test_what_is_replaced_by_synonyms_is_found_before():
    data = trips()
    data.synonyms = {"Lima": "LIM"}
    (to, _) = entities(trained({"name": "CRFEntityExtractor"}, {"name": "EntitySynonymMapper"}, data=data))
    assert (to["value"], to["processors"]) == ("LIM", ["EntitySynonymMapper"])


def test_an_entity_that_two_extractors_find_is_there_once_with_its_role():
    data = trips()
    data.lookups = [{"name": "city", "elements": ["Lima", "San", "Oslo"]}]
    regex, crf = {"name": "RegexEntityExtractor"}, {"name": "CRFEntityExtractor"}
    for config in ([regex, crf], [crf, regex], [crf, {"name": "DIETClassifier"}, regex]):
        found = entities(trained(*config, data=data))
        assert sorted((e["value"], e.get("role")) for e in found) == [
            ("Lima", "to"), ("San", None), ("San Diego", "from"),
        ]  # fmt: skip


def test_lookup_tables_and_regexes_are_features():
    data = trips()
    data.lookups = [{"name": "town", "elements": ["Oslo", "Rome", "Bern", "Lima", "Kyiv"]}]
    data.regexes = [{"name": "capital", "pattern": r"[A-Z]\w+"}]
    table = json.loads(trained({"name": "CRFEntityExtractor"}, data=data).save()["00-CRFEntityExtractor/tags.json"])
    assert {"known=U:lookup:town", "known=U:regex:capital"} <= set(table["features"])


def test_features_of_ones_own():
    config = {"name": "CRFEntityExtractor", "features": [["low"], ["bias", "title"], ["low"]], "max_iterations": 20}
    pipeline = trained(config)
    table = json.loads(pipeline.save()["00-CRFEntityExtractor/tags.json"])
    assert {name.split("=")[0] for name in table["features"]} <= {
        "-1:low",
        "-1:none",
        "0:bias",
        "0:title",
        "1:low",
        "1:none",
    }
    assert [found["value"] for found in entities(pipeline)] == ["Lima", "San Diego"]


def test_the_penalties_and_iterations_count():
    sizes = [
        len(trained({"name": "CRFEntityExtractor", **options}).save()["00-CRFEntityExtractor/tags.npz"])
        for options in ({}, {"L1_c": 2.0}, {"L2_c": 5.0}, {"max_iterations": 2})
    ]
    assert len(set(sizes)) == len(sizes)


@pytest.mark.parametrize(
    "options",
    [
        {"features": [["low"], ["nonsense"], ["low"]]},
        {"features": "low"},
        {"L1_c": -1.0},
        {"L1_c": 1e300},
        {"L2_c": 1e300},
        {"BILOU_flag": "yes"},
        {"split_entities_by_comma": {"city": "no"}},
        {"split_entities_by_comma": "no"},
    ],
)
def test_wrong_options_are_refused(options):
    with pytest.raises(ConfigError, match="Option"):
        trained({"name": "CRFEntityExtractor", **options})


@pytest.mark.parametrize(
    ("option", "values"),
    [(True, ["5 Elm Rd", "York"]), ({"address": False}, ["5 Elm Rd, York"]), (None, ["5 Elm Rd, York"])],
)
def test_commas_within_entities(option, values):
    data = trips()
    lines = "".join(f"    - i live at [{n} Elm Rd, York](address)\n" for n in range(3, 9))
    from_lines = f"nlu:\n- intent: live\n  examples: |\n{lines}"
    data = data.merge(nlu.read(from_lines))
    config = {"name": "CRFEntityExtractor", "split_entities_by_comma": option}
    assert [found["value"] for found in entities(trained(config, data=data), "i live at 5 Elm Rd, York")] == values


def test_the_intent_is_known_to_a_tagger_behind_a_classifier_only():
    crf, classifier = {"name": "CRFEntityExtractor"}, {"name": "LinearIntentClassifier"}
    behind = trained(classifier, crf).save()["01-CRFEntityExtractor/tags.json"]
    before = trained(crf, classifier).save()["00-CRFEntityExtractor/tags.json"]
    assert b"intent=travel" in behind
    assert b"intent=" not in before


def test_diet_without_entities_or_without_intents():
    no_entities = trained({"name": "DIETClassifier", "entity_recognition": False})
    assert entities(no_entities) == []
    assert no_entities.parse(TEXT)["intent"]["name"] == "travel"
    no_intents = trained({"name": "DIETClassifier", "intent_classification": False})
    assert [found["value"] for found in entities(no_intents)] == ["Lima", "San Diego"]
    assert no_intents.parse(TEXT)["intent"]["name"] is None


@pytest.mark.parametrize("name", ["CRFEntityExtractor", "DIETClassifier"])
def test_saved_and_loaded_it_answers_the_same(name):
    pipeline = trained({"name": name, "split_entities_by_comma": {"city": False}})
    members = pipeline.save()
    loaded = Pipeline.load(pipeline.config, members)
    assert loaded.save() == members == trained(*pipeline.config).save()
    assert loaded.parse(TEXT) == pipeline.parse(TEXT)
    for member in members:
        with pytest.raises(ModelError):
            Pipeline.load(pipeline.config, {**members, member: b"\x00"})


SERVE = """
import json, sys
sys.modules["numpy"] = None  # as if it were not installed
from botapi.nlu.pipeline import Pipeline
members = {name: bytes.fromhex(body) for name, body in json.load(sys.stdin).items()}
print(json.dumps(Pipeline.load([{"name": "DIETClassifier"}], members).parse(sys.argv[1])))
"""


def test_a_model_serves_the_same_without_numpy():
    pipeline = trained({"name": "DIETClassifier"})
    members = json.dumps({name: body.hex() for name, body in pipeline.save().items()})
    done = subprocess.run(
        [sys.executable, "-c", SERVE, TEXT], input=members, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == pipeline.parse(TEXT)
