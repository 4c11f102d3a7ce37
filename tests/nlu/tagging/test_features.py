"""What the tagger sees of words, by the names in the option `features`."""

from __future__ import annotations

import pytest

from botapi.errors import ConfigError
from botapi.nlu.tagging.features import DEFAULT_FEATURES, MOST_MARKS, TagFeatures, read_features, shape


@pytest.mark.parametrize(
    ("word", "expected"),
    [("oslo", "xx"), ("a", "x"), ("Oslo", "Xxx"), ("B12-3", "Xdd-d"), ("naïve", "xx"), ("5pm", "dxx"), ("ÅÅÅ", "XX")],
)
def test_shapes(word, expected):
    assert shape(word) == expected


def test_features_stand_for_places_around_the_word():
    made = TagFeatures([["low"], ["low", "title", "prefix2", "before", "intent"], ["digit"]])
    assert made.all(["Go", "5"], [[], ["U:x"]], "move") == [
        ["intent=move", "-1:none", "0:low=go", "0:title=1", "1:digit=1"],
        ["intent=move", "before=go 5", "known=U:x", "-1:low=go", "0:low=5", "1:none"],
    ]


def test_pairs_of_words_before_and_after():
    made = TagFeatures([["before2", "after2"]])
    assert made.all(["A", "b", "c"], [[], [], []], None) == [["after2=b c"], [], ["before2=a b"]]


def test_a_mark_counts_once_and_marks_are_bounded():
    made = TagFeatures([["known"]])
    assert made.all(["5551234"], [["U:digit"] * 7], None) == [["known=U:digit"]]
    assert len(made.all(["a"], [[f"U:{n}" for n in range(70_000)]], None)[0]) == MOST_MARKS


def test_without_an_intent_there_is_no_feature_of_it():
    assert not [name for name in TagFeatures(DEFAULT_FEATURES).all(["a"], [[]], None)[0] if name.startswith("intent")]


@pytest.mark.parametrize("lists", ["low", [], [["low"], ["low"]], [["nonsense"]], [[["low"]]], ["low"]])
def test_a_wrong_option_is_refused(lists):
    with pytest.raises(ConfigError, match="features"):
        read_features(lists)


def test_features_of_rasa_that_need_more_than_the_text_are_accepted():
    assert read_features([["low"], ["pos", "text_dense_features"], ["low"]])
