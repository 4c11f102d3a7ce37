"""The SQLite store alone: Rasa's table, durability, damage, several connections and processes, cost."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from botapi.errors import InputError, StoreConflict, StoreError
from botapi.stores.sqlite import SqliteStore
from tests.stores.stored import ids, slot

# As Rasa 3.6.21 creates it.
RASA_TABLE = """
CREATE TABLE events (
    id INTEGER NOT NULL, sender_id VARCHAR(255) NOT NULL, type_name VARCHAR(255) NOT NULL, timestamp FLOAT,
    intent_name VARCHAR(255), action_name VARCHAR(255), data TEXT, PRIMARY KEY (id));
CREATE INDEX ix_events_sender_id ON events (sender_id);
"""
RASA_INSERT = "INSERT INTO events (sender_id, type_name, timestamp, action_name, data) VALUES (?, 'slot', 1.0, 'x', ?)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rasa.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(path)) as made:
        yield made


def write_as_rasa(path: Path, senders: str, *, create: bool) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        if create:
            connection.executescript(RASA_TABLE)
        connection.executemany(RASA_INSERT, [(who, json.dumps(slot(n))) for n, who in enumerate(senders)])


def test_columns_beside_the_json_are_those_of_rasa(store: SqliteStore, path: Path) -> None:
    user = {"event": "user", "timestamp": 2.5, "text": "hi", "parse_data": {"intent": {"name": "greet"}}}
    action = {"event": "action", "timestamp": 3, "name": "action_listen"}
    store.append("a", [user, action], after=0)
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT sender_id, type_name, timestamp, intent_name, action_name, data FROM events ORDER BY id"
        ).fetchall()
    assert rows == [
        ("a", "user", 2.5, "greet", None, json.dumps(user)),
        ("a", "action", 3.0, None, "action_listen", json.dumps(action)),
    ]


def test_settings_that_make_it_durable(store: SqliteStore) -> None:
    with store._reading() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL


def test_file_of_rasa_is_taken_over_in_the_order_of_its_ids(path: Path) -> None:
    write_as_rasa(path, "abaab", create=True)
    with closing(SqliteStore(path)) as store:
        assert [event["value"] for event in store.read("a")] == [0, 2, 3]
        assert [event["value"] for event in store.read("b")] == [1, 4]
        assert store.append("a", [slot("new")], after=3) == 4


def test_rows_that_rasa_wrote_later_are_found_when_it_is_opened_again(path: Path) -> None:
    write_as_rasa(path, "a", create=True)
    with closing(SqliteStore(path)) as store:
        store.append("a", [slot("ours")], after=1)
    write_as_rasa(path, "ac", create=False)
    with closing(SqliteStore(path)) as store:
        assert [event["value"] for event in store.read("a")] == [0, "ours", 0]
        assert store.last("c") == 1


def test_opening_twice_keeps_everything(path: Path) -> None:
    for count in range(3):
        with closing(SqliteStore(path)) as store:
            assert store.append("a", [slot(count)], after=count) == count + 1


def test_other_table_named_events_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE events (id INTEGER, place TEXT)")
    with pytest.raises(StoreError, match="without action_name, data.* not a tracker store"):
        SqliteStore(path)


def test_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"pickled eggs" * 1000)
    with pytest.raises(StoreError, match="rasa.db can't be used .*not a database"):
        SqliteStore(path)


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere/c.db can't be opened.*folder"):
        SqliteStore(tmp_path / "nowhere" / "c.db")


@pytest.mark.parametrize("data", ["{broken", "[1]", None, "[" * 100_000, b"\xff"])
def test_damaged_row_is_an_error_with_its_place(store: SqliteStore, path: Path, data: Any) -> None:
    store.append("a", [slot(1), slot(2)], after=0)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE events SET data = ? WHERE sequence = 2", (data,))
    with pytest.raises(StoreError, match="Event 2 of conversation 'a' in .*rasa.db is damaged"):
        store.read("a")
    assert store.append("b", [slot(1)], after=0) == 1


def test_damaged_file_is_an_error(store: SqliteStore, path: Path) -> None:
    store.append("a", [slot("x" * 1000)] * 200, after=0)
    store.close()
    path.write_bytes(path.read_bytes()[:8192] + os.urandom(40_000))
    with pytest.raises(StoreError), closing(SqliteStore(path)) as broken:
        broken.read("a")


def test_lone_surrogate_in_a_column_becomes_a_question_mark(store: SqliteStore, path: Path) -> None:
    store.append("a", [{"event": "action", "name": "x\ud800"}], after=0)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT action_name FROM events").fetchone() == ("x?",)


def test_reading_half_a_surrogate_pair_is_the_callers_fault(store: SqliteStore) -> None:
    for call in (store.last, store.read, store.delete):
        with pytest.raises(InputError):
            call("\udfff")


def test_closed_store_says_so(store: SqliteStore) -> None:
    store.append("a", [slot(1)], after=0)
    store.last("a")
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.append("a", [slot(2)], after=1)
    with pytest.raises(StoreError, match="closed"):
        store.last("a")
    store.close()


def test_conflict_in_a_shared_transaction_spoils_only_itself(store: SqliteStore) -> None:
    """While one thread holds the writing connection, others queue up and are then committed together."""
    outcomes: dict[str, object] = {}

    def append(sender_id: str, after: int) -> None:
        try:
            outcomes[sender_id] = store.append(sender_id, [slot(1)], after=after)
        except StoreConflict as error:
            outcomes[sender_id] = type(error)

    with store._turn:
        threads = [threading.Thread(target=append, args=pair) for pair in (("a", 0), ("b", 5), ("c", 0))]
        for thread in threads:
            thread.start()
        while len(store._waiting) < 3:
            time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert outcomes == {"a": 1, "b": StoreConflict, "c": 1}
    assert ids(store) == ["a", "c"]


def test_file_locked_by_another_process_for_too_long(path: Path) -> None:
    with closing(SqliteStore(path, busy_timeout_s=0.05)) as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="Writing conversations to .* failed: database is locked"):
                store.append("a", [slot(1)], after=0)
            assert store.last("a") == 0  # readers don't wait for writers
            other.execute("ROLLBACK")
        assert store.append("a", [slot(1)], after=0) == 1


def test_two_stores_on_one_file_see_each_other(path: Path) -> None:
    with closing(SqliteStore(path)) as one, closing(SqliteStore(path)) as other:
        one.append("a", [slot(1)], after=0)
        assert other.last("a") == 1
        other.append("a", [slot(2)], after=1)
        with pytest.raises(StoreConflict):
            one.append("a", [slot(3)], after=1)


CHILD = """
import sys
from botapi.stores.sqlite import SqliteStore
store = SqliteStore(sys.argv[1])
print(store.last("a"), flush=True)
for last in range(store.last("a"), 10**9, 3):
    store.append("a", [{"event": "slot", "value": last + n} for n in (1, 2, 3)], after=last)
    print(last + 3, flush=True)
