"""Actions by name, and what the default ones do."""

from __future__ import annotations

import pytest

from botapi.actions.builtin import DEFAULTS, SayText, Utter, UtterRetrieved
from botapi.actions.extract import ExtractSlots
from botapi.actions.forms import Form, TwoStageFallback
from botapi.actions.remote import RemoteAction
from botapi.errors import NotFound
from botapi.names import ACTION_EXTRACT_SLOTS, DEFAULT_ACTIONS, RULE_SNIPPET
from botapi.state.events import ActionExecuted, SessionStarted, SlotSet
from tests.actions.talk import Talk, short

RESPONSES = ("utter_restart", "utter_default", "utter_back", "utter_ask_rephrase")
DOMAIN = {
    "intents": ["greet", {"faq": {"is_retrieval_intent": True}}, "smalltalk"],
    "slots": {"size": {"type": "any", "mappings": [{"type": "custom"}]}},
    "forms": {"order_form": {"required_slots": ["size"]}, "own_form": {"required_slots": ["size"]}},
    "actions": ["action_custom", "own_form", "action_listen", "utter_faq", "utter_later"],
    "responses": {
        "utter_greet": [{"text": "Hi"}],
        "utter_faq/ask_price": [{"text": "Ten"}],
        **{name: [{"text": name}] for name in RESPONSES},
    },
    "e2e_actions": ["utter or not, I say this"],
}
SILENT = {**DOMAIN, "responses": {"utter_greet": [{"text": "Hi"}]}}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("utter_greet", Utter),
        ("utter_later", Utter),
        ("utter_faq", UtterRetrieved),
        ("utter_faq/ask_price", Utter),
        ("order_form", Form),
        ("own_form", RemoteAction),
        ("action_custom", RemoteAction),
        ("action_listen", RemoteAction),
        ("utter or not, I say this", SayText),
        (ACTION_EXTRACT_SLOTS, ExtractSlots),
        ("action_two_stage_fallback", TwoStageFallback),
        (RULE_SNIPPET, RemoteAction),
    ],
)
def test_what_stands_behind_a_name(name, kind):
    actions = Talk(DOMAIN).actions
    found = actions.find(name)
    assert type(found) is kind and found.name == name
    assert actions.find(name) is found


def test_every_default_action_is_found_without_a_domain():
    actions = Talk({}).actions
    assert {actions.find(name).name for name in DEFAULT_ACTIONS} == set(DEFAULT_ACTIONS)
    assert set(DEFAULTS) == set(DEFAULT_ACTIONS) - {RULE_SNIPPET, ACTION_EXTRACT_SLOTS}


@pytest.mark.parametrize("name", ["action_nobody_knows", "utter_nothing", "", "validate_order_form"])
def test_unknown_names_are_not_found(name):
    with pytest.raises(NotFound, match=f"no action '{name}'"):
        Talk(DOMAIN).actions.find(name)


@pytest.mark.parametrize(
    ("name", "said", "then"),
    [
        ("action_restart", ["utter_restart"], ["restart"]),
        ("action_default_fallback", ["utter_default"], ["rewind"]),
        ("action_back", ["utter_back"], ["rewind", "rewind"]),
        ("action_default_ask_rephrase", ["utter_ask_rephrase"], []),
        ("action_deactivate_loop", [], [("loop", None), ("requested_slot", None)]),
        ("action_revert_fallback_events", [], []),
        ("action_unlikely_intent", [], []),
    ],
)
def test_default_actions_say_their_response_if_there_is_one(name, said, then, caplog):
    talk = Talk(DOMAIN)
    talk.hears("greet")
    assert short(talk.runs(name)) == said + then
    quiet = Talk(SILENT)
    quiet.hears("greet")
    assert short(quiet.runs(name)) == then
    assert not caplog.records


def test_listening_does_nothing():
    assert Talk({}).runs("action_listen") == []


def test_a_response_is_said_with_its_name():
    (message,) = Talk(DOMAIN).runs("utter_greet")
    assert (message.text, message.metadata) == ("Hi", {"utter_action": "utter_greet"})


def test_a_response_without_a_variation_is_logged(caplog):
    assert Talk(DOMAIN).runs("utter_later") == []
    assert "'utter_later' that fits the channel 'collector'" in caplog.text


def test_an_end_to_end_text_is_said_word_for_word():
    (message,) = Talk(DOMAIN).runs("utter or not, I say this")
    assert (message.text, message.metadata) == ("utter or not, I say this", {})


@pytest.mark.parametrize("key", ["faq", "default"])
def test_the_selected_response_is_said(key):
    talk = Talk(DOMAIN)
    selected = {"all_retrieval_intents": [], key: {"response": {"utter_action": "utter_faq/ask_price"}}}
    talk.reads({"intent": {"name": "faq"}, "response_selector": selected})
    (message,) = talk.runs("utter_faq")
    assert (message.text, message.metadata) == ("Ten", {"utter_action": "utter_faq/ask_price"})


@pytest.mark.parametrize(
    "selected",
    [
        None,
        {},
        "text",
        {"smalltalk": {"response": {"utter_action": "utter_faq/ask_price"}}},
        {"faq": {"response": {"utter_action": None}}},
        {"faq": {"response": {"utter_action": "utter_faq/ask_other"}}},
    ],
)
def test_without_a_selected_response_nothing_is_said(selected, caplog):
    talk = Talk(DOMAIN)
    talk.reads({"intent": {"name": "faq"}, "response_selector": selected})
    assert talk.runs("utter_faq") == []
    assert "Nothing to say" in caplog.text


def test_before_any_message_no_response_is_selected(caplog):
    assert Talk(DOMAIN).runs("utter_faq") == []
    assert "Nothing to say" in caplog.text


@pytest.mark.parametrize("carries_over", [True, False])
def test_a_session_starts_with_the_slots_of_the_last_one(carries_over):
    talk = Talk({**DOMAIN, "session_config": {"carry_over_slots_to_new_session": carries_over}})
    talk.knows({"event": "slot", "name": "size", "value": "old"}, {"event": "session_started"})
    talk.knows({"event": "slot", "name": "size", "value": "small", "metadata": {"from": "form"}})
    talk.knows({"event": "slot", "name": "size", "value": "large"})
    first, *slots, last = talk.runs("action_session_start")
    assert isinstance(first, SessionStarted)
    assert isinstance(last, ActionExecuted) and last.name == "action_listen" and last.policy is None
    assert [(event.value, event.metadata) for event in slots if isinstance(event, SlotSet)] == (
        [("small", {"from": "form"}), ("large", {})] if carries_over else []
    )


@pytest.mark.parametrize(
    ("ranking", "asked"),
    [
        ([("nlu_fallback", 0.7), ("greet", 0.4)], "greet"),
        ([("greet", 0.7), ("bye", 0.4)], "greet"),
        ([("nlu_fallback", 0.7)], "nlu_fallback"),
        ([], "None"),
    ],
)
def test_the_most_likely_intent_is_to_be_affirmed(ranking, asked):
    talk = Talk(DOMAIN)
    names = [{"name": name, "confidence": confidence} for name, confidence in ranking]
    talk.reads({"intent": names[0] if names else {}, "intent_ranking": names})
    (message,) = talk.runs("action_default_ask_affirmation")
    assert message.text == f"Did you mean '{asked}'?"
    assert message.data["buttons"] == [
        {"title": "Yes", "payload": f"/{asked}"},
        {"title": "No", "payload": "/out_of_scope"},
    ]
    assert message.metadata == {"utter_action": "action_default_ask_affirmation"}
