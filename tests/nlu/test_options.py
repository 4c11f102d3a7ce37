"""Every option of every component of Rasa 3.6: it does something, or one line of the log names it; none fails."""

from __future__ import annotations

from collections import UserDict

import pytest

from botapi.errors import ConfigError
from botapi.nlu.catalogue import COMPONENTS, OPTIONS_FOR_OTHERS, read_pipeline
from botapi.nlu.component import Training
from botapi.nlu.countvectors import shape_of, without_effect
from botapi.nlu.featurizers import Shape
from botapi.nlu.pipeline import Pipeline
from botapi.nlu.regexfeaturizer import with_patterns
from tests.nlu.nlusamples import shop

# A value that differs from Rasa's default for each option, by component; first those that do something.
TOKENIZER = {"intent_tokenization_flag": True, "intent_split_symbol": "+", "prefix_separator_symbol": "/"}
NEURAL = {
    "epochs": 7, "random_seed": 7, "constrain_similarities": True, "model_confidence": "linear_norm",
    "hidden_layers_sizes": {"text": [256, 128]}, "share_hidden_layers": True, "transformer_size": 128,
    "number_of_transformer_layers": 1, "number_of_attention_heads": 2, "use_key_relative_attention": True,
    "use_value_relative_attention": True, "max_relative_position": 5, "unidirectional_encoder": True,
    "batch_size": [32, 64], "batch_strategy": "sequence", "learning_rate": 0.01, "embedding_dimension": 10,
    "dense_dimension": {"text": 64}, "concat_dimension": {"text": 64}, "number_of_negative_examples": 5,
    "similarity_type": "cosine", "loss_type": "margin", "maximum_positive_similarity": 0.7,
    "maximum_negative_similarity": -0.3, "use_maximum_negative_similarity": False, "scale_loss": True,
    "regularization_constant": 0.01, "negative_margin_scale": 0.5, "drop_rate": 0.3, "drop_rate_attention": 0.1,
    "connection_density": 0.3, "use_sparse_input_dropout": False, "use_dense_input_dropout": False,
    "use_masked_language_model": True, "evaluate_every_number_of_epochs": 5, "evaluate_on_number_of_examples": 5,
    "tensorboard_log_directory": "logs", "tensorboard_log_level": "batch", "checkpoint_model": True,
    "featurizers": ["one"], "renormalize_confidences": True, "use_gpu": False,
}  # fmt: skip
REFERENCE = {
    "WhitespaceTokenizer": ({"token_pattern": r"\w+"}, TOKENIZER),
    "MitieTokenizer": ({"token_pattern": r"\w+"}, TOKENIZER),
    "RegexFeaturizer": (
        {"case_sensitive": False, "use_lookup_tables": False, "use_regexes": False, "use_word_boundaries": False},
        {"alias": "one", "number_additional_patterns": 10},
    ),
    "CountVectorsFeaturizer": (
        {"analyzer": "word", "max_ngram": 2, "min_df": 2, "max_df": 0.9, "max_features": 500, "lowercase": False,
         "strip_accents": "unicode", "stop_words": ["the"]},
        {"min_ngram": 2, "OOV_token": "oov", "OOV_words": ["x"], "use_lemma": False, "use_shared_vocab": True,
         "additional_vocabulary_size": {"text": 10}, "token_pattern": r"\w+", "alias": "one"},
    ),
    "DIETClassifier": (
        {"intent_classification": False, "entity_recognition": False, "BILOU_flag": False,
         "split_entities_by_comma": False, "ranking_length": 3},
        NEURAL,
    ),
    "LogisticRegressionClassifier": (
        {"ranking_length": 3},
        {"max_iter": 7, "solver": "saga", "tol": 0.1, "random_state": 7, "class_weight": "balanced"},
    ),
    "SklearnIntentClassifier": (
        {"ranking_length": 3},
        {"C": [1], "gamma": [0.5], "kernels": ["rbf"], "max_cross_validation_folds": 2, "scoring_function": "f1",
         "num_threads": 2},
    ),
    "KeywordIntentClassifier": ({"case_sensitive": False}, {}),
    "MitieIntentClassifier": ({}, {"num_threads": 2}),
    "MitieEntityExtractor": ({}, {"num_threads": 2}),
    "FallbackClassifier": ({"threshold": 0.7, "ambiguity_threshold": 0.2}, {}),
    "ResponseSelector": (
        {"retrieval_intent": "faq", "ranking_length": 3}, {**NEURAL, "use_text_as_label": True},
    ),
    "CRFEntityExtractor": (
        {"BILOU_flag": False, "split_entities_by_comma": False, "features": [["low"], ["low"], ["low"]],
         "max_iterations": 7, "L1_c": 0.2, "L2_c": 0.2},
        {"featurizers": ["one"]},
    ),
    "RegexEntityExtractor": (
        {"case_sensitive": True, "use_lookup_tables": False, "use_regexes": False, "use_word_boundaries": False}, {},
    ),
    "DucklingEntityExtractor": (
        {"url": None, "dimensions": ["time"], "locale": "de_DE", "timezone": "Europe/Berlin", "timeout": 1}, {},
    ),
    "LanguageModelFeaturizer": (
        {"model_weights": "rasa/LaBSE"}, {"model_name": "bert", "cache_dir": "cache", "alias": "one"},
    ),
    "EntitySynonymMapper": ({}, {}),
}  # fmt: skip
# Those that an installation may lack: their configuration is read, and nothing learned.
OPTIONAL = {
    "SpacyTokenizer": ({"token_pattern": r"\w+"}, TOKENIZER),
    "JiebaTokenizer": ({"token_pattern": r"\w+", "dictionary_path": "words"}, TOKENIZER),
    "SpacyEntityExtractor": ({"dimensions": ["PERSON"]}, {}),
}
# Those that do nothing, whatever their options say.
WHOLE = {
    "LexicalSyntacticFeaturizer": {"features": [["low"], ["low"], ["low"]], "alias": "one"},
    "SpacyFeaturizer": {"pooling": "max", "alias": "one"},
    "MitieFeaturizer": {"pooling": "max", "alias": "one"},
    "ConveRTFeaturizer": {"model_url": "there", "alias": "one"},
    "MitieNLP": {"model": "there"},
}  # fmt: skip
TYPO = {"ranking_lenght": 3}


