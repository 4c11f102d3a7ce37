"""Which variation of a response is chosen, and what is filled into it."""

from __future__ import annotations

import random

import pytest

from botapi.actions.responses import Responses
from tests.actions.talk import Talk


def when(**slots):
    return [{"type": "slot", "name": name, "value": value} for name, value in slots.items()]


TIER = [
    {"text": "vip by slack", "condition": when(vip=True), "channel": "slack"},
    {"text": "vip", "condition": when(vip=True)},
    {"text": "slack", "channel": "slack"},
    {"text": "any"},
]
DOMAIN = {
    "slots": {
        name: {"type": "any", "mappings": [{"type": "custom"}]} for name in ("vip", "tier", "name", "text", "number")
    },
    "responses": {
        "utter_tier": TIER,
        "utter_strict": [{"text": "gold", "condition": when(tier="Gold")}],
        "utter_two": [{"text": "silver vip", "condition": when(tier="silver", vip=True)}, {"text": "no"}],
        "utter_slack_only": [{"text": "slack", "channel": "slack"}],
        "utter_number": [{"text": "seven", "condition": when(number=7)}, {"text": "other"}],
        "utter_unset": [{"text": "unset", "condition": when(tier=None)}],
        "utter_empty_condition": [{"text": "never", "condition": []}],
        "utter_many": [{"text": f"{number}"} for number in range(5)],
        "utter_full": [
            {
                "text": "{name}",
                "image": "{name}.png",
                "attachment": {"payload": {"title": "{name}"}},
                "buttons": [{"title": "{name}", "payload": '/x{{"a": "{name}"}}'}],
                "quick_replies": [{"title": "{name}"}],
                "elements": [{"title": "{name}"}],
                "custom": {"a": ["{name}", 1]},
                "metadata": {"note": "{name}"},
                "id": "one",
            }
        ],
    },
}


def generated(name, channel="collector", **slots):
    talk = Talk(DOMAIN, channel)
    talk.knows(*({"event": "slot", "name": slot, "value": value} for slot, value in slots.items()))
    found = talk.turn().say(name)
    return found and found["text"]


@pytest.mark.parametrize(
    ("name", "channel", "slots", "text"),
    [
        ("utter_tier", "collector", {}, "any"),
        ("utter_tier", "collector", {"vip": True}, "vip"),
        ("utter_tier", "slack", {"vip": True}, "vip by slack"),
        ("utter_tier", "slack", {}, "slack"),
        ("utter_strict", "collector", {}, None),
        ("utter_strict", "collector", {"tier": "gOLD"}, "gold"),
        ("utter_strict", "collector", {"tier": ["Gold"]}, None),
        ("utter_two", "collector", {"tier": "silver"}, "no"),
        ("utter_two", "collector", {"tier": "silver", "vip": True}, "silver vip"),
        ("utter_slack_only", "collector", {}, None),
        ("utter_slack_only", "slack", {}, "slack"),
        ("utter_number", "collector", {"number": 7.0}, "seven"),
        ("utter_number", "collector", {"number": "7"}, "other"),
        ("utter_unset", "collector", {}, "unset"),
        ("utter_unset", "collector", {"tier": "gold"}, None),
        ("utter_empty_condition", "collector", {}, None),
        ("utter_missing", "collector", {}, None),
    ],
)
def test_the_variation_that_fits_best(name, channel, slots, text):
    assert generated(name, channel, **slots) == text


def test_channel_goes_before_condition():
    variations = [{"text": "conditional", "condition": when(vip=True)}, {"text": "channel", "channel": "slack"}]
    (chosen,) = Responses({"utter_x": variations}).fitting("utter_x", {"vip": True}, "slack")
    assert chosen.channel == "slack"


def test_chance_decides_between_equals():
    talk = Talk(DOMAIN)
    said = Responses(DOMAIN["responses"], random.Random(3))
    again = Responses(DOMAIN["responses"], random.Random(3))
    texts = [said("utter_many", talk.turn(), {})["text"] for _ in range(60)]
    assert set(texts) == set("01234")
    assert texts == [again("utter_many", talk.turn(), {})["text"] for _ in range(60)]


def test_everything_but_elements_and_metadata_is_filled():
    talk = Talk(DOMAIN)
    talk.knows({"event": "slot", "name": "name", "value": "Ann"})
    assert talk.turn().say("utter_full") == {
        "text": "Ann",
        "image": "Ann.png",
        "attachment": {"payload": {"title": "Ann"}},
        "buttons": [{"title": "Ann", "payload": '/x{"a": "Ann"}'}],
        "quick_replies": [{"title": "Ann"}],
        "elements": [{"title": "{name}"}],
        "custom": {"a": ["Ann", 1]},
        "metadata": {"note": "{name}"},
        "id": "one",
    }


def test_arguments_win_over_slots():
    talk = Talk(DOMAIN)
    talk.knows({"event": "slot", "name": "name", "value": "Ann"})
    assert talk.turn().say("utter_full", {"name": "Bob"})["text"] == "Bob"


@pytest.mark.parametrize(
    ("variations", "found"),
    [
        ([{"text": "a", "id": "1"}], "1"),
        ([{"text": "a"}], None),
        ([{"text": "a"}, {"text": "b", "id": "2"}], None),
        ([{"text": "a", "id": "1"}, {"text": "b", "id": "2"}], "1"),
        ([{"text": "a", "id": "1", "channel": "slack"}, {"text": "b", "id": "2"}], "2"),
        ([{"text": "a", "id": "1", "condition": when(vip=True)}, {"text": "b", "id": "2"}], "2"),
        ([], None),
    ],
)
def test_the_id_of_the_first_variation_that_fits(variations, found):
    assert Responses({"utter_x": variations}).variation_id("utter_x", {}, "collector") == found


def test_ids_that_repeat_are_no_ids(caplog):
    same = [{"text": "a", "id": "1"}, {"text": "b", "id": "1"}]
    assert Responses({"utter_x": same}).variation_id("utter_x", {}, "collector") is None
    assert "share an id" in caplog.text
