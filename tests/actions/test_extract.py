"""Slots filled after a message: by mappings, by custom actions, and as a validator leaves them."""

from __future__ import annotations

import pytest

from botapi.actions.remote import ActionServer
from botapi.outbound import Outbound, read_endpoint
from tests.actions.talk import Talk, short

FORM = [{"active_loop": "travel_form", "requested_slot": "from_city"}]


def slot(*mappings, type="text"):
    return {"type": type, "influence_conversation": False, "mappings": list(mappings) or [{"type": "custom"}]}


def from_entity(name, **more):
    return {"type": "from_entity", "entity": name, **more}


DOMAIN = {
    "intents": ["inform", "greet", "yes"],
    "entities": ["city", "tag", "size"],
    "slots": {
        "last_tag": slot(from_entity("tag")),
        "tags": slot(from_entity("tag"), type="list"),
        "size": slot(from_entity("size"), {"type": "from_intent", "intent": "yes", "value": "usual"}),
        "is_happy": {"type": "bool", "mappings": [{"type": "from_intent", "intent": "yes", "value": False}]},
        "words": slot({"type": "from_text", "intent": "inform"}),
        "from_city": slot(from_entity("city")),
        "to_city": slot(from_entity("city")),
        "ghost": slot(from_entity("nobody")),
    },
    "forms": {"travel_form": {"required_slots": ["from_city", "to_city"], "ignored_intents": "greet"}},
}


@pytest.mark.parametrize(
    ("intent", "entities", "found"),
    [
        ("greet", {}, []),
        ("greet", {"tag": ["a", "b"]}, [("last_tag", "b"), ("tags", ["a", "b"])]),
        ("greet", {"size": 3}, [("size", 3)]),
        ("yes", {}, [("size", "usual"), ("is_happy", False)]),
        ("yes", {"size": "small"}, [("size", "small"), ("is_happy", False)]),
        ("inform", {}, [("words", "/inform")]),
        ("greet", {"city": "Rome"}, [("from_city", "Rome"), ("to_city", "Rome")]),
        ("greet", {"nobody": "x"}, []),
        (None, {"size": None}, []),
    ],
)
def test_slots_of_a_message(intent, entities, found):
    talk = Talk(DOMAIN)
    talk.hears(intent, **entities)
    assert talk.extracts() == found


def test_a_value_of_none_empties_a_slot_that_is_set():
    talk = Talk(DOMAIN)
    talk.hears("greet", size="small")
    assert talk.extracts() == [("size", "small")]
    talk.hears("greet", size=[None])
    assert talk.extracts() == [("size", None)]
    talk.hears("greet", size=[None])
    assert talk.extracts() == []


@pytest.mark.parametrize("asked", ["from_city", "to_city"])
def test_an_entity_that_several_slots_of_a_form_want_fills_the_one_asked_for(asked):
    talk = Talk(DOMAIN)
    talk.knows({"event": "active_loop", "name": "travel_form"})
    talk.knows({"event": "slot", "name": "requested_slot", "value": asked})
    talk.hears("inform", "to Rome", city="Rome")
    assert talk.extracts() == [("words", "to Rome"), (asked, "Rome")]


def test_ignored_intents_fill_nothing_while_the_form_is_active():
    talk = Talk(DOMAIN)
    talk.hears("greet", tag="a")
    talk.knows({"event": "active_loop", "name": "travel_form"})
    assert talk.extracts() == []
    talk.knows({"event": "active_loop", "name": None})
    assert talk.extracts() == [("last_tag", "a"), ("tags", ["a"])]


def test_mappings_of_unknown_entities_are_named_once(caplog):
    talk = Talk(DOMAIN)
    for _ in range(2):
        talk.hears("greet")
        talk.extracts()
    assert caplog.text.count("from_entity mapping for the entity 'nobody'") == 1


def test_the_tracker_is_left_alone():
    talk = Talk(DOMAIN)
    talk.hears("yes")
    before = (list(talk.tracker.events), dict(talk.tracker.slots))
    talk.runs("action_extract_slots")
    assert (talk.tracker.events, dict(talk.tracker.slots)) == before


def test_before_any_message_there_is_nothing():
    assert Talk(DOMAIN).extracts() == []


# ------------------------------------------------------------------ custom actions, on a real server

CUSTOM = {
    "intents": ["inform"],
    "entities": ["size"],
    "slots": {
        "size": slot(from_entity("size")),
        "price": {"type": "float", "mappings": [{"type": "custom", "action": "action_price"}]},
        "price_again": {"type": "float", "mappings": [{"type": "custom", "action": "action_price"}]},
        "other": slot(),
    },
}
VALIDATED = {**CUSTOM, "actions": ["action_validate_slot_mappings"]}


@pytest.fixture
def server(action_server_url):
    outbound = Outbound()
    yield ActionServer(read_endpoint({"url": action_server_url}, "action_endpoint"), outbound)
    outbound.close()


def test_a_custom_action_fills_slots_once_and_does_nothing_else(server, caplog):
    caplog.set_level("INFO")
    talk = Talk(CUSTOM, server=server)
    talk.hears("inform", size="big")
    assert talk.extracts() == [("size", "big"), ("price", 12.5)]
    assert "The action 'action_price' fills slots, so its event 'followup' is left out." in caplog.text


def test_a_custom_action_that_fails_fills_nothing(server, caplog):
    talk = Talk(CUSTOM, server=server)
    talk.hears("inform", "no price", size="big")
    assert talk.extracts() == [("size", "big")]
    assert "The action 'action_price' filled no slots: The action 'action_price' failed at" in caplog.text


def test_custom_mappings_without_a_server_are_logged(caplog):
    talk = Talk(CUSTOM)
    talk.hears("inform", size="big")
    assert talk.extracts() == [("size", "big")]
    assert "no action server is configured" in caplog.text


@pytest.mark.parametrize(("said", "kept"), [("big", "BIG"), ("nothing", None)])
def test_a_validator_has_the_last_word(server, said, kept):
    talk = Talk(VALIDATED, server=server)
    talk.hears("inform", size=said)
    # The price is not the validator's business: it stays.
    assert sorted(talk.extracts()) == [("price", 12.5), ("size", kept)]


def test_a_validator_that_fails_leaves_the_slots_as_found(caplog):
    talk = Talk(VALIDATED)
    talk.hears("inform", size="big")
    assert short(talk.runs("action_extract_slots")) == [("size", "big")]
    assert "'action_validate_slot_mappings' filled no slots" in caplog.text
