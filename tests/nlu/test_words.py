"""Words and their pieces, in scripts with blanks between words and without."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botapi.nlu.words import pieces_of, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hi there, WORLD!", ["hi", "there", ",", "world", "!"]),
        ("ça va très bien", ["ça", "va", "très", "bien"]),
        ("我想订一张iPhone票。", ["我想订一张", "iphone", "票", "。"]),
        ("東京の天気は？", ["東京の天気は", "？"]),
        ("อากาศวันนี้ เป็นอย่างไร", ["อากาศวันนี้", "เป็นอย่างไร"]),
        ("मौसम कैसा है", ["मौसम", "कैसा", "है"]),
        ("", []),
    ],
)
def test_words(text, words):
    assert words_of(text) == words


def test_case_and_accents_are_kept_or_not():
    assert words_of("Één Été", lowercase=False) == ["Één", "Été"]
    assert words_of("Één Été", strip_accents=True) == ["een", "ete"]


def test_pieces_are_those_of_the_word_between_blanks():
    assert pieces_of("abc") == [" a", "ab", "bc", "c ", " ab", "abc", "bc ", " abc", "abc "]
    assert pieces_of("a") == [" a", "a ", " a "]


def test_of_scripts_without_blanks_single_characters_are_pieces_too():
    assert pieces_of("天気は") == ["天", "気", "は", "天気", "気は", "天気は"]


@given(st.text(alphabet=st.characters(), max_size=30))
def test_nothing_but_blanks_and_case_is_lost(text):
    kept = "".join(words_of(text, lowercase=False))
    assert kept == "".join(character for character in text if character in kept)
    assert not {c for c in text if c.isalnum()} - set(kept)


@given(st.text(alphabet=st.characters(), min_size=1, max_size=12))
def test_each_piece_is_in_its_word_once(word):
    pieces = pieces_of(word)
    assert len(set(pieces)) == len(pieces)
    assert all(piece in f" {word} " for piece in pieces)
