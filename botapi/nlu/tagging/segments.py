"""Splits a text into the smallest pieces that entities are made of: a string in, tokens with offsets out."""

from __future__ import annotations

import re
from itertools import islice

from botapi.nlu.message import Token
from botapi.nlu.words import MARKS, UNSPACED

# PERF: more words than a message has; a text of nothing but marks would cost seconds.
MOST = 5_000
# What is no character by itself but changes the one before it: accents, vowels and tones of scripts without blanks,
# variation selectors, skin tones, tags.
ATTACHED = (
    "\u0300-\u036f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd\u0f18\u0f19\u0f35\u0f37\u0f39"
    "\u0f71-\u0f84\u0f86\u0f87\u0f8d-\u0fbc\u0fc6\u102b-\u103e\u1056-\u1059\u105e-\u1060\u1062-\u1064\u1067-\u106d"
    "\u1071-\u1074\u1082-\u108d\u17b4-\u17d3\u17dd\u20d0-\u20ff\u3099\u309a\ufe00-\ufe0f\uff9e\uff9f"
    "\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f\U000e0100-\U000e01ef"
)
# What nobody sees: soft hyphens, blanks without width, marks of the direction of writing.
INVISIBLE = "\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
FLAG = "[\U0001f1e6-\U0001f1ff]{2}"
# PERF: most texts need no look at those ranges.
PLAIN = re.compile(r"\w+|[^\w\s\x1c-\x1f]", re.ASCII)
ANY = re.compile(
    rf"(?:{FLAG}|[{UNSPACED}]|(?:(?![{UNSPACED}])[\w{MARKS}])+|[^\w\s{INVISIBLE}])"
    rf"(?:[{ATTACHED}]|\u200d[^\w\s])*"
)


def segments(text: str) -> list[Token]:
    """Words, single marks and emoji, and single characters of scripts without blanks, in order, MOST at most.

    Nothing is left out but blanks and what nobody sees. They are finer than the tokens of a tokenizer, so that an
    entity may end before the full stop after it, yet they cut no character as people see it.
    """
    pattern = PLAIN if text.isascii() else ANY
    return [Token(match.group(), match.start(), match.end()) for match in islice(pattern.finditer(text), MOST)]
