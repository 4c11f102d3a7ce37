"""Secrets kept out of logs that others may read: a line in, the same with stars in their place out."""

from __future__ import annotations

import re
from collections.abc import Mapping

STARS = "***"
# Not `tokens` or `WhitespaceTokenizer`.
_NAME = r"[\w-]*(?:token|secret|passw(?:or)?d|credentials?|api[_-]?key|private[_-]?key|authorization)(?![a-z])[\w-]*"
# `token: abc`, `"api_key": "abc"`, `?token=abc`, `Authorization: Bearer abc`
_GIVEN = re.compile(rf"""({_NAME}["']?\s*[:=]\s*["']?)(?:(bearer|basic|token)\s+)?[^\s"'&,}}\]]+""", re.IGNORECASE)
_BEARER = re.compile(r"(bearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE)
_IN_URL = re.compile(r"(://)[^/\s@]+@")
_SECRET_NAME = re.compile(_NAME, re.IGNORECASE)
SHORTEST_VALUE = 6  # what is shorter could be a part of any word


def secret_values(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The values of variables whose names say that they are secret, the longest first."""
    found = {
        value for name, value in environment.items() if _SECRET_NAME.fullmatch(name) and len(value) >= SHORTEST_VALUE
    }
    return tuple(sorted(found, key=len, reverse=True))


def masked(text: str, secrets: tuple[str, ...] = ()) -> str:
    """The text without `secrets`, without what stands behind names such as `token:`, and without users in URLs."""
    for secret in secrets:
        text = text.replace(secret, STARS)
    text = _IN_URL.sub(rf"\1{STARS}@", text)
    return _BEARER.sub(rf"\1{STARS}", _GIVEN.sub(rf"\1{STARS}", text))
