"""Texts cut into the pieces of words that a BERT-like model knows: a vocabulary and a text in, numbers of pieces out.

As BERT's own tokenizer does (Devlin et al. 2018): clean, split at white space and punctuation, then take for each word
the longest known piece from the left.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

from botapi.errors import ConfigError

UNKNOWN, BEGIN, END = "[UNK]", "[CLS]", "[SEP]"
INNER = "##"  # before a piece that does not begin a word
LONGEST_WORD = 100  # characters; a longer word is unknown
# Scripts without spaces between words: each character is a word.
IDEOGRAPHS = (
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF), (0x2F800, 0x2FA1F),
)  # fmt: skip


class WordPieces:
    """A vocabulary; `lower` also takes accents off, as uncased models want it."""

    def __init__(self, pieces: list[str], lower: bool) -> None:
        self._numbers = {piece: number for number, piece in enumerate(pieces)}
        self._lower = lower
        missing = {UNKNOWN, BEGIN, END} - self._numbers.keys()
        if missing:
            raise ConfigError(f"the vocabulary lacks {', '.join(sorted(missing))}: it is not one of word pieces")
        self._longest = max(map(len, pieces))

    @classmethod
    def read(cls, file: Path, lower: bool) -> WordPieces:
        """The vocabulary of a vocab.txt, a piece a line. Raises OSError, UnicodeDecodeError, ConfigError."""
        return cls(file.read_text(encoding="utf-8").rstrip("\n").split("\n"), lower)

    def __len__(self) -> int:
        return len(self._numbers)

    def encode(self, text: str, most: int) -> list[int]:
        """The numbers of the pieces of a text between those of [CLS] and [SEP]: from 2 to `most` numbers."""
        numbers = [self._numbers[BEGIN]]
        for word in _words(text, self._lower):
            numbers += self._pieces(word)
            if len(numbers) >= most:
                break
        return [*numbers[: most - 1], self._numbers[END]]

    def _pieces(self, word: str) -> list[int]:
        known, found, start = self._numbers, [], 0
        if len(word) > LONGEST_WORD:
            return [known[UNKNOWN]]
        while start < len(word):
            prefix = INNER if start else ""
            for end in range(min(len(word), start + self._longest), start, -1):
                number = known.get(prefix + word[start:end])
                if number is not None:
                    found.append(number)
                    start = end
                    break
            else:
                return [known[UNKNOWN]]
        return found


def _words(text: str, lower: bool) -> Iterator[str]:
    """The words of a text, and each sign of punctuation and each ideograph as a word of its own."""
    for chunk in "".join(map(_cleaned, text)).split():
        if lower:
            chunk = "".join(char for char in unicodedata.normalize("NFD", chunk.lower()) if not _is_mark(char))
        word = ""
        for char in chunk:
            if not _is_punctuation(char):
                word += char
                continue
            if word:
                yield word
            yield char
            word = ""
        if word:
            yield word


def _cleaned(char: str) -> str:
    if char in "\t\n\r" or unicodedata.category(char) == "Zs":
        return " "
    if char == "\ufffd" or unicodedata.category(char).startswith("C"):
        return ""
    if any(first <= ord(char) <= last for first, last in IDEOGRAPHS):
        return f" {char} "
    return char


def _is_mark(char: str) -> bool:
    return unicodedata.category(char) == "Mn"


def _is_punctuation(char: str) -> bool:
    """BERT counts all ASCII signs as punctuation, `$` and `^` among them."""
    return (char.isascii() and not char.isalnum()) or unicodedata.category(char).startswith("P")