def note(name, options):
    return read_pipeline([{"name": name, **options}])[0].note


@pytest.mark.parametrize("name", [*REFERENCE, *OPTIONAL])
def test_what_an_option_does_is_done_or_its_lack_is_named(name):
    effective, named = {**REFERENCE, **OPTIONAL}[name]
    (step,) = read_pipeline([{"name": name, **effective, **named, **TYPO}])
    assert {key: step.options[key] for key in effective} == {**effective, **_defaults_of_none(step, effective)}
    assert step.note.endswith(f"{', '.join(sorted({*named, *TYPO}))} without effect")
    assert not named.keys() & step.options.keys() - {"min_ngram"}
    assert "without effect" not in note(name, effective)


def _defaults_of_none(step, given):
    return {key: step.part.OPTIONS[key] for key, value in given.items() if value is None}


@pytest.mark.parametrize("name", WHOLE)
def test_a_component_that_does_nothing_says_so_whatever_its_options(name):
    assert note(name, {**WHOLE[name], **TYPO}).startswith(f"{name} has no effect: ")


@pytest.mark.parametrize("name", COMPONENTS)
def test_no_part_has_an_option_that_nothing_is_said_of(name):
    known = {**REFERENCE, **OPTIONAL, "LinearIntentClassifier": REFERENCE["DIETClassifier"]}
    shared = {key for options in OPTIONS_FOR_OTHERS.values() for key in options}
    assert COMPONENTS[name].OPTIONS.keys() <= known[name][0].keys() | {"min_ngram"} | shared


class Watched(UserDict):
    """Options that know which of them were looked at."""

    def __init__(self, options):
        self.seen = set()
        super().__init__(options)

    def __getitem__(self, key):
        self.seen.add(key)
        return super().__getitem__(key)


@pytest.mark.parametrize("name", sorted(COMPONENTS.keys() - OPTIONAL))
def test_a_part_looks_at_each_option_that_it_has(name, monkeypatch):
    options = Watched(COMPONENTS[name].OPTIONS)
    COMPONENTS[name].train(options, shop(), Training())
    monkeypatch.setenv("RASA_DUCKLING_HTTP_URL", "http://127.0.0.1:9")
    COMPONENTS[name].train(options, shop(), Training())
    if name == "CountVectorsFeaturizer":
        shape_of([options])
        without_effect(options, options)
    if name == "RegexFeaturizer":
        with_patterns(Shape(), [options], shop())
    assert options.seen == options.keys()


@pytest.mark.parametrize("name", REFERENCE)
def test_a_training_with_all_options_says_so_in_one_line_and_serves(name):
    lines = []
    config = [{"name": name, **REFERENCE[name][0], **REFERENCE[name][1]}]
    pipeline = Pipeline.train(config, "en", shop(), report=lines.append)
    assert len([line for line in lines if "without effect" in line]) == bool(REFERENCE[name][1])
    assert Pipeline.load(config, pipeline.save()).parse("order a mug") == pipeline.parse("order a mug")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({}, ""),
        ({"max_ngram": 2}, ""),
        ({"min_ngram": 1, "max_ngram": 1}, "max_ngram"),
        ({"min_ngram": 2, "max_ngram": 3}, "max_ngram, min_ngram"),
        ({"stop_words": ["a"]}, ""),
        ({"stop_words": None}, ""),
        ({"stop_words": "english"}, "stop_words"),
        ({"analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4}, "min_ngram"),
        ({"analyzer": "char", "min_ngram": 2, "max_ngram": 6}, ""),
        ({"analyzer": "char_wb", "max_ngram": 3}, "max_ngram"),
        ({"analyzer": "char_wb", "max_ngram": 20}, "max_ngram"),
        ({"analyzer": "char_wb", "stop_words": ["a"]}, "stop_words"),
    ],
    ids=str,
)
def test_whether_an_option_of_count_vectors_has_an_effect_depends_on_its_value(options, named):
    assert note("CountVectorsFeaturizer", options) == (
        f"CountVectorsFeaturizer: {named} without effect" if named else ""
    )


def test_an_unknown_analyzer_is_refused_with_those_that_are_known():
    with pytest.raises(ConfigError, match="'analyzer' .* is 'chars'; expected one of word, char, char_wb"):
        Pipeline.train([{"name": "CountVectorsFeaturizer", "analyzer": "chars"}], "en", shop())


def test_features_that_need_a_language_model_are_named():
    lists = [["low", "pos"], ["low", "pos2", "text_dense_features"], ["low"]]
    assert note("CRFEntityExtractor", {"features": lists}) == (
        "CRFEntityExtractor: pos of features, pos2 of features, text_dense_features of features without effect"
    )


def test_the_options_of_a_language_model_are_those_of_the_components_after_it():
    model, tokenizer = {"name": "SpacyNLP", "model": "en", "case_sensitive": True, **TYPO}, {"name": "SpacyTokenizer"}
    assert [step.note for step in read_pipeline([model, tokenizer])] == ["SpacyNLP: ranking_lenght without effect", ""]
    assert "SpacyNLP has no effect: no component after it" in note("SpacyNLP", {"model": "en"})
