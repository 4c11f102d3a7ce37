"""The pieces that entities are made of: nothing is lost, offsets are right in any script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botapi.nlu.tagging.segments import segments


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("to St. Louis, now!", ["to", "St", ".", "Louis", ",", "now", "!"]),
        ("naïve cafe\u0301s", ["naïve", "cafe\u0301s"]),
        ("我要去北京 now", ["我", "要", "去", "北", "京", "now"]),
        ("abc中文", ["abc", "中", "文"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("😀 5pm", ["😀", "5pm"]),
        (" \n", []),
    ],
)
def test_pieces_of_many_scripts(text, pieces):
    assert [piece.text for piece in segments(text)] == pieces


@given(st.text(alphabet=st.characters()))
def test_pieces_stand_where_they_say_and_only_blanks_are_left_out(text):
    end = 0
    for piece in segments(text):
        assert piece.text == text[piece.start : piece.end] != ""
        assert text[end : piece.start].strip() == ""
        end = piece.end
    assert text[end:].strip() == ""
