"""What every tracker store keeps to: numbers, order, all or nothing, odd texts."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botapi.errors import InputError, StoreConflict
from botapi.stores.trackers import InMemoryStore, TrackerStore
from tests.stores.stored import ids, slot


def test_unknown_conversation_is_empty(store: TrackerStore) -> None:
    assert store.last("who") == 0
    assert store.read("who") == []
    assert store.delete("who") is False
    assert ids(store) == []


def test_appended_events_are_numbered_and_read_in_order(store: TrackerStore) -> None:
    assert store.append("a", [slot(1), slot(2)], after=0) == 2
    assert store.append("b", [slot("other")], after=0) == 1
    assert store.append("a", [slot(3)], after=2) == 3
    assert store.last("a") == 3
    assert store.read("a") == [slot(1), slot(2), slot(3)]
    assert store.read("a", after=2) == [slot(3)]
    assert store.read("a", after=3) == []


def test_appending_nothing_changes_nothing(store: TrackerStore) -> None:
    assert store.append("a", [], after=0) == 0
    assert ids(store) == []


@pytest.mark.parametrize("after", [0, 1, 3])
def test_append_after_another_event_than_the_last_is_a_conflict(store: TrackerStore, after: int) -> None:
    store.append("a", [slot(1), slot(2)], after=0)
    with pytest.raises(StoreConflict, match=f"stands at event 2, not {after}"):
        store.append("a", [slot(3)], after=after)
    assert store.read("a") == [slot(1), slot(2)]


def test_replaced_conversation_goes_on_counting(store: TrackerStore) -> None:
    store.append("a", [slot(1), slot(2)], after=0)
    last = store.replace("a", [slot(7), slot(8)])
    assert store.read("a") == [slot(7), slot(8)]
    assert store.last("a") == last == 4
    assert store.append("a", [slot(9)], after=last) == 5
    assert store.read("a", after=3) == [slot(8), slot(9)]


def test_who_read_before_a_replacement_hears_of_it(store: TrackerStore) -> None:
    store.append("a", [slot(1), slot(2)], after=0)
    store.replace("a", [slot(n) for n in range(5)])
    with pytest.raises(StoreConflict, match="Event 2 .* is gone"):
        store.read("a", after=2)


def test_who_read_before_a_deletion_hears_of_it(store: TrackerStore) -> None:
    store.append("a", [slot(1), slot(2)], after=0)
    assert store.delete("a") is True
    assert (store.last("a"), store.read("a")) == (0, [])
    with pytest.raises(StoreConflict, match="gone"):
        store.read("a", after=2)


def test_replacing_by_nothing_deletes(store: TrackerStore) -> None:
    store.append("a", [slot(1)], after=0)
    assert store.replace("a", []) == 0
    assert (store.last("a"), store.read("a"), ids(store)) == (0, [], [])


def test_replacing_an_unknown_conversation_creates_it(store: TrackerStore) -> None:
    assert store.replace("a", [slot(1)]) == 1
    assert store.read("a") == [slot(1)]


def test_sender_ids_are_sorted_and_each_comes_once(store: TrackerStore) -> None:
    for sender_id in ("b", "a/b", "", "ü", "b"):
        store.append(sender_id, [slot(1), slot(2)], after=store.last(sender_id))
    assert ids(store) == ["", "a/b", "b", "ü"]


def test_changing_a_dict_afterwards_does_not_change_the_store(store: TrackerStore) -> None:
    event = slot(["a"])
    store.append("a", [event], after=0)
    event["value"].append("b")
    store.read("a")[0]["value"].append("c")
    assert store.read("a") == [slot(["a"])]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("\ud800 half", id="lone surrogate"),
        pytest.param("a\0b", id="NUL"),
        pytest.param("😀 ü \u2028", id="beyond ASCII"),
        pytest.param(2**70, id="whole number of 71 bits"),
        pytest.param([[[{"a": None}]]], id="nested"),
    ],
)
def test_odd_values_come_back_as_they_went_in(store: TrackerStore, value: Any) -> None:
    event = {"event": "user", "name": value, "parse_data": {"intent": {"name": value}}, "timestamp": value}
    store.append("a", [event], after=0)
    assert store.read("a") == [event]


def test_event_that_json_cannot_say_is_refused_whole(store: TrackerStore) -> None:
    with pytest.raises(InputError, match="can't be stored as JSON"):
        store.append("a", [slot(1), slot({1, 2})], after=0)
    assert store.last("a") == 0


def test_half_a_surrogate_pair_is_no_conversation_id(store: TrackerStore) -> None:
    for call in (lambda: store.append("\ud800", [slot(1)], after=0), lambda: store.replace("\ud800", [slot(1)])):
        with pytest.raises(InputError, match="surrogate"):
            call()


def test_only_one_of_several_writers_wins_a_number(store: TrackerStore) -> None:
    """Eight threads count a conversation up together; each number is given out once, and no event is lost."""
    won: list[tuple[int, int]] = []

    def write(who: int) -> None:
        done = 0
        while done < 10:
            last = store.last("a")
            try:
                won.append((store.append("a", [slot(who)], after=last), who))
                done += 1
            except StoreConflict:
                continue

    threads = [threading.Thread(target=write, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(number for number, _ in won) == list(range(1, 81))
    assert [event["value"] for event in store.read("a")] == [who for _, who in sorted(won)]


STEPS = st.lists(
    st.tuples(st.sampled_from(["append", "replace", "delete"]), st.sampled_from("ab"), st.integers(0, 3)), max_size=12
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(steps=STEPS)
def test_every_store_is_a_dict_of_lists(store: TrackerStore, steps: list[tuple[str, str, int]]) -> None:
    for sender_id in ids(store):
        store.delete(sender_id)
    expected: dict[str, list[dict[str, Any]]] = {}
    for count, (step, sender_id, size) in enumerate(steps):
        events = [slot([count, number]) for number in range(size)]
        if step == "append":
            store.append(sender_id, events, after=store.last(sender_id))
            expected[sender_id] = expected.get(sender_id, []) + events
        elif step == "replace":
            store.replace(sender_id, events)
            expected[sender_id] = events
        else:
            store.delete(sender_id)
            expected[sender_id] = []
        assert {name: store.read(name) for name in "ab"} == {name: expected.get(name, []) for name in "ab"}
    assert ids(store) == sorted(name for name, events in expected.items() if events)


def test_memory_is_free_after_close() -> None:
    store = InMemoryStore()
    store.append("a", [slot(1)], after=0)
    store.close()
    assert ids(store) == []


def test_conversations_with_reminders_are_found(store):
    reminder = {"event": "reminder", "name": "r", "date_time": "2030-01-01T00:00:00"}
    store.append("b", [reminder, {"event": "pause"}], 0)
    store.append("a", [{"event": "slot", "name": "x", "value": "reminder"}], 0)
    store.append("c", [reminder, reminder], 0)
    assert store.with_reminders() == ["b", "c"]
