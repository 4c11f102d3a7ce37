"""The pieces that entities are made of: nothing is lost, offsets are right in any script."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botapi.nlu.tagging.segments import ATTACHED, INVISIBLE, MOST, segments

UNSEEN = re.compile(rf"[\s{INVISIBLE}]*")


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("to St. Louis, now!", ["to", "St", ".", "Louis", ",", "now", "!"]),
        ("naïve cafe\u0301s", ["naïve", "cafe\u0301s"]),
        ("我要去北京 now", ["我", "要", "去", "北", "京", "now"]),
        ("abc中文", ["abc", "中", "文"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("😀 5pm", ["😀", "5pm"]),
        ("👩\u200d👩\u200d👧👨🏽\u200d🚒!", ["👩\u200d👩\u200d👧", "👨🏽\u200d🚒", "!"]),
        ("🇩🇪🇫🇷 1\ufe0f\u20e3 ❤\ufe0f", ["🇩🇪", "🇫🇷", "1\ufe0f\u20e3", "❤\ufe0f"]),
        ("พรุ่งนี้", ["พ", "รุ่", "ง", "นี้"]),
        ("か\u3099く", ["か\u3099", "く"]),
        ("or\u00adder\u200btea\u202c \ufeff", ["or", "der", "tea"]),
        (" \n", []),
    ],
)
def test_pieces_of_many_scripts(text, pieces):
    assert [piece.text for piece in segments(text)] == pieces


@given(st.text(alphabet=st.characters()))
def test_pieces_stand_where_they_say_and_only_what_nobody_sees_is_left_out(text):
    end = 0
    for piece in segments(text):
        assert piece.text == text[piece.start : piece.end] != ""
        assert UNSEEN.fullmatch(text, end, piece.start)
        end = piece.end
    assert UNSEEN.fullmatch(text, end)


@given(st.text(alphabet=st.sampled_from("ab 中ก\u0e34👩🏽🇩🇪\u200d\ufe0f\u0301-")))
def test_no_piece_begins_with_what_belongs_to_the_one_before(text):
    for before, piece in pairwise(segments(text)):
        if before.end == piece.start:
            assert not re.match(f"[{ATTACHED}]", piece.text), (before, piece)


def test_of_a_text_without_end_only_the_beginning_is_cut():
    assert len(segments("{" * 20_000)) == len(segments("你" * 20_000)) == MOST
