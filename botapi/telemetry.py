"""What runs right now, for logs and outgoing calls: the request's id, set at the edge, read anywhere; knows no HTTP."""

from __future__ import annotations

from contextvars import ContextVar

# None outside a request, and in threads that were not given a copy of the request's context.
request_id: ContextVar[str | None] = ContextVar("botapi_request_id", default=None)
