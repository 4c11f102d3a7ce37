"""Splits a text into the smallest pieces that entities are made of: a string in, tokens with offsets out."""

from __future__ import annotations

import re

from botapi.nlu.message import Token
from botapi.nlu.words import MARKS, UNSPACED

# PERF: most texts need no look at those ranges.
PLAIN = re.compile(r"\w+|[^\w\s\x1c-\x1f]", re.ASCII)
ANY = re.compile(rf"[{UNSPACED}]|(?:(?![{UNSPACED}])[\w{MARKS}])+|[^\w\s]")


def segments(text: str) -> list[Token]:
    """Words, single marks, and single characters of scripts without blanks, in order; nothing is left out but blanks.

    They are finer than the tokens of a tokenizer, so that an entity may end before the full stop after it.
    """
    pattern = PLAIN if text.isascii() else ANY
    return [Token(match.group(), match.start(), match.end()) for match in pattern.finditer(text)]
