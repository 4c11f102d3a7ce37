"""Handler of `/conversations`: filters and a cursor in; a page of ids, or of what is known of each one, out."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from botapi.errors import InputError
from botapi.stores.listing import Summary, Wanted
from botapi.web.api import Api
from botapi.web.request import Request
from botapi.web.response import Response, json_response

MAX_LIMIT = 1000
_KEPT = ("limit", "channel", "since", "until", "slot", "expand")


def listed(api: Api, request: Request) -> Response:
    """Ids of conversations, sorted; with `expand` an object for each. Without `limit` all, as in rasa_core 0.12."""
    wanted, after = wanted_of(request), request.query("cursor")
    limit = request.integer("limit", 0, low=1, high=MAX_LIMIT)
    show = expanded if request.flag("expand") else sender_id
    found: list[Any] = []
    while True:
        # One more than is shown tells whether there are more.
        page = api.agent.page(after, (limit or MAX_LIMIT) + 1, wanted)
        found += [show(summary) for summary in page[: limit or MAX_LIMIT]]
        if len(page) <= (limit or MAX_LIMIT):
            return json_response(found)
        after = page[-2].sender_id
        if limit:
            return json_response(found, headers=[("Link", next_link(request, after))])


def sender_id(summary: Summary) -> str:
    return summary.sender_id


def expanded(summary: Summary) -> dict[str, Any]:
    """What is known of a conversation without reading it."""
    return {
        "sender_id": summary.sender_id,
        "latest_event_time": summary.time_s,
        "latest_input_channel": summary.channel,
        "num_events": summary.events,
        "num_user_messages": summary.messages,
    }


def wanted_of(request: Request) -> Wanted:
    """The filter that a query asks for: `channel`, `since`, `until`, `slot` as `name` or `name=value`."""
    name, has_value, value = (request.query("slot") or "").partition("=")
    return Wanted(
        request.query("channel"),
        time_of(request, "since", request.number("since")),
        time_of(request, "until", request.number("until")),
        name or None,
        value if has_value else None,
    )


def time_of(request: Request, name: str, time_s: float | None) -> float | None:
    """A time that may be missing; InputError for what is none, since a filter that is no filter would let all pass."""
    if time_s is None and request.has(name):
        raise InputError(
            f"Invalid parameter value for '{name}'. Should be a time in seconds since 1970.",
            details={"parameter": name, "in": "query"},
        )
    return time_s


def next_link(request: Request, after: str) -> str:
    """The Link header (RFC 8288) of a page that ends with an id. SECURITY: credentials in the query stay out."""
    asked = {name: value for name in _KEPT if (value := request.query(name)) is not None}
    return f'<{request.root}/conversations?{urlencode({**asked, "cursor": after})}>; rel="next"'
