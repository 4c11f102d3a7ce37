"""How often callers and users may come: the section `rate_limit` of endpoints.yml in; what refuses the rest out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from botapi.errors import ConfigError, TooManyRequests
from middleware.auth import IDENTITY, Identity
from middleware.ratelimit import RateLimit, RateLimiter, retry_after

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

KEYS = ("identity", "sender")


def limiters(section: Mapping[str, Any] | None) -> tuple[RateLimiter | None, RateLimiter | None]:
    """(for who is authenticated, for who writes to the bot), None where the section has no such key.

    The section is {identity | sender: {per_second, burst}}; without `burst`, a second's worth may come at once. Raises
    ConfigError.
    """
    section = section or {}
    unknown = [str(key) for key in section if key not in KEYS]
    if unknown:
        raise ConfigError(f"rate_limit: found {', '.join(unknown)}, expected {' and '.join(KEYS)}.")
    identity, sender = (_limiter(f"rate_limit: {key}", section[key]) if key in section else None for key in KEYS)
    return identity, sender


def _limiter(name: str, section: Any) -> RateLimiter:
    given: dict[str, Any] = dict(section) if isinstance(section, Mapping) else {}
    per_second: Any = given.pop("per_second", None)
    burst: Any = given.pop("burst", None)
    if not _is_number(per_second) or given:
        raise ConfigError(f"{name} is {section!r}, expected {{per_second: 5, burst: 20}} with a number over 0.")
    if burst is None:
        burst = math.ceil(per_second)
    if not isinstance(burst, int) or isinstance(burst, bool) or burst < 1:
        raise ConfigError(f"{name}: burst is {burst!r}, expected a whole number from 1.")
    return RateLimiter(rate_per_s=per_second, burst=burst)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < math.inf


def limit_identities(limiter: RateLimiter | None) -> Callable[[WSGIApplication], WSGIApplication]:
    """A layer inside authentication: each name, or the role of who has none, has a rate of its own."""
    if limiter is None:
        return lambda application: application
    return partial(RateLimit, limiter=limiter, key=_identity)


def _identity(environ: WSGIEnvironment) -> tuple[str | None, str | None] | None:
    identity: Identity | None = environ.get(IDENTITY)
    return (identity.role, identity.name) if identity is not None else None


def admit(limiter: RateLimiter, sender_id: str) -> None:
    """Raise TooManyRequests where a user writes more than he may."""
    wait_s = limiter.take(sender_id)
    if wait_s:
        seconds = retry_after(wait_s)
        raise TooManyRequests(
            f"{sender_id!r} sends more messages than are taken here; try again in {seconds} s.", retry_after_s=seconds
        )
