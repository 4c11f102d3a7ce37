"""States: trackers in, what policies see of them out."""

from __future__ import annotations

import json

import pytest

from botapi.policies.features import Features, History, state_from_json, state_key
from botapi.state import events as ev
from botapi.state.domain import Domain
from botapi.state.tracker import Tracker

DOMAIN = Domain.from_dict(
    {
        "intents": ["greet", {"some": {"use_entities": ["city"]}}, {"none": {"ignore_entities": ["city"]}}],
        "entities": ["name", {"city": {"roles": ["from"], "groups": ["one"]}}],
        "slots": {
            "text": {"type": "text", "mappings": []},
            "tags": {"type": "list", "mappings": []},
            "vip": {"type": "bool", "initial_value": False, "mappings": []},
            "level": {"type": "float", "min_value": 0, "max_value": 10, "mappings": []},
            "kind": {"type": "categorical", "values": ["a", "b"], "mappings": []},
            "secret": {"type": "text", "influence_conversation": False, "mappings": []},
            "thing": {"type": "any", "mappings": []},
        },
        "forms": {"form": {"required_slots": []}},
    }
)
LISTEN = ev.ActionExecuted("action_listen")
INITIAL = {"vip": (1.0, 0.0)}


def said(intent="greet", text=None, entities=()):
    return ev.UserUttered(text or "hi", {"intent": {"name": intent}, "entities": list(entities)})


def tracker(*events):
    found = Tracker("someone", DOMAIN.slots)
    found.apply_all(events)
    return found


def now(*events):
    return History(tracker(*events), Features(DOMAIN)).state(0)


def test_a_state_has_what_was_said_done_remembered_and_asked():
    state = now(LISTEN, said(), ev.ActiveLoop("form"), ev.SlotSet("text", "x"), ev.ActionExecuted("form"))
    assert state == {
        "user": {"intent": "greet"},
        "prev_action": {"action_name": "form"},
        "slots": {**INITIAL, "text": (1.0,)},
        "active_loop": {"name": "form"},
    }


def test_the_beginning_has_only_slots():
    assert now() == {"slots": INITIAL}


def test_an_action_can_be_a_text():
    assert now(ev.ActionExecuted(action_text="Hello"))["prev_action"] == {"action_text": "Hello"}


@pytest.mark.parametrize(
    ("name", "value", "features"),
    [
        ("text", "anything", (1.0,)),
        ("text", None, None),
        ("tags", ["a"], (1.0,)),
        ("tags", [], None),
        ("vip", True, (1.0, 1.0)),
        ("vip", None, None),
        ("level", 5, (1.0, 0.5)),
        ("level", "much", None),
        ("level", {"a": 1}, None),
        ("kind", "B", (0.0, 1.0, 0.0)),
        ("kind", ["x"], (0.0, 0.0, 1.0)),
        ("secret", "x", None),
        ("thing", "x", None),
        ("text", "should_not_be_set", "should_not_be_set"),
        ("tags", "should_not_be_set", "should_not_be_set"),
    ],
)
def test_slots_show_as_their_features(name, value, features):
    assert now(ev.SlotSet(name, value)).get("slots", {}).get(name) == features


@pytest.mark.parametrize(
    ("intent", "entities", "labels"),
    [
        ("greet", [{"entity": "name"}, {"entity": "city", "role": "from"}], ("city", "city#from", "name")),
        ("greet", [{"entity": "city", "group": "one"}], ("city", "city#one")),
        ("greet", [{"entity": "other"}], None),
        ("some", [{"entity": "name"}, {"entity": "city", "role": "from"}], ("city", "city#from")),
        ("none", [{"entity": "city", "role": "from"}], None),
        ("unknown", [{"entity": "other", "value": "x"}], ("other",)),
        ("greet", [{"value": "no name"}], None),
    ],
)
def test_entities_show_as_far_as_the_intent_uses_them(intent, entities, labels):
    assert now(LISTEN, said(intent, entities=entities))["user"].get("entities") == labels


