"""The tracker against a slow model of it, and its answers as JSON: random event sequences in, the same state out."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botapi.state import events as ev
from botapi.state.slots import ListSlot, TextSlot
from botapi.state.tracker import Tracker, Verbosity

FORM = "some_form"


def new_tracker(**options) -> Tracker:
    return Tracker("someone", [TextSlot("city", initial_value="Rome"), ListSlot("tags")], **options)


def user(text="hi", intent="greet", entities=()):
    return ev.UserUttered(text, {"intent": {"name": intent}, "entities": list(entities)})


# ------------------------------------------------- the law: incremental state equals the state of a replay


def slow_applied(events):
    """Which events count, found by going through all of them anew, as Rasa 3.6 does at each turn."""
    loops = {e.name for e in events if isinstance(e, ev.ActiveLoop) and e.name}
    done = []

    def cut_to_last(kind):
        while done:
            if isinstance(done.pop(), kind):
                return

    for event in events:
        if isinstance(event, (ev.Restarted, ev.SessionStarted)):
            done = []
        elif isinstance(event, ev.Undone):
            cut_to_last(ev.ActionExecuted)
        elif isinstance(event, ev.Rewound):
            cut_to_last(ev.UserUttered)
            cut_to_last(ev.ActionExecuted)
        elif isinstance(event, ev.ActionExecuted) and event.name in loops and repeats(event.name, done):
            last = max(i for i, e in enumerate(done) if isinstance(e, ev.ActionExecuted) and e.name == event.name)
            gone = (ev.ActionExecuted, ev.UserUttered, ev.UserFeaturization)
            done = done[: last + 1] + [e for e in done[last + 1 :] if not isinstance(e, gone)]
        else:
            done.append(event)
    return done


def repeats(loop, done):
    following = None
    for event in reversed(done):
        if isinstance(event, ev.ActiveLoop) and event.name is None:
            return False
        if isinstance(event, ev.ActionExecutionRejected) and event.name == loop:
            return False
        if isinstance(event, ev.UserUttered) and following not in (None, loop):
            return False
        if isinstance(event, ev.ActionExecuted):
            if event.name == loop:
                return True
            following = event.name
    return False


EVENTS = st.one_of(
    st.builds(user, st.sampled_from(["hi", "/greet"]), st.sampled_from(["greet", "bye", None])),
    st.builds(ev.ActionExecuted, st.sampled_from(["action_listen", "utter_hi", FORM, "action_session_start"])),
    st.builds(ev.ActionExecuted, st.sampled_from(["action_listen", FORM])),
    st.builds(ev.SlotSet, st.sampled_from(["city", "tags", "unknown"]), st.sampled_from(["Oslo", None, ["a"]])),
    st.builds(ev.ActiveLoop, st.sampled_from([FORM, None])),
    st.builds(ev.LoopInterrupted, st.booleans()),
    st.builds(ev.ActionExecutionRejected, st.sampled_from([FORM, "utter_hi"])),
    st.builds(ev.UserFeaturization, st.booleans()),
    st.builds(ev.EntitiesAdded, st.just([{"entity": "city", "value": "Oslo"}])),
    st.builds(ev.BotUttered, st.just("said")),
    st.builds(ev.FollowupAction, st.just("utter_hi")),
    st.sampled_from(
        [ev.Restarted(), ev.SessionStarted(), ev.Rewound(), ev.Undone(), ev.AllSlotsReset(), ev.Paused(), ev.Resumed()]
    ),
)


def state_of(tracker, *, settled):
    return tracker.current_state(settled=settled) | {"latest_event_time": None, "latest_input_channel": None}


@given(st.lists(EVENTS, max_size=40))
@settings(max_examples=300, deadline=None)
def test_incremental_state_equals_replay(history):
    tracker = new_tracker()
    tracker.apply_all(history)
    expected = slow_applied(tracker.events)
    assert tracker.applied_events() == expected
    replay = new_tracker()
    for event in expected:
        replay._applied.events.append(event)
        replay._applied.live.apply(event)
    assert state_of(tracker, settled=True) == state_of(replay, settled=False)
    runs = [e for e in expected if isinstance(e, ev.ActionExecuted)]
    assert [m.action for m in tracker.moments] == runs
    assert all(expected[m.position] is m.action for m in tracker.moments)


@given(st.lists(EVENTS, max_size=25), st.lists(EVENTS, max_size=10))
@settings(max_examples=100, deadline=None)
def test_a_fork_is_independent_and_equal(history, more):
    tracker = new_tracker()
    tracker.apply_all(history)
    before = tracker.current_state(Verbosity.ALL)
    other = tracker.fork()
    assert other.current_state(Verbosity.ALL) == before
    other.apply_all(more)
    assert tracker.current_state(Verbosity.ALL) == before
    tracker.apply_all(more)
    assert tracker.current_state(Verbosity.APPLIED) == other.current_state(Verbosity.APPLIED)


@given(st.lists(EVENTS, max_size=30))
@settings(max_examples=100, deadline=None)
def test_as_dict_replays_to_the_same_tracker(history):
    tracker = new_tracker()
    tracker.apply_all(history)
    again = new_tracker()
    again.apply_all(ev.from_dicts(tracker.current_state(Verbosity.ALL)["events"]))
    assert again.current_state(Verbosity.ALL) == tracker.current_state(Verbosity.ALL)


def test_rolling_back_forgets_tentative_events():
    tracker = new_tracker()
    tracker.apply_all([ev.ActionExecuted("action_listen"), user(), ev.ActiveLoop(FORM)])
    before = tracker.current_state(Verbosity.ALL)
    mark = tracker.mark()
    tracker.apply_all([ev.UserFeaturization(False), ev.LoopInterrupted(True), ev.SlotSet("city", "Oslo")])
    assert tracker.slots["city"] == "Oslo"
    tracker.roll_back(mark)
    assert tracker.current_state(Verbosity.ALL) == before


# ------------------------------------------------------------------------------------------ single cases


def test_a_new_tracker_as_json():
    assert new_tracker().current_state() == {
        "sender_id": "someone",
        "slots": {"city": "Rome", "tags": None},
        "latest_message": {"intent": {}, "entities": [], "text": None, "message_id": None, "metadata": {}},
        "latest_event_time": None,
        "followup_action": "action_listen",
        "paused": False,
        "events": None,
        "latest_input_channel": None,
        "active_loop": {},
        "latest_action": {},
        "latest_action_name": None,
    }


def test_rewinding_takes_back_the_message_and_the_listen_before_it():
    tracker = new_tracker()
    tracker.apply_all(
        [
            ev.ActionExecuted("action_listen"), user("one"), ev.ActionExecuted("utter_hi"),
            ev.ActionExecuted("action_listen"), user("two"), ev.SlotSet("city", "Oslo"), ev.ActionExecuted("utter_bye"),
            ev.Rewound(),
        ]
    )  # fmt: skip
    assert tracker.latest_message.text == "one"
    assert tracker.latest_action_name == "utter_hi"
    assert tracker.slots["city"] == "Rome"


def test_a_restart_asks_for_a_session_start_until_the_conversation_is_settled():
    tracker = new_tracker()
    tracker.apply_all([user(), ev.Restarted()])
    assert tracker.followup_action == "action_session_start"
    tracker.settle()
    assert tracker.followup_action == "action_listen"


def test_verbosities_show_different_events():
    tracker = new_tracker()
    tracker.apply_all(
        [ev.ActionExecuted("action_session_start"), ev.SessionStarted(), user("one"), ev.Restarted(), user("two")]
        + [ev.ActionExecuted("action_session_start"), ev.SessionStarted(), user("three")]
    )

    def count(verbosity, **options):
        return len(tracker.current_state(verbosity, **options)["events"])

    assert tracker.current_state(Verbosity.NONE)["events"] is None
    assert count(Verbosity.ALL) == 8
    assert count(Verbosity.AFTER_RESTART) == 4
    assert count(Verbosity.APPLIED) == 1
    tracker.opened_at = tracker.session_begin
    assert count(Verbosity.ALL, session=True) == 3
    assert len(tracker.by_session()) == 2


def test_until_includes_events_of_that_very_time():
    tracker = new_tracker()
    for time_s in (10.0, 20.0, 30.0):
        tracker.apply(ev.SlotSet("city", str(time_s), timestamp=time_s))
    assert tracker.until(20.0).slots["city"] == "20.0"
    assert tracker.until(5.0).events == []
    assert len(tracker.until(math.inf).events) == 3


def test_events_get_the_ids_of_model_and_assistant():
    tracker = new_tracker(model_id="m", assistant_id="a")
    given_event = ev.SlotSet("city", "Oslo", metadata={"model_id": "older"})
    assert tracker.apply(given_event).metadata == {"model_id": "older", "assistant_id": "a"}
    assert given_event.metadata == {"model_id": "older"}


@pytest.mark.parametrize(("value", "kept"), [("a", ["a"]), (["a", "b"], ["a", "b"]), (None, None), ("", "")])
def test_a_list_slot_keeps_lists(value, kept):
    tracker = new_tracker()
    tracker.apply(ev.SlotSet("tags", value))
    assert tracker.slots["tags"] == kept


def test_policies_see_a_form_run_once():
    tracker = new_tracker()
    listen, run = ev.ActionExecuted("action_listen"), ev.ActionExecuted(FORM)
    tracker.apply_all([listen, user("start"), run, ev.ActiveLoop(FORM), listen, user("Oslo")])
    tracker.apply_all([ev.SlotSet("city", "Oslo"), run])
    assert [m.action.name for m in tracker.moments] == ["action_listen", FORM]
    assert tracker.now.message.text == "start"
    assert tracker.now.slots["city"] == "Oslo"
    assert tracker.latest_message.text == "Oslo"


def test_actions_see_the_last_message_even_where_a_repeated_loop_run_took_it_back():
    tracker = new_tracker()
    listen, run = ev.ActionExecuted("action_listen"), ev.ActionExecuted(FORM)
    tracker.apply_all([listen, user("book"), run, ev.ActiveLoop(FORM), listen, user("two"), run, listen])
    tracker.settle()
    assert (tracker.latest_message.text, tracker.as_told().latest_message.text) == ("book", "two")
    mark = tracker.mark()
    tracker.apply(ev.SlotSet("city", "Oslo"))
    tracker.settle()
    assert tracker.as_told().fork().latest_message.text == "two"
    tracker.roll_back(mark)
    assert tracker.as_told().latest_message.text == "two"
    tracker.apply(ev.Restarted())
    assert tracker.as_told() is tracker
