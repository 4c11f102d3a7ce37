"""What tests of stores share: values in, event dicts out; a store in, the ids of its conversations out."""

from __future__ import annotations

from typing import Any

from botapi.stores.trackers import TrackerStore


def slot(value: Any, name: str = "x") -> dict[str, Any]:
    return {"event": "slot", "timestamp": 1.5, "name": name, "value": value}


def ids(store: TrackerStore) -> list[str]:
    return [summary.sender_id for summary in store.page(None, 1000)]
