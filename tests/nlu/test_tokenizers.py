"""The whitespace tokenizer: the words and offsets that Rasa 3.6 gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botapi.errors import ConfigError
from botapi.nlu.component import Training, read_options
from botapi.nlu.message import Message
from botapi.nlu.tokenizers import WhitespaceTokenizer, _split, _split_plain, tokenize
from tests.nlu.nlusamples import shop


def tokenizer(**options):
    return WhitespaceTokenizer(read_options("WhitespaceTokenizer", WhitespaceTokenizer.OPTIONS, options))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("well, GOOD MORROW my dear", ["well", "GOOD", "MORROW", "my", "dear"]),
        ("Hi. My name is rasa", ["Hi", "My", "name", "is", "rasa"]),
        ("hi!!! you're @joe & #1", ["hi", "you", "re", "@joe", "&", "#1"]),
        ("send 10'000.00 to me@mail.example", ["send", "10'000.00", "to", "me@mail.example"]),
        ("see https://a.example/x?y=[1]", ["see", "https://a.example/x?y=[1"]),
        ("it costs -5 or 3/4", ["it", "costs", "-5", "or", "3/4"]),
        ("hello 😀 bot", ["hello", "bot"]),
        ("☕", ["☕"]),
        (":)", [":)"]),
        ("", [""]),
        ("   ", ["   "]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("a²b", ["a", "b"]),
        ("Ⓐb ok", ["Ⓐb", "ok"]),
        ("x\x1cy", ["x", "y"]),
        ("/my-intent.name_1", ["my-intent.name_1"]),
        ('/inform[{"entity": "item"}]', ["inform[", "entity", "item"]),
    ],
)
def test_words(text, words):
    tokens = tokenize(text)
    assert [token.text for token in tokens] == words
    assert [text[token.start : token.end] for token in tokens] == words


def test_offsets_count_code_points():
    assert [(token.start, token.end) for token in tokenize("😀😀 müsli 👍🏽 ok")] == [(3, 8), (12, 14)]


def test_a_token_pattern_splits_words_further():
    message = Message("new-york 12ab --")
    tokenizer(token_pattern=r"[a-z]+|\d").process(message)
    assert [(token.text, token.start, token.end) for token in message.tokens] == [
        ("new", 0, 3), ("york", 4, 8), ("1", 9, 10), ("2", 10, 11), ("ab", 11, 13),
    ]  # fmt: skip


def test_a_word_without_a_match_stays_whole():
    message = Message("abc 12")
    tokenizer(token_pattern=r"(\d)\d").process(message)
    assert [token.text for token in message.tokens] == ["abc", "1"]


@pytest.mark.parametrize("pattern", ["(", "x{99999999999}", "(" * 2000 + ")" * 2000])
def test_a_wrong_token_pattern_is_refused(pattern):
    with pytest.raises(ConfigError, match="token_pattern"):
        tokenizer(token_pattern=pattern)


@pytest.mark.parametrize("language", ["zh", "ja", "th"])
def test_languages_without_blanks_are_refused(language):
    with pytest.raises(ConfigError, match=language):
        WhitespaceTokenizer.train(WhitespaceTokenizer.OPTIONS, shop(), Training(language=language))


@given(st.text(alphabet=st.characters(), max_size=60))
def test_tokens_stand_in_order_and_are_parts_of_the_text(text):
    end = 0
    for token in tokenize(text):
        assert token.start >= end
        assert text[token.start : token.end] == token.text
        end = token.end


@given(st.text(alphabet="ab1_ '\"-.,:/#@&%$!?()=~|", max_size=20))
def test_plain_texts_are_split_as_all_others(text):
    assert _split_plain(text) == _split(text)
