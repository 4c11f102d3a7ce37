"""What an unquoted YAML scalar stands for: its text comes in, None, a boolean, a number or the text itself goes out."""

from __future__ import annotations

import math
import re
from typing import Any

MAX_DEPTH = 100
MAX_NUMBER_CHARACTERS = 1_000

# Characters that no YAML text may hold: control characters, halves of surrogate pairs.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_CONSTANTS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
INTEGER = re.compile(r"[-+]?(?:0b_*[01][01_]*|0o_*[0-7][0-7_]*|0x_*[0-9a-fA-F][0-9a-fA-F_]*|[0-9][0-9_]*)\Z")
FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?)\Z"
)
NOT_FINITE = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
_NUMBER_START = frozenset("-+.0123456789")


def scalar(text: str) -> Any:
    """What an unquoted scalar stands for: None, a boolean, an int, a finite float, else the text itself.

    Raises ValueError for NaN, infinity and numbers of more than 1,000 characters.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in _NUMBER_START:
        return text
    if INTEGER.match(text):
        return _integer(text)
    if FLOAT.match(text):
        return _finite(text)
    if NOT_FINITE.match(text):
        raise ValueError(f"the number {text} has no place in JSON; expected a finite number, or text in quotes")
    return text


def _integer(text: str) -> int:
    digits = _short(text).replace("_", "")
    body = digits.lstrip("+-")
    base = {"0b": 2, "0o": 8, "0x": 16}.get(body[:2], 10)
    number = int(body if base == 10 else body[2:], base)
    return -number if digits[0] == "-" else number


def _finite(text: str) -> float:
    number = float(_short(text).replace("_", ""))
    if math.isinf(number):
        raise ValueError(f"the number {text} is too large; expected a finite number, or text in quotes")
    return number


def _short(text: str) -> str:
    if len(text) > MAX_NUMBER_CHARACTERS:
        raise ValueError(
            f"a number of {len(text)} characters; at most {MAX_NUMBER_CHARACTERS} are read, put longer ones in quotes"
        )
    return text
