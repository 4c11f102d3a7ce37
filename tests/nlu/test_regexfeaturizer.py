"""RegexFeaturizer: what a text matches is a feature of intents, and of responses; without one nothing changes."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest

from botapi.data.examples import Example, TrainingData
from botapi.errors import ConfigError, ModelError
from botapi.nlu.featurizers import Shape
from botapi.nlu.pipeline import Pipeline
from botapi.nlu.regexfeaturizer import RegexFeaturizer, with_patterns

CLASSIFIER = {"name": "LinearIntentClassifier"}
FEATURIZER = {"name": "RegexFeaturizer"}
TOWNS = ("Oslo", "Rome", "Bern", "Lima", "Kyiv", "Riga", "Bonn", "Cork", "Graz", "Nice", "Pune", "Suva")


def number(chance, digits):
    return "".join(chance.choices("0123456789", k=digits))


def codes(chance, examples):
    """Post codes have five digits and PINs have four: nothing else tells them apart."""
    for _ in range(examples):
        for intent, digits in (("post_code", 5), ("pin", 4)):
            form = chance.choice(("{}", "it is {}", "{} please", "my code: {}"))
            yield Example(form.format(number(chance, digits)), intent)


CHANCE = random.Random(4)
DATA = TrainingData(
    examples=list(codes(CHANCE, 25)),
    regexes=[{"name": "zip", "pattern": r"\b\d{5}\b"}, {"name": "four", "pattern": r"\b\d{4}\b"}],
)
NEW = list(codes(CHANCE, 25))


def accuracy(pipeline, examples=NEW):
    return sum(pipeline.parse(one.text)["intent"]["name"] == one.intent for one in examples) / len(examples)


@pytest.mark.parametrize("classifier", ["LinearIntentClassifier", "DIETClassifier"])
def test_intents_that_only_a_regex_tells_apart_are_recognised(classifier):
    config = [FEATURIZER, {"name": classifier}]
    pipeline = Pipeline.train(config, "en", DATA)
    assert accuracy(pipeline) == 1.0
    assert accuracy(Pipeline.train([{"name": classifier}], "en", DATA)) < 0.8
    loaded = Pipeline.load(config, pipeline.save())
    assert all(loaded.parse(one.text) == pipeline.parse(one.text) for one in NEW)


def test_a_lookup_table_is_a_feature_too():
    examples = [Example(f"{word} {town}", "travel") for word in ("see", "take") for town in TOWNS[:6]]
    examples += [
        Example(f"{word} {name}", "call") for word in ("see", "take") for name in ("Jim", "Ed", "Wes", "Max", "Fay")
    ]
    data = TrainingData(examples=examples, lookups=[{"name": "town", "elements": list(TOWNS)}])
    new = [Example(f"see {town}", "travel") for town in TOWNS[6:]]
    assert accuracy(Pipeline.train([FEATURIZER, CLASSIFIER], "en", data), new) == 1.0


def test_responses_are_selected_by_them():
    data = replace(DATA, examples=[Example(one.text, f"faq/{one.intent}") for one in DATA.examples])
    pipeline = Pipeline.train([FEATURIZER, {"name": "ResponseSelector"}], "en", data)
    found = [pipeline.parse(one.text)["response_selector"]["default"]["response"] for one in NEW]
    assert [one["intent_response_key"] for one in found] == [f"faq/{one.intent}" for one in NEW]


def test_without_regexes_and_tables_the_model_is_the_same():
    data = replace(DATA, regexes=[])
    with_one, without = Pipeline.train([FEATURIZER, CLASSIFIER], "en", data), Pipeline.train([CLASSIFIER], "en", data)
    assert [body for _, body in sorted(with_one.save().items())] == [body for _, body in sorted(without.save().items())]


SHOP = TrainingData(regexes=[{"name": "x", "pattern": "a+"}], lookups=[{"name": "t", "elements": ["Rome", "Bern"]}])


@pytest.mark.parametrize(
    ("options", "text", "words"),
    [
        ({}, "aa in Rome", ["aa", "in", "rome", ":x", ":t"]),
        ({}, "AA in rome", ["aa", "in", "rome"]),
        ({"case_sensitive": False}, "AA in rome", ["aa", "in", "rome", ":x", ":t"]),
        ({"use_regexes": False}, "aa in Rome", ["aa", "in", "rome", ":t"]),
        ({"use_lookup_tables": False}, "aa in Rome", ["aa", "in", "rome", ":x"]),
        ({}, "Romeo", ["romeo"]),
        ({"use_word_boundaries": False}, "Romeo", ["romeo", ":t"]),
        ({}, ":x :", [":", "x", ":"]),
    ],
    ids=str,
)
def test_its_options(options, text, words):
    shape = with_patterns(Shape(), [{**RegexFeaturizer.OPTIONS, **options}], SHOP)
    assert shape.words(text) == words
    assert Shape.from_json(json.loads(json.dumps(shape.as_json()))) == shape


def test_what_a_text_matches_has_no_pieces():
    assert Shape().pieces(":zip") == []
    assert Shape().pieces(":") == [" :", ": ", " : "]


def test_several_together_have_all_patterns_once():
    both = [RegexFeaturizer.OPTIONS, {**RegexFeaturizer.OPTIONS, "use_lookup_tables": False}]
    assert [name for name, _ in with_patterns(Shape(), both, SHOP).patterns] == ["x", "t"]


def test_a_wrong_regex_of_the_training_data_is_named():
    data = replace(DATA, regexes=[{"name": "zip", "pattern": "(a"}])
    with pytest.raises(ConfigError, match=r"'zip'.*'\(a'.*is no regular expression"):
        Pipeline.train([FEATURIZER, CLASSIFIER], "en", data)


@pytest.mark.parametrize(
    "patterns", [[["x", "(a"]], [["x"]], ["xyz"], [3], "x", {"x": "y"}, [["x", "a" * 3 + "{99999999999}"]]]
)
def test_damaged_patterns_of_a_model_are_refused(patterns):
    members = Pipeline.train([FEATURIZER, CLASSIFIER], "en", DATA).save()
    name = "01-LinearIntentClassifier/labels.json"
    table = json.loads(members[name])
    table["shape"]["patterns"] = patterns
    with pytest.raises(ModelError, match=r"labels\.json"):
        Pipeline.load([FEATURIZER, CLASSIFIER], {**members, name: json.dumps(table).encode()})
