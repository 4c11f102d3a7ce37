"""Entities as labels of words and back: no sequence of labels is inconsistent, no entity is lost on the way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from botapi.nlu.tagging.labels import NOTHING, Label, decode, encode, told_apart
from botapi.nlu.tagging.segments import segments

LABELS = st.sampled_from(
    [NOTHING, *(Label(name, role, "", begins) for name in "ab" for role in ("", "r") for begins in (True, False))]
)
TEXT = "aa bb cc dd ee ff gg"


@st.composite
def entities(draw):
    """Entities of TEXT that don't overlap, of whole words."""
    cuts = sorted(draw(st.sets(st.integers(0, 7), max_size=8)))
    pairs = [(a, b) for a, b in zip(cuts, cuts[1:], strict=False) if draw(st.booleans())]
    return [
        {
            "start": 3 * a,
            "end": 3 * b - 1,
            "entity": draw(st.sampled_from("xy")),
            "role": draw(st.sampled_from(["", "r"])),
        }
        for a, b in pairs
    ]


@given(entities())
def test_entities_of_whole_words_come_back_as_they_were(given_entities):
    words = segments(TEXT)
    labels, fits = encode(words, given_entities)
    assert fits
    assert [
        {
            "start": words[span.first].start,
            "end": words[span.last].end,
            "entity": span.label.entity,
            "role": span.label.role,
        }
        for span in decode(labels)
    ] == given_entities


@given(st.lists(LABELS, max_size=9))
def test_any_labels_stand_for_entities_that_do_not_overlap(labels):
    spans = decode(labels)
    inside = [i for span in spans for i in range(span.first, span.last + 1)]
    assert inside == [i for i, label in enumerate(labels) if label != NOTHING]
    for span in spans:
        assert {labels[i].kind for i in range(span.first, span.last + 1)} == {span.label.kind}


def test_an_entity_that_ends_inside_a_word_gets_the_word():
    words = segments("to Oslo-Nord today")
    labels, fits = encode(words, [{"start": 3, "end": 9, "entity": "city"}])
    assert not fits
    assert [span.last for span in decode(labels)] == [3]


def test_of_two_entities_that_share_a_word_the_first_has_it():
    labels, _ = encode(segments("a b"), [{"start": 0, "end": 3, "entity": "x"}, {"start": 2, "end": 3, "entity": "y"}])
    assert [label.entity for label in labels] == ["x", "x"]


def test_kinds_of_one_word_that_never_follow_each_other_need_no_first_label():
    city, date = Label("city", begins=True), Label("date", begins=True)
    assert told_apart([[city, NOTHING, city, date, Label("date")]]) == {("date", "", "")}
