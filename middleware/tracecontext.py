"""Distributed traces (W3C Trace Context): an environ comes in, the headers that carry its trace on go to `context`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from .wsgi import App, Environ, StartResponse

NOTHING: dict[str, str] = {}
MAX_STATE = 512  # what everybody has to pass on (Trace Context, 3.3.1.5)
_traceparent = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII).fullmatch
_printable = re.compile(r"[ -~]+", re.ASCII).fullmatch


class TraceContext:
    """Layer: calls `context(headers)` with the trace headers that calls to other servers shall have, {} for none.

    They are the caller's own `traceparent`, as it is right for who records no spans, and his `tracestate`. What is not
    well-formed is left out; a `traceparent` of a later version is passed on as one of version 00 (Trace Context, 4.3).
    """

    def __init__(self, app: App, *, context: Callable[[dict[str, str]], object]) -> None:
        self._app = app
        self._context = context

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        # NOTE: also without a trace, since a server's thread still has the context of its last request.
        self._context(_read(environ) if "HTTP_TRACEPARENT" in environ else NOTHING)
        return self._app(environ, start_response)


def _read(environ: Environ) -> dict[str, str]:
    found = _traceparent(environ["HTTP_TRACEPARENT"].strip())
    if found is None:
        return NOTHING
    version, trace, parent, flags, more = found.groups()
    if version == "ff" or set(trace) == {"0"} or set(parent) == {"0"} or (version == "00" and more):
        return NOTHING
    if version != "00":
        flags = f"{int(flags, 16) & 1:02x}"  # the only one that version 00 knows: sampled
    headers = {"traceparent": f"00-{trace}-{parent}-{flags}"}
    state = environ.get("HTTP_TRACESTATE", "").strip()
    if len(state) <= MAX_STATE and _printable(state):
        headers["tracestate"] = state
    return headers
