"""What learning policies see of the last turns: which features, how far back, and what they leave out."""

from __future__ import annotations

import pytest

from botapi.policies.clues import clues, gist, what_happened, window
from botapi.policies.features import Seen


def turn(action, intent=None, **parts):
    state = {"prev_action": {"action_name": action}} if action else {}
    return {**state, **({"user": {"intent": intent}} if intent else {}), **parts}


TALK = [turn("utter_b", "two"), turn("action_listen", "two"), turn("utter_a", "one"), turn("action_listen", "one"), {}]


def test_actions_and_messages_count_apart():
    found = set(clues(TALK))
    assert {("action", 0, "utter_b"), ("action", 2, "utter_a"), ("action", 4, None)} <= found
    assert {("intent", 0, "two"), ("intent", 1, "one"), ("intent", 2, None)} <= found
    assert {("actions since", 1), ("asked", "utter_a"), ("actions", "utter_b", "action_listen")} <= found


def test_the_question_before_the_message_does_not_depend_on_what_was_done_since():
    later = [turn("utter_c", "two"), *TALK]
    assert ("asked", "utter_a") in clues(TALK) and ("asked", "utter_a") in clues(later)


def test_far_back_only_that_it_happened_counts():
    long = [turn("utter_b", "two") for _ in range(8)] + TALK
    assert ("any action", "utter_a") in clues(long) and ("action", 10, "utter_a") not in clues(long)


def test_the_gist_is_the_newest_turn_without_slots():
    newest = turn("action_listen", "two", slots={"s": (1.0,)})
    assert gist([newest, *TALK[2:]]) == gist([newest]) == clues([turn("action_listen", "two")])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1.0,), [("slot", "s", 0)]),
        ((0.0, 1.0, 0.0), [("slot", "s", 1)]),
        ((1.0, 1.0), [("slot", "s", 0), ("slot", "s", 1)]),
        ((1.0, 0.7), [("slot", "s", 0), ("slot", "s", 1), ("slot below", "s", 4), ("slot below", "s", 5)]),
        ((1.0, 0.0), [("slot", "s", 0), *(("slot below", "s", step) for step in range(1, 6))]),
        ("should_not_be_set", [("slot", "s", "should_not_be_set")]),
    ],
)
def test_slots_by_their_values(value, expected):
    found = clues([turn("action_listen", "one", slots={"s": value})])
    assert [feature for feature in found if feature[0].startswith("slot")] == expected


def test_entities_loop_and_words():
    found = clues([turn("action_listen", user={"intent": "i", "entities": ("city",)}, active_loop={"name": "form"})])
    assert {("entity", 0, "city"), ("loop", "form"), ("loop, action", "form", "action_listen")} <= set(found)
    words = clues([turn("action_listen", user={"text": "Hello, you there!"})])
    assert {("text", 0, "Hello, you there!"), ("word", 0, "hello"), ("word", 0, "!")} <= set(words)


def test_what_happened_is_the_message_or_the_action():
    assert what_happened(turn("utter_a", "one")) == [("action", 0, "utter_a")]
    assert what_happened(turn("action_listen", "one")) == [("intent, action", "one", "action_listen")]
    assert ("word", 0, "hi") in what_happened(turn("action_listen", user={"text": "hi"}))
    for state in (TALK[0], TALK[1], turn("action_listen", user={"text": "hi"})):
        assert set(what_happened(state)) <= set(clues([state]))


def test_the_window_leaves_out_unlikely_intents():
    seen = None
    for state in reversed([turn("action_unlikely_intent", "two"), *TALK[1:]]):
        seen = Seen(state, seen)
    assert window(seen, 2) == TALK[1:3] and window(seen, 10) == TALK[1:] and window(None, 3) == []
