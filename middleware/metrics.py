"""What is counted of requests: an environ comes in; its method, route, status and seconds go to `observe`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import perf_counter

from .wsgi import WHOLE, App, Closing, Environ, ExcInfo, Headers, StartResponse, Write, afterwards, is_file

ROUTE = "middleware.route"
# (method, route, status, seconds)
Observe = Callable[[str, str, str, float], object]
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
OTHER = "other"


class Metrics:
    """Layer: calls `observe(method, route, status, seconds)` when a response has ended.

    Each of the first three has few values, whatever clients send: methods that no application knows are "other"; the
    route is what the router left in `environ["middleware.route"]`, such as `/users/{name}`, or "other" where it left
    nothing; the status has three digits, is "500" for an exception that passes through, and "-" where the client left
    before there was one. `observe` must not raise.
    """

    def __init__(self, app: App, *, observe: Observe) -> None:
        self._app = app
        self._observe = observe

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        began = perf_counter()
        method = environ["REQUEST_METHOD"]
        method = method if method in METHODS else OTHER
        status = "-"

        def start(line: str, headers: Headers, exc_info: ExcInfo | None = None) -> Write:
            nonlocal status
            status = line[:3]
            return start_response(line, headers) if exc_info is None else start_response(line, headers, exc_info)

        def done() -> None:
            self._observe(method, environ.get(ROUTE, OTHER), status, perf_counter() - began)

        try:
            result = self._app(environ, start)
        except BaseException:  # it counts on every way out
            status = "500"
            done()
            raise
        # PERF: what is whole has ended; anything wrapped would cost its server the knowledge of its length.
        if type(result) in WHOLE or is_file(environ, result):
            afterwards(environ, done)
            return result
        return Closing(result, done)
