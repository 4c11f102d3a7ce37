"""What learned parts take for words, in any script: a string in, its lower-cased words and marks out."""

from __future__ import annotations

import re
import unicodedata

# Scripts written without blanks between words: Thai, Lao, Tibetan, Burmese, Khmer, Japanese, Chinese.
UNSPACED = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\uff66-\uff9f\U00020000-\U0003ffff"
)
# Marks that belong to the letter before them, which `\w` leaves out: accents, Hebrew and Arabic points, Indic vowels,
# joiners and variation selectors.
MARKS = (
    "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0963\u0966-\u0dff"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u200c\u200d\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f"
)
# PERF: most texts need no look at those ranges.
PLAIN = re.compile(r"\w+|[^\w\s]", re.ASCII)
ANY = re.compile(rf"[{UNSPACED}]+|(?:(?![{UNSPACED}])[\w{MARKS}])+|[^\w\s]")
WITHOUT_BLANKS = re.compile(f"[{UNSPACED}]")


def words_of(text: str, lowercase: bool = True, strip_accents: bool = False) -> list[str]:
    """Words and single marks, in order; a run of characters of a script without blanks between words is one word."""
    if strip_accents and not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    if lowercase:
        text = text.lower()
    return (PLAIN if text.isascii() else ANY).findall(text)


def pieces_of(word: str, shortest: int = 2, longest: int = 4) -> list[str]:
    """The different pieces of a word, `shortest` to `longest` characters long, with one blank on both sides.

    A length longer than the word gives the word itself. A run of a script without blanks has no blank at its ends, and
    its single characters are pieces too, since they stand for words or parts of them.
    """
    if not word.isascii() and WITHOUT_BLANKS.match(word):
        padded, shortest = word, 1
    else:
        padded = f" {word} "
    size = len(padded)
    found = dict.fromkeys(padded[i : i + shortest] for i in range(max(1, size - shortest + 1)))
    for length in range(shortest + 1, min(longest, size) + 1):
        found.update(dict.fromkeys(padded[i : i + length] for i in range(size - length + 1)))
    return list(found)
