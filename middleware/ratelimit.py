"""Requests within a rate: who asks comes in; the request goes on, or 429 with Retry-After goes out."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from threading import Lock

from .errors import HTTPError, respond_error
from .wsgi import App, Environ, StartResponse

KEYS = 10_000


class RateLimiter:
    """A bucket of `burst` tokens for each key, filled up at `rate_per_s`; thread-safe.

    The `keys` that asked last are remembered, in about 100 bytes each. Whoever is forgotten has a full bucket again.
    """

    def __init__(
        self, *, rate_per_s: float, burst: int, keys: int = KEYS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if not rate_per_s > 0 or burst < 1 or keys < 1:
            found = f"rate_per_s={rate_per_s}, burst={burst}, keys={keys}"
            raise ValueError(f"{found} let nobody in; expected a rate over 0, and 1 or more of the others.")
        self._token_s = 1 / rate_per_s
        self._room_s = (burst - 1) * self._token_s
        self._keys = keys
        self._clock = clock
        self._guard = Lock()
        # When each bucket will be full: later by `_token_s` with every token that is taken.
        self._full_at: OrderedDict[int, float] = OrderedDict()

    def take(self, key: Hashable) -> float:
        """Take a token and return 0; with none left, the seconds until there is one."""
        # NOTE: the key itself may be long; two with the same hash out of 2**64 share a bucket.
        bucket = hash(key)
        with self._guard:
            now = self._clock()
            full_at = max(self._full_at.get(bucket, 0.0), now)
            wait_s = full_at - now - self._room_s
            if wait_s > 0:
                return wait_s
            self._full_at[bucket] = full_at + self._token_s
            self._full_at.move_to_end(bucket)
            if len(self._full_at) > self._keys:
                self._full_at.popitem(last=False)
            return 0.0


def retry_after(wait_s: float) -> int:
    """Whole seconds for `Retry-After`."""
    return max(1, math.ceil(wait_s))


class RateLimit:
    """Layer: requests over the rate of their caller get 429 with Retry-After.

    `key(environ)` says who calls; None is not limited. A `limiter` may serve several layers, which then share it.
    """

    def __init__(self, app: App, *, limiter: RateLimiter, key: Callable[[Environ], Hashable | None]) -> None:
        self._app = app
        self._limiter = limiter
        self._key = key

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        key = self._key(environ)
        wait_s = 0.0 if key is None else self._limiter.take(key)
        if wait_s:
            seconds = retry_after(wait_s)
            message = f"You send more requests than are taken here; try again in {seconds} s."
            error = HTTPError(429, "TooManyRequests", message, headers=[("Retry-After", str(seconds))])
            return respond_error(environ, start_response, error)
        return self._app(environ, start_response)
