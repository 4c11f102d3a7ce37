"""Texts cut into pieces of words, against those that BERT's tokenizer gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botapi.errors import ConfigError
from botapi.nlu.embedding.wordpiece import WordPieces
from tests.nlu.embedding.encoders import PIECES, real_encoder

RECORDED = json.loads(Path(__file__).with_name("minilm.json").read_text())
UNKNOWN, BEGIN, END = (PIECES.index(piece) for piece in ("[UNK]", "[CLS]", "[SEP]"))
SMALL = WordPieces(PIECES, lower=True)


def cut(text, most=20):
    return [PIECES[number] for number in SMALL.encode(text, most)]


def test_pieces_are_those_of_the_reference():
    pieces = WordPieces.read(real_encoder() / "vocab.txt", lower=True)
    for item in RECORDED:
        assert pieces.encode(item["text"], 128) == item["pieces"], item["text"]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", ["[CLS]", "[SEP]"]),
        ("Hello my cards!", ["[CLS]", "hello", "my", "card", "##s", "!", "[SEP]"]),
        ("HÉLLÖ", ["[CLS]", "hello", "[SEP]"]),
        ("hi\u200b\x00!", ["[CLS]", "h", "##i", "!", "[SEP]"]),
        ("cardx my", ["[CLS]", "[UNK]", "my", "[SEP]"]),
        ("h" * 101, ["[CLS]", "[UNK]", "[SEP]"]),
        ("my\u3000card", ["[CLS]", "my", "card", "[SEP]"]),
    ],
)
def test_words_are_cut_at_the_longest_known_piece(text, expected):
    assert cut(text) == expected


def test_a_model_that_knows_case_keeps_it():
    assert WordPieces(PIECES, lower=False).encode("Hello hello", 9) == [BEGIN, UNKNOWN, PIECES.index("hello"), END]


@given(st.text(), st.integers(2, 30))
def test_any_text_gives_a_bounded_number_of_known_pieces(text, most):
    numbers = SMALL.encode(text, most)
    assert 2 <= len(numbers) <= most
    assert (numbers[0], numbers[-1]) == (BEGIN, END)
    assert all(0 <= number < len(PIECES) for number in numbers)


def test_a_vocabulary_of_another_kind_is_refused():
    with pytest.raises(ConfigError, match=r"lacks \[CLS\], \[SEP\], \[UNK\]"):
        WordPieces(["a", "b"], lower=True)
