"""The tagger in use: the same sums as numpy's, the same tags, offsets in any text, and no damaged member is taken."""

from __future__ import annotations

import io
import json
from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botapi.errors import ModelError
from botapi.nlu.arrays import Array, write_arrays
from botapi.nlu.tagging.features import DEFAULT_FEATURES, TagFeatures
from botapi.nlu.tagging.labels import decode
from botapi.nlu.tagging.learning import Recipe, learn
from botapi.nlu.tagging.segments import segments
from botapi.nlu.tagging.tagger import Tagger
from botapi.nlu.tagging.weights import ZERO
from tests.nlu.tagging.trips import trips

FEATURES = TagFeatures(DEFAULT_FEATURES)
TEXTS = [example.text for example in trips().examples]


@pytest.fixture(scope="module")
def tagger():
    return learn(trips(), DEFAULT_FEATURES, Recipe(), seed=1, report=lambda line: None)


@pytest.fixture(scope="module")
def by_numpy(tagger):
    """The features and weights of the members, as numpy reads them."""
    members = tagger.save()
    names = json.loads(members["tags.json"])["features"]
    with np.load(io.BytesIO(members["tags.npz"]), allow_pickle=False) as arrays:
        rows = np.zeros((len(names), len(tagger.weights.labels)), np.int64)
        rows[np.repeat(np.arange(len(names)), arrays["counts"]), arrays["labels"]] = (
            arrays["weights"].astype(int) - ZERO
        )
        return {name: row for name, row in zip(names, rows, strict=True)}, arrays["chain"].astype(int) - ZERO


def best(scores, chain):
    """The best labels by numpy (Viterbi over all labels)."""
    sums, origins = scores[0], []
    for row in scores[1:]:
        ways = sums[:, None] + chain
        origins.append(ways.argmax(0))
        sums = ways.max(0) + row
    path = [int(sums.argmax())]
    for came in reversed(origins):
        path.append(int(came[path[-1]]))
    return path[::-1]


@settings(max_examples=100)
@given(st.one_of(st.sampled_from(TEXTS), st.lists(st.sampled_from(" ".join(TEXTS).split()), min_size=1).map(" ".join)))
def test_numpy_gives_the_same_sums_and_the_same_tags(tagger, by_numpy, text):
    rows, chain = by_numpy
    words = segments(text)
    written = [word.text for word in words]
    marks = tagger.gazetteer.marks(text, words, [word.lower() for word in written])
    none = np.zeros(len(chain), np.int64)
    scores = [sum((rows.get(name, none) for name in names), none) for names in FEATURES.all(written, marks, "travel")]
    found = tagger.scores(text, words, "travel")
    assert [[value - (1 << 31) for value in row] for row in found] == [row.tolist() for row in scores]
    spans = decode([tagger.weights.labels[i] for i in best(scores, chain)])
    assert [(words[s.first].start, words[s.last].end, s.label) for s in spans] == [
        (entity.start, entity.end, entity.label) for entity in tagger.find(text, "travel")
    ]


@given(st.text(alphabet=st.characters()), st.sampled_from(["", "fly from ", "to "]), st.sampled_from([None, "travel"]))
def test_whatever_the_text_entities_are_parts_of_it_in_order(tagger, text, beginning, intent):
    text = beginning + text
    end = 0
    for entity in tagger.find(text, intent):
        assert end <= entity.start < entity.end <= len(text)
        assert text[entity.start : entity.end].strip() == text[entity.start : entity.end]
        for confidence in (entity.entity_confidence, entity.role_confidence, entity.group_confidence):
            assert 0 < confidence < 1 + 1e-9
        end = entity.end


def test_offsets_count_code_points(tagger):
    text = "😀😀 i fly from Kyiv to Rio de Janeiro"
    assert [text[e.start : e.end] for e in tagger.find(text, None)] == ["Kyiv", "Rio de Janeiro"]


