"""From sections of endpoints.yml to stores, and what is refused."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from botapi.errors import ConfigError
from botapi.stores.build import lock_store, refuse_event_broker, tracker_store
from botapi.stores.locks import InMemoryLockStore
from botapi.stores.sqlite import SqliteStore
from botapi.stores.trackers import InMemoryStore


def test_without_a_section_the_caller_decides(tmp_path: Path) -> None:
    assert isinstance(tracker_store(None, tmp_path), InMemoryStore)
    with closing(tracker_store(None, tmp_path, default="sql")) as store:
        store.append("a", [{"event": "restart"}], after=0)
    assert (tmp_path / "conversations.db").is_file()


@pytest.mark.parametrize(
    ("section", "file"),
    [
        pytest.param({"type": "SQL", "dialect": "sqlite", "db": "my.db"}, "my.db", id="as Rasa's documentation has it"),
        pytest.param({"type": "sql"}, "rasa.db", id="Rasa's defaults"),
        pytest.param({"store_type": "SQL", "dialect": "sqlite+pysqlite"}, "rasa.db", id="older key, named driver"),
        pytest.param({"type": "SQL", "url": "sqlite:///other.db"}, "other.db", id="URL"),
    ],
)
def test_sqlite_by_its_names(tmp_path: Path, section: dict[str, Any], file: str) -> None:
    with closing(tracker_store(section, tmp_path)) as store:
        assert isinstance(store, SqliteStore)
    assert (tmp_path / file).is_file()


@pytest.mark.parametrize(
    "section",
    [
        {"type": "in_memory"},
        {"type": "SQL", "db": ":memory:"},
        {"type": "SQL", "url": "sqlite://"},
    ],
)
def test_memory_by_its_names(tmp_path: Path, section: dict[str, Any]) -> None:
    assert isinstance(tracker_store(section, tmp_path), InMemoryStore)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["redis", "mongod", "dynamo", "nonsense", 7, None])
def test_unknown_tracker_store_is_refused_with_the_known_ones(tmp_path: Path, kind: Any) -> None:
    with pytest.raises(ConfigError, match=f"type {kind!r} is not supported; use one of 'in_memory', 'sql'"):
        tracker_store({"type": kind, "url": "localhost"}, tmp_path)


def test_other_databases_are_refused(tmp_path: Path) -> None:
    for section in ({"type": "SQL", "dialect": "postgresql", "url": "db"}, {"type": "SQL", "url": "postgresql://db/x"}):
        with pytest.raises(ConfigError, match="dialect 'postgresql' is not supported; use 'dialect: sqlite'"):
            tracker_store(section, tmp_path)


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere.* is missing; create it"):
        tracker_store({"type": "SQL", "db": "nowhere/x.db"}, tmp_path)


def test_section_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected keys such as 'type: …'"):
        tracker_store("SQL", tmp_path)  # type: ignore[arg-type]


def test_class_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_stores.py").write_text(
        "from botapi.stores.trackers import InMemoryStore\n"
        "class Named(InMemoryStore):\n"
        "    def __init__(self, name):\n"
        "        super().__init__()\n"
        "        self.name = name\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        store: Any = tracker_store({"type": "my_stores.Named", "name": "n"}, tmp_path)
        assert store.name == "n"
        with pytest.raises(ConfigError, match="my_stores.Named does not take the options \\['size'\\]"):
            tracker_store({"type": "my_stores.Named", "size": 1}, tmp_path)
        with pytest.raises(ConfigError, match="'my_stores.Nobody' can't be imported"):
            tracker_store({"type": "my_stores.Nobody"}, tmp_path)
    finally:
        sys.modules.pop("my_stores", None)


def test_locks() -> None:
    assert isinstance(lock_store(None), InMemoryLockStore)
    assert isinstance(lock_store({"type": "in_memory"}), InMemoryLockStore)
    with pytest.raises(ConfigError, match="lock_store: type 'redis' is not supported; use one of 'in_memory'"):
        lock_store({"type": "redis"})
    with pytest.raises(ConfigError, match="lock_store: timeout is 'soon', expected a number of seconds"):
        lock_store({"type": "in_memory", "timeout": "soon"})


def test_event_broker_is_refused() -> None:
    refuse_event_broker(None)
    with pytest.raises(ConfigError, match="type 'pika' is not supported"):
        refuse_event_broker({"url": "localhost"})
