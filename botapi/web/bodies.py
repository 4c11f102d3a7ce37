"""How long bodies may be: `body_limit` of endpoints.yml and a table of endpoints in; the table with limits out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from botapi.errors import ConfigError
from botapi.web.api import BODY_BYTES, TRAINING_BYTES, Endpoint

# What the keys of the section stand for in the table.
KEYS = {"bytes": BODY_BYTES, "upload_bytes": TRAINING_BYTES}


def limited(table: Iterable[Endpoint], section: Mapping[str, Any] | None) -> tuple[Endpoint, ...]:
    """The table with other limits in place of the two usual ones: {bytes, upload_bytes}. Raises ConfigError.

    Endpoints that have a limit of their own keep it.
    """
    section = section or {}
    if not set(section) <= set(KEYS):
        raise ConfigError(f"body_limit: found {', '.join(map(str, section))}; expected {' and '.join(KEYS)}.")
    given = {}
    for key, usual in KEYS.items():
        given[usual] = section.get(key, usual)
        if not isinstance(given[usual], int) or isinstance(given[usual], bool) or given[usual] < 1:
            raise ConfigError(f"body_limit: {key} is {given[usual]!r}, expected a whole number of bytes from 1.")
    return tuple(one._replace(limit_bytes=given.get(one.limit_bytes, one.limit_bytes)) for one in table)