def test_a_message_shows_by_intent_or_by_text():
    message = said("greet", "hello", [{"entity": "name"}])
    history = History(tracker(LISTEN, message), Features(DOMAIN))
    assert history.state(0)["user"] == {"intent": "greet", "entities": ("name",)}
    assert history.state_by_text()["user"] == {"text": "hello"}
    by_text = tracker(LISTEN, message, ev.UserFeaturization(True), ev.ActionExecuted("action_restart"))
    assert History(by_text, Features(DOMAIN)).state(0)["user"] == {"text": "hello"}
    by_intent = tracker(LISTEN, message, ev.UserFeaturization(False), ev.ActionExecuted("action_restart"))
    assert History(by_intent, Features(DOMAIN)).state(0)["user"] == {"intent": "greet", "entities": ("name",)}
    assert History(by_intent, Features(DOMAIN)).state_by_text()["user"] == {"intent": "greet", "entities": ("name",)}


def test_states_go_back_to_the_beginning():
    history = History(tracker(LISTEN, said(), ev.ActionExecuted("action_back"), LISTEN), Features(DOMAIN))
    names = [(history.state(back) or {}).get("prev_action", {}).get("action_name") for back in range(4)]
    assert names == ["action_listen", "action_back", "action_listen", None]
    assert history.state(3) == {"slots": INITIAL} and history.state(4) is None


def test_a_state_is_made_once_for_each_moment():
    talk = tracker(LISTEN, said(), ev.ActionExecuted("action_back"))
    features = Features(DOMAIN)
    first = History(talk, features).state(1)
    talk.apply(LISTEN)
    assert History(talk, features).state(2) is first
    # Another model has its own states.
    other = Features(Domain.from_dict({"intents": ["greet"]}))
    assert "slots" not in History(talk, other).state(2)


def story_states(*events, **hidden):
    seen = History(tracker(*events), Features(DOMAIN, **hidden)).story_view.seen
    found = []
    while seen is not None:
        found.insert(0, seen.state)
        seen = seen.before
    return found


def done(name, is_hidden=False):
    return ev.ActionExecuted(name, hide_rule_turn=is_hidden)


def test_stories_do_not_see_turns_that_rules_made():
    shown = story_states(LISTEN, said("greet"), done("action_back"), done("action_listen"), said("some"))
    between = [said("none"), done("action_restart", True), done("action_listen", True)]
    hidden = story_states(LISTEN, said("greet"), done("action_back"), done("action_listen"), *between, said("some"))
    assert hidden == shown and len(shown) == 4


def test_after_a_hidden_action_stories_see_the_last_message_and_action_before():
    states = story_states(
        LISTEN, said("greet"), done("action_back"), LISTEN, said("none"), done("action_restart", True)
    )
    assert [state["prev_action"]["action_name"] for state in states[1:]] == [
        "action_listen",
        "action_back",
        "action_listen",
    ]
    assert states[-1]["user"] == {"intent": "greet"}


def test_a_loop_that_goes_on_keeps_a_turn_hidden_or_shown():
    begin = [LISTEN, said("greet")]
    for is_hidden in (True, False):
        turn = [done("form", is_hidden), ev.ActiveLoop("form")]
        assert len(story_states(*begin, *turn)) == (1 if is_hidden else 3)


def test_slots_and_loops_of_rules_are_hidden():
    events = (LISTEN, said("greet"), ev.SlotSet("text", "x"), ev.ActiveLoop("form"), done("action_back"))
    last = story_states(*events, rule_only_slots=["text", "vip"], rule_only_loops=["form"])[-1]
    assert last == {"user": {"intent": "greet"}, "prev_action": {"action_name": "action_back"}}
    assert set(story_states(*events)[-1]) == {"user", "prev_action", "slots", "active_loop"}


def test_states_survive_json():
    state = now(LISTEN, said(entities=[{"entity": "name"}]), ev.SlotSet("level", 3))
    again = state_from_json(json.loads(json.dumps(state)))
    assert again == state and state_key(again) == state_key(state)
    assert state_key(state) != state_key({**state, "active_loop": {"name": "form"}})


@pytest.mark.parametrize("data", [3, None, [], {"user": 3}, {"user": {"intent": {}}}, {"slots": {"a": [[]]}}])
def test_what_is_no_state_is_refused(data):
    with pytest.raises((AttributeError, TypeError, ValueError, KeyError)):
        state_from_json(data)
