"""Splits a text into words as Rasa's WhitespaceTokenizer does: a string in, tokens with offsets in code points out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from botapi.data.examples import TrainingData
from botapi.errors import ConfigError
from botapi.nlu.component import Training
from botapi.nlu.message import Message, Token

UNSUPPORTED_LANGUAGES = ("zh", "ja", "th")

# What stands between words and is no part of one: marks before a blank or the end; marks after a blank or the
# beginning, unless a digit follows; marks inside a word that occur in no number, address or file name.
SEPARATOR = re.compile(
    r"[^\w#@&]+(?=\s|$)"
    r"|(?:\s|^)[^\w#@&]+(?=[^0-9\s])"
    r"|(?<=[^0-9\s])[^\w._~:/?#\[\]()@!$&*+,;=-]+(?=[^0-9\s])"
)
# Beyond ASCII, `\w` differs between the two: combining marks, joiners and enclosed letters are parts of words to Rasa,
# superscripts and fractions are not; and the four separators at the end of the control characters are no blanks.
UNUSUAL = re.compile(r"[^\x00-\x1b -\x7f]")
ENCLOSED_LETTER = re.compile(
    "[\u200c\u200d\u24b6-\u24e9\U0001f130-\U0001f149\U0001f150-\U0001f169\U0001f170-\U0001f189]"
)
NEWLINE = re.compile("\x85")
EMOJI = re.compile(
    "[\U0001f600-\U0001f64f\U0001f300-\U0001f5ff\U0001f680-\U0001f6ff\U0001f1e0-\U0001f1ff"
    "\u2702-\u27b0\u24c2-\U0001f251\u200c\u200d]+"
)


class WhitespaceTokenizer:
    """Splits at blanks and drops marks around words; `token_pattern`, a regular expression, splits tokens further."""

    OPTIONS: Mapping[str, Any] = {"token_pattern": None}

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._pattern = read_pattern(options["token_pattern"])

    @classmethod
    def train(cls, options: Mapping[str, Any], data: TrainingData, training: Training) -> WhitespaceTokenizer:
        """Nothing is learned; a language that is written without blanks between words is refused (ConfigError)."""
        if training.language in UNSUPPORTED_LANGUAGES:
            raise ConfigError(
                f"Language {training.language!r} is written without blanks between words, so WhitespaceTokenizer "
                "can't split it; leave the tokenizer out, the intent classifier needs none"
            )
        return cls(options)

    @classmethod
    def load(cls, options: Mapping[str, Any], members: Mapping[str, bytes]) -> WhitespaceTokenizer:
        return cls(options)

    def save(self) -> dict[str, bytes]:
        return {}

    def process(self, message: Message) -> None:
        """Give the message its tokens; a text without any word is one token."""
        message.tokens = split_further(tokenize(message.text), self._pattern)


def tokenize(text: str) -> list[Token]:
    """The tokens of a text, in order; there is always one at least."""
    # PERF: most texts are plain, and most of their words are letters and digits alone.
    is_plain = text.isascii() and text.isprintable()
    words = _split_plain(text) if is_plain else [word for word in _split(text) if not EMOJI.fullmatch(word)]
    tokens = []
    end = 0
    for word in words or [text]:
        start = text.index(word, end)
        end = start + len(word)
        tokens.append(Token(word, start, end))
    return tokens


def read_pattern(text: str | None) -> re.Pattern[str] | None:
    """The option `token_pattern` of any tokenizer; ConfigError where it is no regular expression."""
    try:
        return re.compile(text) if text else None
    except (re.error, OverflowError, RecursionError) as error:
        raise ConfigError(f"token_pattern {text!r} of the tokenizer is no regular expression: {error}") from error


def split_further(tokens: list[Token], pattern: re.Pattern[str] | None) -> list[Token]:
    """The parts of tokens that the pattern (or its first group) matches; a token without any stays whole."""
    return [part for token in tokens for part in _parts(token, pattern)] if pattern else tokens


def _split_plain(text: str) -> list[str]:
    """What `_split` gives for a text of printable ASCII, where no separator needs to see beyond a blank."""
    words: list[str] = []
    for word in text.split():
        if word.isalnum():
            words.append(word)
        else:
            words += SEPARATOR.sub(" ", word).split()
    return words


def _split(text: str) -> list[str]:
    parts, end = [], 0
    for match in SEPARATOR.finditer(_shadow(text)):
        parts.append(text[end : match.start()])
        end = match.end()
    parts.append(text[end:])
    return " ".join(parts).split()


def _shadow(text: str) -> str:
    """The text, each character replaced by one that Python's `re` classes as Rasa's `regex` package does this one."""
    return UNUSUAL.sub(lambda match: _shadow_character(match[0]), text)


def _shadow_character(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Mn", "Mc", "Me", "Pc") or ENCLOSED_LETTER.match(character):
        return "a"
    return "%" if category in ("Cc", "No") and not NEWLINE.match(character) else character


def _parts(token: Token, pattern: re.Pattern[str]) -> list[Token]:
    group = 1 if pattern.groups else 0
    found = (match for match in pattern.finditer(token.text) if match[group])
    return [Token(m[group], token.start + m.start(group), token.start + m.end(group)) for m in found] or [token]
