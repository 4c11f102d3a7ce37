"""Lists of conversations: events stored in every kind of store in; pages of summaries, filtered, out."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botapi.stores.listing import MAX_VALUE_CHARS, Summary, Wanted
from botapi.stores.sqlite import SqliteStore
from botapi.stores.trackers import InMemoryStore, TrackerStore
from tests.stores.stored import ids, slot


def user(time_s: float, channel: str | None = "rest") -> dict[str, Any]:
    return {"event": "user", "timestamp": time_s, "text": "hi", "input_channel": channel}


def listed(store: TrackerStore, **wanted: Any) -> list[str]:
    return [summary.sender_id for summary in store.page(None, 100, Wanted(**wanted))]


def test_a_summary_counts_events_and_messages_and_knows_time_and_channel(store: TrackerStore) -> None:
    store.append("a", [user(1.0, "slack"), user(2.0, "rest"), {"event": "bot", "timestamp": 3.5}], after=0)
    store.append("a", [user(4, None)], after=3)
    (found,) = store.page(None, 10)
    assert found == Summary("a", last=4, events=4, messages=3, time_s=4.0, channel="rest")


def test_pages_follow_each_other_by_id(store: TrackerStore) -> None:
    for name in "dbace":
        store.append(name, [slot(1)], after=0)
    assert [found.sender_id for found in store.page(None, 2)] == ["a", "b"]
    assert [found.sender_id for found in store.page("b", 2)] == ["c", "d"]
    assert [found.sender_id for found in store.page("bb", 9)] == ["c", "d", "e"]
    assert store.page("e", 2) == []


def test_a_page_is_not_changed_by_what_comes_later(store: TrackerStore) -> None:
    store.append("a", [slot(1)], after=0)
    (found,) = store.page(None, 1)
    store.append("a", [slot(2)], after=1)
    assert found.events == 1


def test_the_channel_is_where_the_user_wrote_from_last(store: TrackerStore) -> None:
    store.append("a", [user(1.0, "slack"), user(2.0, "rest")], after=0)
    store.append("b", [user(1.0, "slack")], after=0)
    store.append("c", [slot(1)], after=0)
    assert listed(store, channel="slack") == ["b"]
    assert listed(store, channel="Slack") == []


def test_times_are_bounds_of_the_newest_event(store: TrackerStore) -> None:
    for number, name in enumerate("abc"):
        store.append(name, [user(0.5), user(float(number))], after=0)
    store.append("never", [{"event": "pause"}], after=0)
    assert listed(store, since_s=1.0) == ["b", "c"]
    assert listed(store, until_s=1.0) == ["a", "b"]
    assert listed(store, since_s=0.5, until_s=1.5) == ["b"]


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        ("blue", "blue"),
        (3, "3"),
        ("3", "3"),
        (True, "true"),
        (2.5, "2.5"),
        (["a", 1], '["a",1]'),
        ("tab\tand\nline", "tab\tand\nline"),
        ("ü\u2028\ud83d", "ü\u2028\ud83d"),
        ("NaN", "NaN"),
        ("[" * 100, "[" * 100),
    ],
)
def test_a_slot_is_found_by_its_value_as_text_or_json(store: TrackerStore, value: Any, asked: str) -> None:
    store.append("a", [slot(value)], after=0)
    store.append("b", [slot("another"), slot(value, name="y")], after=0)
    assert listed(store, slot="x", value=asked) == ["a"]
    assert listed(store, slot="x") == ["a", "b"]


def test_names_of_slots_may_hold_anything(store: TrackerStore) -> None:
    names = ['a"b', "a\tb", "a\nb", "%", "é", '"']
    for name in names:
        store.append(name, [slot(1, name=name)], after=0)
    assert [listed(store, slot=name) for name in names] == [[name] for name in names]


@pytest.mark.parametrize("kind", ["restart", "session_started", "reset_slots"])
def test_a_slot_that_was_reset_is_not_set(store: TrackerStore, kind: str) -> None:
    store.append("a", [slot(1), slot(2, name="y")], after=0)
    store.append("b", [slot(1), slot(None)], after=0)
    assert listed(store, slot="x") == ["a"]
    store.append("a", [{"event": kind}, slot(3, name="z")], after=2)
    assert (listed(store, slot="x"), listed(store, slot="y"), listed(store, slot="z")) == ([], [], ["a"])


def test_a_long_value_is_set_and_not_compared(store: TrackerStore) -> None:
    long = "x" * MAX_VALUE_CHARS
    store.append("a", [slot(long)], after=0)
    assert listed(store, slot="x") == ["a"]
    assert listed(store, slot="x", value=long) == []
    assert len(store.page(None, 1)[0].slots) < 10


def test_filters_add_up(store: TrackerStore) -> None:
    store.append("a", [user(1.0), slot("blue")], after=0)
    store.append("b", [user(1.0, "slack"), slot("blue")], after=0)
    assert listed(store, channel="rest", slot="x", value="blue", since_s=1.0) == ["a"]


EVENTS = st.one_of(
    st.builds(user, st.sampled_from([1.0, 2.0, 3.0]), st.sampled_from(["rest", "slack", None])),
    st.builds(slot, st.sampled_from([None, 1, "1", "blue"]), st.sampled_from("xy")),
    st.sampled_from([{"event": "restart"}, {"event": "pause", "timestamp": 2}]),
)
WANTED = st.builds(
    Wanted,
    channel=st.sampled_from([None, "rest"]),
    since_s=st.sampled_from([None, 2.0]),
    until_s=st.sampled_from([None, 2.0]),
    slot=st.sampled_from([None, "x"]),
    value=st.sampled_from([None, "1", "blue"]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(logs=st.lists(st.lists(EVENTS, min_size=1, max_size=4), max_size=6), wanted=WANTED, size=st.integers(1, 3))
def test_both_stores_list_the_same_and_pages_join(tmp_path_factory: Any, logs: Any, wanted: Wanted, size: int) -> None:
    with closing(SqliteStore(tmp_path_factory.mktemp("s") / "c.db")) as file, closing(InMemoryStore()) as memory:
        for store in (file, memory):
            for number, events in enumerate(logs):
                store.append(str(number), events, after=0)
        whole = file.page(None, 100, wanted)
        assert memory.page(None, 100, wanted) == whole
        for store in (file, memory):
            joined: list[Summary] = []
            while page := store.page(joined[-1].sender_id if joined else None, size, wanted):
                joined += page
            assert joined == whole


# ------------------------------------------------------------------- SQLite


def test_a_file_without_summaries_gets_them_when_it_is_opened(tmp_path: Any) -> None:
    path = tmp_path / "c.db"
    with closing(SqliteStore(path)) as store:
        store.append("b", [user(1.0, "slack"), slot("blue")], after=0)
        store.append("a", [user(2.0)], after=0)
        before = store.page(None, 10)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE botapi_conversations")
    with closing(SqliteStore(path)) as store:
        assert store.page(None, 10) == before
        store.append("a", [user(3.0)], after=1)
        assert store.page(None, 1)[0].events == 2


def test_a_conversation_that_an_older_version_wrote_to_is_counted_anew(tmp_path: Any) -> None:
    path = tmp_path / "c.db"
    with closing(SqliteStore(path)) as store:
        store.append("a", [user(1.0)], after=0)
        with closing(sqlite3.connect(path)) as connection, connection:
            data = json.dumps(slot("blue"))
            connection.execute(
                "INSERT INTO events (sender_id, type_name, timestamp, data, sequence) VALUES ('a', 'slot', 2, ?, 2)",
                (data,),
            )
        store.append("a", [user(3.0)], after=store.last("a"))
        assert store.page(None, 1) == [Summary("a", 3, 3, 2, 3.0, "rest", '\n"x"\t"blue"\n')]


def test_damaged_rows_are_counted(tmp_path: Any) -> None:
    path = tmp_path / "c.db"
    with closing(SqliteStore(path)) as store:
        store.append("a", [user(1.0), slot(1), slot(2), slot(3)], after=0)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE botapi_conversations")
        for number, data in enumerate(["{", "[]", None], 1):
            connection.execute("UPDATE events SET data = ? WHERE sequence = ?", (data, number))
    with closing(SqliteStore(path)) as store:
        assert store.page(None, 1)[0].events == 4


def test_a_page_of_many_conversations_costs_what_it_holds(tmp_path: Any) -> None:
    """The work of a page in steps of SQLite's machine, which don't depend on the machine's load."""

    def steps(count: int) -> int:
        with closing(SqliteStore(tmp_path / f"{count}.db")) as store:
            with store._reading() as connection:
                connection.executescript(
                    "INSERT INTO botapi_conversations WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                    f" WHERE i < {count}) SELECT printf('%08d', i), 1, 1, 1, i, 'rest', char(10) FROM n"
                )
                done = 0

                def tick() -> int:
                    nonlocal done
                    done += 1
                    return 0

                connection.set_progress_handler(tick, 1)
            assert len(store.page("00000100", 50, Wanted(channel="rest"))) == 50
            with store._reading() as connection:
                connection.set_progress_handler(None, 1)
            return done

    assert 0 < steps(20_000) < 1.2 * steps(200)


