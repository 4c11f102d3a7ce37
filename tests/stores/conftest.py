"""One fixture: each kind of tracker store, empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from botapi.stores.sqlite import SqliteStore
from botapi.stores.trackers import InMemoryStore, TrackerStore


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TrackerStore]:
    made: TrackerStore = InMemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "c.db")
    yield made
    made.close()
