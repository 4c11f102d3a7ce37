"""Forks: the same answers as a tracker to which the events were applied, and a base that is left alone."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from botapi.state import events as ev
from botapi.state.fork import Fork
from botapi.state.slots import ListSlot, TextSlot
from botapi.state.tracker import Tracker, Verbosity

EVENTS = st.sampled_from(
    [
        {"event": "action", "name": "action_listen"},
        {"event": "action", "name": "some_form"},
        {"event": "user", "text": "hi", "parse_data": {"intent": {"name": "greet"}}, "input_channel": "rest"},
        {"event": "user_featurization", "use_text_for_featurization": False},
        {"event": "slot", "name": "city", "value": "Rome"},
        {"event": "slot", "name": "tags", "value": "one"},
        {"event": "slot", "name": "unknown", "value": 1},
        {"event": "active_loop", "name": "some_form"},
        {"event": "active_loop", "name": None},
        {"event": "loop_interrupted", "is_interrupted": True},
        {"event": "action_execution_rejected", "name": "some_form"},
        {"event": "bot", "text": "hello"},
        {"event": "followup", "name": "utter_x"},
        {"event": "restart"},
        {"event": "session_started"},
        {"event": "rewind"},
        {"event": "undo"},
        {"event": "reset_slots"},
        {"event": "pause"},
    ]
)


def tracker_of(*lists):
    tracker = Tracker("anna", [TextSlot("city"), ListSlot("tags")], model_id="m")
    for number, event in enumerate(event for part in lists for event in part):
        tracker.apply(ev.from_dict({**event, "timestamp": 1.0 + number}))
    return tracker


@settings(max_examples=300, deadline=None)
@given(st.lists(EVENTS, max_size=8), st.lists(EVENTS, max_size=5), st.lists(EVENTS, max_size=3))
def test_a_fork_of_a_fork_is_as_if_all_had_been_applied(before, first, second):
    base, expected = tracker_of(before), tracker_of(before, first, second)
    untouched = base.current_state(Verbosity.ALL)
    fork = Fork(base)
    fork.apply_all(expected.events[len(before) : len(before) + len(first)])
    middle = fork.current_state(Verbosity.ALL)
    inner = Fork(fork)
    inner.apply_all(expected.events[len(before) + len(first) :])
    for verbosity in (Verbosity.ALL, Verbosity.AFTER_RESTART, Verbosity.NONE):
        assert inner.current_state(verbosity) == expected.current_state(verbosity)
    assert inner.fork().current_state(Verbosity.APPLIED) == expected.current_state(Verbosity.APPLIED)
    assert fork.current_state(Verbosity.ALL) == middle
    assert base.current_state(Verbosity.ALL) == untouched


def test_events_of_a_fork_read_like_a_list():
    base = tracker_of([{"event": "pause"}, {"event": "resume"}])
    fork = Fork(base)
    added = fork.apply(ev.SlotSet("city", "Rome"))
    assert list(fork.events) == [*base.events, added]
    assert list(reversed(fork.events)) == [added, *reversed(base.events)]
    assert (fork.events[0], fork.events[-1], fork.events[2], fork.events[-3]) == (
        base.events[0], added, added, base.events[0],
    )  # fmt: skip
    assert fork.events[1:] == [base.events[1], added]
    assert (len(fork.events), len(base.events)) == (3, 2)