def test_saved_and_loaded_it_is_the_same(tagger):
    loaded = Tagger.load(tagger.save(), FEATURES)
    assert loaded.save() == tagger.save()
    assert all(loaded.find(text, "travel") == tagger.find(text, "travel") for text in TEXTS)


def test_forgetting_sums_changes_nothing(tagger):
    forgetful = Tagger.load(tagger.save(), FEATURES)
    forgetful._most_kept = 2
    assert all(forgetful.find(text, None) == tagger.find(text, None) for text in TEXTS)


GOOD = {
    "counts": Array((1,), array("H", [1])),
    "labels": Array((1,), array("H", [1])),
    "weights": Array((1,), array("H", [ZERO + 5])),
    "chain": Array((2, 2), array("H", [ZERO] * 4)),
    "scale": Array((1,), array("d", [1e-3])),
}
TABLE = {"labels": [["", "", "", ""], ["city", "", "", ""]], "features": ["0:low=oslo"], "weights": 1}


def members(table=None, **arrays):
    """A small tagger's members, some of their contents replaced."""
    return {
        "tags.json": json.dumps({**TABLE, **(table or {})}).encode(),
        "tags.npz": write_arrays({**GOOD, **arrays}),
        "phrases.json": b"{}",
        "patterns.json": b"[]",
    }


def test_the_small_tagger_is_a_good_one():
    assert [entity.label.entity for entity in Tagger.load(members(), FEATURES).find("to Oslo", None)] == ["city"]


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(members({"labels": [["", "", "", ""]]}), id="one label"),
        pytest.param(members({"labels": [["x", "", "", ""], ["city", "", "", ""]]}), id="no label outside"),
        pytest.param(members({"labels": [["", "", "", ""], ["", "r", "", ""]]}), id="a label without a name"),
        pytest.param(members({"labels": [["", "", "", ""], ["city"]]}), id="a short label"),
        pytest.param(members({"labels": [["", "", "", ""], ["city", "", "", 1]]}), id="a label that is no text"),
        pytest.param(members({"labels": [["", "", "", ""], *[["city", "", "", ""]] * 2]}), id="a label twice"),
        pytest.param(members({"features": []}), id="a feature too few"),
        pytest.param(members({"features": "x"}), id="features that are no list"),
        pytest.param(members({"weights": 2}), id="more weights than there are"),
        pytest.param(members({"weights": 10**12}), id="a huge number of weights"),
        pytest.param(members({"weights": -1}), id="a negative number of weights"),
        pytest.param(members({"more": 1}), id="a key too many"),
        pytest.param(members(counts=Array((1,), array("H", [2]))), id="a row too long"),
        pytest.param(members(labels=Array((1,), array("H", [2]))), id="a label that is not there"),
        pytest.param(members(chain=Array((1, 4), array("H", [ZERO] * 4))), id="a chain of another shape"),
        pytest.param(members(scale=Array((1,), array("d", [0.0]))), id="scale zero"),
        pytest.param(members(scale=Array((1,), array("d", [1.0]))), id="scale huge"),
        pytest.param(members(scale=Array((1,), array("d", [float("nan")]))), id="scale no number"),
        pytest.param({**members(), "tags.npz": members()["tags.npz"][:-30]}, id="cut off"),
        pytest.param({**members(), "phrases.json": b'{"x": [1]}'}, id="a phrase without a name"),
        pytest.param({key: body for key, body in members().items() if key != "tags.npz"}, id="no arrays"),
    ],
)
def test_a_damaged_member_is_refused_with_a_sentence(damaged):
    with pytest.raises(ModelError, match="train"):
        Tagger.load(damaged, FEATURES)


@settings(max_examples=200)
@given(st.data())
def test_flipped_bytes_are_refused_or_do_no_harm(data):
    good = members()["tags.npz"]
    at, value = data.draw(st.integers(0, len(good) - 1)), data.draw(st.integers(0, 255))
    try:
        damaged = Tagger.load({**members(), "tags.npz": good[:at] + bytes([value]) + good[at + 1 :]}, FEATURES)
    except ModelError:
        return
    assert len(damaged.find("to Oslo", None)) <= 2
