"""Learning a tagger, with numpy and in plain Python: what it finds then, and that equal data give equal bytes."""

from __future__ import annotations

import pytest

from botapi.data.examples import Example, TrainingData
from botapi.errors import ConfigError
from botapi.nlu.tagging.features import DEFAULT_FEATURES
from botapi.nlu.tagging.field import EPOCHS, FEWEST_EPOCHS, epochs_within_bounds
from botapi.nlu.tagging.learning import Recipe, learn
from botapi.nlu.tagging.weights import MAX_LABELS
from tests.nlu.tagging.trips import trips


def learned(data=None, report=lambda line: None, recipe=None, **options):
    return learn(data or trips(), DEFAULT_FEATURES, recipe or Recipe(), seed=1, report=report, **options)


@pytest.fixture(scope="module", params=[True, False], ids=["field", "perceptron"])
def by_numpy(request):
    return request.param


@pytest.fixture(scope="module")
def tagger(by_numpy):
    return learned(by_numpy=by_numpy)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("i fly from Paris to New Delhi", [("Paris", "city", "from", ""), ("New Delhi", "city", "to", "")]),
        ("to Lima from Oslo, please", [("Lima", "city", "to", ""), ("Oslo", "city", "from", "")]),
        ("one pizza with ham and one with olives", [("ham", "topping", "", "1"), ("olives", "topping", "", "2")]),
        ("good day", []),
        ("", []),
    ],
)
def test_entities_with_roles_and_groups(tagger, text, expected):
    found = tagger.find(text, None)
    assert [(text[e.start : e.end], e.label.entity, e.label.role, e.label.group) for e in found] == expected
    for entity in found:
        assert 0.5 < min(entity.entity_confidence, entity.role_confidence, entity.group_confidence)


def test_the_same_data_and_seed_give_the_same_bytes(tagger, by_numpy):
    assert learned(by_numpy=by_numpy).save() == tagger.save()


def test_examples_without_entities_give_no_tagger():
    assert learned(TrainingData(examples=[Example("hi", "greet"), Example("", "greet")])) is None


def test_an_entity_without_a_word_gives_no_tagger():
    nothing = {"start": 2, "end": 3, "entity": "city", "value": " "}
    assert learned(TrainingData(examples=[Example("to  now", "go", (nothing,))])) is None


def test_too_many_kinds_of_entity_are_refused():
    many = [Example("x", "go", ({"start": 0, "end": 1, "entity": f"e{n}", "value": "x"},)) for n in range(MAX_LABELS)]
    with pytest.raises(ConfigError, match="kinds"):
        learned(TrainingData(examples=many))


def test_the_lean_core_says_what_would_learn_better():
    lines = []
    learned(report=lines.append, by_numpy=False)
    assert [line for line in lines if "pip install 'botapi[nlu]'" in line] == lines != []


def test_annotations_that_end_inside_a_word_are_reported_once():
    lines = []
    half = {"start": 3, "end": 5, "entity": "city", "value": "Os"}
    data = TrainingData(examples=[Example("to Oslo", "go", (half,)), Example("in Oslo", "go", (half,))])
    learned(data, lines.append, by_numpy=False)
    assert "2 examples" in lines[0] and "'to Oslo'" in lines[0]


def test_without_first_labels_neighbours_become_one_entity():
    number = [{"start": 3 * i + 4, "end": 3 * i + 6, "entity": "number", "value": "x"} for i in range(3)]
    texts = ("say 10 20 30", "say 11 22 33", "say 40 50 60", "say 60 10 40")
    data = TrainingData(examples=[Example(text, "say", tuple(number)) for text in texts])
    apart = learned(data).find("say 11 20 60", None)
    joined = learned(data, recipe=Recipe(separate=False)).find("say 11 20 60", None)
    assert [(e.start, e.end) for e in apart] == [(4, 6), (7, 9), (10, 12)]
    assert [(e.start, e.end) for e in joined] == [(4, 12)]


def test_phrases_of_an_example_itself_are_no_mark_in_its_training():
    city = {"start": 3, "end": 7, "entity": "city", "value": "Oslo"}
    data = TrainingData(examples=[Example("to Oslo", "go", (city,)), Example("hello", "greet")])
    found = learned(data)
    assert "known=U:city" not in found.weights.features
    assert found.gazetteer.phrases == {"oslo": ["city"]}


def test_a_training_is_bounded_whatever_the_data():
    assert epochs_within_bounds(20, 1_000, 60) == 60
    assert epochs_within_bounds(10_000, 1_000_000, 60) == EPOCHS
    assert epochs_within_bounds(10_000, 1_000_000, 3) == 3
    assert epochs_within_bounds(1_000_000, 1_000_000_000, 60) == FEWEST_EPOCHS