"""


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    for _ in range(3):
        command = [sys.executable, "-c", CHILD, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as child:
            assert child.stdout is not None
            start = int(child.stdout.readline())
            while int(child.stdout.readline()) < start + 300:
                pass
            child.send_signal(signal.SIGKILL)
            acknowledged = [int(line) for line in child.stdout.read().splitlines() if line]
        with closing(SqliteStore(path)) as store:
            values = [event["value"] for event in store.read("a")]
        assert values == list(range(1, len(values) + 1))
        assert len(values) % 3 == 0
        assert len(values) >= max(acknowledged, default=start + 300)


def test_cost_does_not_grow_with_the_conversation(store: SqliteStore) -> None:
    """The work of a turn, in steps of SQLite's machine, which don't depend on the machine's load."""
    events = [slot("y" * 100)] * 8
    last = store.append("long", events * 1_000, after=0)
    store.append("short", events, after=0)

    def steps(sender_id: str, last: int) -> int:
        count = 0

        def tick() -> int:
            nonlocal count
            count += 1
            return 0

        with store._reading() as connection:
            connection.set_progress_handler(tick, 1)
        store.last(sender_id)
        store.read(sender_id, after=last)
        with store._reading() as connection:
            connection.set_progress_handler(None, 1)
        return count

    assert 0 < steps("long", last) < 1.2 * steps("short", 8)


def test_an_append_takes_milliseconds_at_most(store: SqliteStore) -> None:
    events = [slot("y" * 200)] * 8
    times_s = []
    for count in range(50):
        start = time.perf_counter()
        store.append("a", events, after=count * 8)
        times_s.append(time.perf_counter() - start)
    assert median(times_s) < 0.05
