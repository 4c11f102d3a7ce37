"""The tracker and dispatcher for actions in this process, against those of rasa-sdk."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import Tracker

from botapi.actions.view import Dispatcher, TrackerView

EVENTS = st.lists(
    st.sampled_from(
        [
            {"event": "action", "name": "action_listen"},
            {"event": "action", "name": "utter_hi"},
            {"event": "user", "input_channel": "rest"},
            {"event": "user", "input_channel": "slack"},
            {"event": "slot", "name": "size"},
            {"event": "undo"},
            {"event": "rewind"},
            {"event": "restart"},
        ]
    ),
    max_size=20,
)
MESSAGE = {
    "text": "small",
    "intent": {"name": "nlu_fallback", "confidence": 0.3},
    "intent_ranking": [{"name": "nlu_fallback"}, {"name": "greet"}],
    "entities": [
        {"entity": "size", "value": "S"},
        {"entity": "size", "value": "M", "role": "from"},
        {"entity": "size", "value": "L", "role": "from", "group": "1"},
    ],
}


def state(events=(), message=MESSAGE):
    return {
        "sender_id": "ann",
        "slots": {"size": "S", "count": None},
        "latest_message": message,
        "latest_event_time": None,
        "followup_action": "utter_hi",
        "paused": True,
        "events": list(events),
        "latest_input_channel": None,
        "active_loop": {"name": "a_form"},
        "latest_action_name": "action_listen",
    }


@settings(deadline=None)
@given(EVENTS)
def test_what_is_asked_of_the_events_has_the_same_answer(events):
    ours, theirs = TrackerView(state(events)), Tracker.from_dict(state(events))
    assert ours.applied_events() == theirs.applied_events()
    assert ours.events_after_latest_restart() == theirs.events_after_latest_restart()
    assert ours.get_latest_input_channel() == theirs.get_latest_input_channel()
    for skip in range(3):
        assert ours.last_executed_action_has("utter_hi", skip) == theirs.last_executed_action_has("utter_hi", skip)
        for kind in ("user", "action", "slot"):
            assert ours.get_last_event_for(kind, skip=skip) == theirs.get_last_event_for(kind, skip=skip)


@pytest.mark.parametrize(
    "attribute",
    ["sender_id", "slots", "latest_message", "followup_action", "active_loop", "active_loop_name", "events"],
)
def test_attributes_are_the_same(attribute):
    assert getattr(TrackerView(state()), attribute) == getattr(Tracker.from_dict(state()), attribute)


@pytest.mark.parametrize("message", [MESSAGE, {"text": "x", "intent": {"name": "greet"}, "entities": []}])
@pytest.mark.parametrize("key", [("size",), ("size", "from"), ("size", "from", "1"), ("other",)])
def test_the_latest_message_says_the_same(message, key):
    ours, theirs = TrackerView(state(message=message)), Tracker.from_dict(state(message=message))
    assert list(ours.get_latest_entity_values(*key)) == list(theirs.get_latest_entity_values(*key))
    assert ours.get_slot("size") == theirs.get_slot("size") == "S"
    assert ours.get_slot("nowhere") is theirs.get_slot("nowhere") is None
    assert ours.current_slot_values() == theirs.current_slot_values()
    assert ours.is_paused() is theirs.is_paused() is True
    assert ours.current_state()["slots"] == theirs.current_state()["slots"]


def test_the_intent_is_the_same():
    ours, theirs = TrackerView(state()), Tracker.from_dict(state())
    assert ours.get_intent_of_latest_message() == theirs.get_intent_of_latest_message() == "greet"
    assert ours.get_intent_of_latest_message(False) == theirs.get_intent_of_latest_message(False) == "nlu_fallback"


@pytest.mark.parametrize(
    "said",
    [
        {"text": "Hi"},
        {"response": "utter_hi", "who": "Ann"},
        {"image": "a.png", "attachment": "b.pdf", "buttons": [{"title": "A"}], "elements": [{"title": "B"}]},
        {"json_message": {"a": 1}, "text": None, "custom": "mine"},
        {},
    ],
)
def test_messages_are_the_same(said):
    ours, theirs = Dispatcher(), CollectingDispatcher()
    ours.utter_message(**said)
    theirs.utter_message(**said)
    assert ours.messages == theirs.messages