# ------------------------------------------------------------------ deletion


def test_numbers_are_not_given_out_again_after_a_deletion(store: TrackerStore) -> None:
    """Who kept events of a deleted conversation must not take those of its successor for their continuation."""
    store.append("a", [slot(n) for n in range(5)], after=0)
    store.delete("a")
    last = store.append("a", [slot(n) for n in range(9)], after=0)
    assert last == store.last("a") == 14
    assert [event["value"] for event in store.read("a")] == list(range(9))
    with pytest.raises(Exception, match="Event 5 .* is gone"):
        store.read("a", after=5)


def test_a_deleted_conversation_leaves_the_list(store: TrackerStore) -> None:
    for name in "abc":
        store.append(name, [slot(1)], after=0)
    store.delete("b")
    store.replace("c", [])
    assert ids(store) == ["a"]


def test_what_a_deleted_user_said_is_not_left_on_disk(tmp_path: Any) -> None:
    def on_disk(text: bytes) -> bool:
        return any(text in path.read_bytes() for path in tmp_path.iterdir())

    with closing(SqliteStore(tmp_path / "c.db")) as store:
        for number in range(40):
            said = b"a secret of mine" if number % 2 else b"good morning"
            store.append(str(number), [{**user(1.0), "text": said.decode()}, slot("blue" * 50)] * 10, after=0)
        assert on_disk(b"a secret of mine")
        for number in range(1, 40, 2):
            assert store.delete(str(number))
        assert not on_disk(b"a secret of mine")
        assert on_disk(b"good morning")


def test_deleting_does_not_wait_for_a_reader_of_the_file(tmp_path: Any) -> None:
    path = tmp_path / "c.db"
    with closing(SqliteStore(path)) as store, closing(sqlite3.connect(path, isolation_level=None)) as reader:
        store.append("a", [slot(1)], after=0)
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM events").fetchone() == (1,)
        assert store.delete("a")
        assert reader.execute("SELECT count(*) FROM events").fetchone() == (1,)
        reader.execute("ROLLBACK")
        assert store.append("a", [slot(1)], after=0) == 2
