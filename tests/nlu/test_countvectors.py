"""CountVectorsFeaturizer: its options reach the features of the classifier."""

from __future__ import annotations

import pytest

from botapi.data.examples import Example, TrainingData
from botapi.errors import ConfigError
from botapi.nlu.catalogue import read_pipeline
from botapi.nlu.countvectors import CountVectorsFeaturizer, shape_of
from botapi.nlu.featurizers import Shape
from botapi.nlu.pipeline import Pipeline

OPTIONS = CountVectorsFeaturizer.OPTIONS
DATA = TrainingData(examples=[Example("Please go", "go"), Example("please STOP", "stop"), Example("halt", "stop")])


@pytest.mark.parametrize(
    ("given", "shape"),
    [
        ([], Shape()),
        ([{}], Shape()),
        ([{}, {"analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4}], Shape()),
        ([{"analyzer": "char_wb", "max_ngram": 6}], Shape(max_piece=6)),
        ([{"analyzer": "char", "max_ngram": 99}], Shape(max_piece=8)),
        ([{"lowercase": False}], Shape(lowercase=False)),
        ([{"lowercase": False}, {}], Shape()),
        ([{"strip_accents": "unicode"}], Shape(strip_accents=True)),
        ([{"stop_words": ["the", "a"]}], Shape(stop_words=("a", "the"))),
        ([{"stop_words": "english"}], Shape()),
        ([{"min_df": 2, "max_df": 0.9}], Shape(min_df=2, max_df=0.9)),
        ([{"max_features": 10}, {"max_features": 5}], Shape(max_features=15)),
        ([{"max_features": 10}, {}], Shape()),
    ],
    ids=str,
)
def test_featurizers_together_say_what_the_features_are(given, shape):
    assert shape_of({**OPTIONS, **options} for options in given) == shape


def test_what_has_no_meaning_is_named_in_one_line():
    (step,) = read_pipeline([{"name": "CountVectorsFeaturizer", "OOV_token": "oov", "use_shared_vocab": True}])
    assert step.note == "CountVectorsFeaturizer: OOV_token, use_shared_vocab without effect"


def test_an_option_of_another_type_is_refused():
    with pytest.raises(ConfigError, match="stop_words"):
        read_pipeline([{"name": "CountVectorsFeaturizer", "stop_words": [1]}])


@pytest.mark.parametrize("classifier", ["LinearIntentClassifier", "DIETClassifier"])
def test_the_classifier_learns_with_them_and_keeps_them(classifier):
    config = [
        {"name": "CountVectorsFeaturizer", "lowercase": False, "stop_words": ["Please", "please"]},
        {"name": classifier},
    ]
    pipeline = Pipeline.train(config, "en", DATA, seed=1)
    table = next(body for name, body in pipeline.save().items() if name.endswith("labels.json"))
    assert b'"STOP"' in table and b'"stop"]' in table and b'"Please"' in table
    loaded = Pipeline.load(config, pipeline.save())
    assert loaded.parse("please go") == pipeline.parse("please go")
    assert loaded.parse("please go")["intent"]["name"] == "go"
