"""The domain: Rasa's order of names, its JSON, what intents use, merging, and faults with file and line."""

from __future__ import annotations

import json

import pytest

from botapi import yamlfile
from botapi.errors import DataError
from botapi.names import DEFAULT_ACTIONS, DEFAULT_INTENTS
from botapi.state.domain import Domain

TRAVEL = """
version: "3.1"
session_config:
  session_expiration_time: 45
  carry_over_slots_to_new_session: false
intents:
- travel
- greet
- gossip:
    use_entities: []
- whisper:
    ignore_entities: [city]
- only:
    use_entities: [city]
- affirm:
    use_entities: true
entities:
- item
- city:
    roles: [from, to]
    groups: [first]
- hidden:
    influence_conversation: false
slots:
  city:
    type: text
    mappings:
    - type: from_entity
      entity: city
forms:
  travel_form:
    required_slots: [city]
    ignored_intents: greet
  bare_form:
actions:
- action_search
- utter_listed
- action_ask:
    send_domain: true
- validate_travel_form
- travel_form
responses:
  utter_b: [{text: b}]
  utter_a: [{text: a}]
  utter_listed: [{text: l}]
  utter_faq/x: [{text: x}]
e2e_actions: [Hello there]
"""


@pytest.fixture
def travel():
    return Domain.from_dict(yamlfile.load_with_lines(TRAVEL, "domain.yml"))


def test_actions_come_in_the_order_of_prediction(travel):
    assert travel.action_names == [
        *DEFAULT_ACTIONS,
        "action_search",
        "utter_listed",
        "action_ask",
        "validate_travel_form",
        "travel_form",
        "utter_a",
        "utter_b",
        "utter_faq/x",
        "bare_form",
        "Hello there",
    ]
    assert travel.action_index["action_listen"] == 0
    assert travel.user_actions[-1] == "utter_faq/x"


def test_an_own_default_action_is_listed_once():
    domain = Domain.from_dict({"actions": ["action_session_start", "action_x"]})
    assert domain.action_names == [*DEFAULT_ACTIONS, "action_x"]
    assert domain.custom_actions == ["action_session_start", "action_x"]


def test_actions_that_need_the_domain(travel):
    needing = [name for name in travel.action_names if travel.needs_domain(name)]
    assert needing == ["action_ask", "validate_travel_form"]


def test_what_intents_use(travel):
    everything = ["city", "city#first", "city#from", "city#to", "item"]
    assert travel.entities_for_intent("travel") == everything
    assert travel.entities_for_intent("affirm") == everything
    assert travel.entities_for_intent("nlu_fallback") == everything
    assert travel.entities_for_intent("gossip") == []
    assert travel.entities_for_intent("only") == ["city", "city#first", "city#from", "city#to"]
    assert travel.entities_for_intent("whisper") == ["item"]
    assert travel.entities_for_intent("unknown") == travel.entities_for_intent(None) == []
    assert travel.entity_labels == ["city", "hidden", "item", "city#from", "city#to", "city#first"]


def test_names_are_sorted_and_default_intents_added(travel):
    assert travel.entities == ["city", "hidden", "item"]
    assert travel.intents == sorted(["travel", "greet", "gossip", "whisper", "only", "affirm", *DEFAULT_INTENTS])
    assert travel.overridden_default_intents == []
    assert Domain.from_dict({"intents": ["restart"]}).overridden_default_intents == ["restart"]


def test_forms_and_session(travel):
    assert travel.form_names == ["travel_form", "bare_form"]
    assert travel.required_slots("travel_form") == ["city"]
    assert travel.ignored_intents("travel_form") == ["greet"]
    assert (
        travel.required_slots("bare_form") == travel.required_slots("none") == travel.ignored_intents("bare_form") == []
    )
    assert travel.session_expiration_minutes == 45
    assert travel.carry_over_slots is False
    assert travel.slot_mappings("city") == [{"type": "from_entity", "entity": "city"}]
    assert travel.slot_mappings("none") == []


def test_default_slots(travel):
    assert [slot.name for slot in travel.slots] == ["city", "requested_slot", "session_started_metadata"]
    assert [slot.name for slot in travel.user_slots] == ["city"]
    assert [slot.name for slot in Domain.empty().slots] == ["session_started_metadata"]
    assert travel.slot_types["requested_slot"].features("city") is None
    knowing = Domain.from_dict({"actions": ["action_query_knowledge_base"]})
    assert [slot.name for slot in knowing.slots] == [
        "knowledge_base_listed_objects",
        "knowledge_base_last_object",
        "knowledge_base_last_object_type",
        "session_started_metadata",
    ]


def test_the_json_of_a_domain():
    domain = Domain.from_dict(
        {
            "intents": ["b", {"a": {"use_entities": False}}, {"c": {"ignore_entities": None, "use_entities": True}}],
            "entities": [],
            "slots": {},
            "actions": None,
            "forms": {"f": {}},
            "responses": {"utter_x": [{"text": "x"}]},
        }
    )
    assert domain.as_dict() == {
        "intents": [{"a": {"use_entities": []}}, "b", {"c": {"ignore_entities": [], "use_entities": True}}],
        "forms": {"f": {"required_slots": {}}},
        "responses": {"utter_x": [{"text": "x"}]},
        "session_config": {"session_expiration_time": 60, "carry_over_slots_to_new_session": True},
        "version": "3.1",
    }


def test_an_empty_domain():
    assert Domain.empty().is_empty
    assert Domain.empty().action_names == list(DEFAULT_ACTIONS)
    assert Domain.empty().as_dict() == {
        "session_config": {"session_expiration_time": 60, "carry_over_slots_to_new_session": True},
        "version": "3.1",
    }


def test_a_domain_survives_json_and_yaml(travel):
    for again in (json.loads(json.dumps(travel.as_dict())), yamlfile.load(travel.as_yaml())):
        copy = Domain.from_dict(again)
        assert copy.as_dict() == travel.as_dict()
        assert copy.action_names == travel.action_names
        assert copy.intent_properties == travel.intent_properties
        assert copy.fingerprint() == travel.fingerprint()


def test_making_a_domain_leaves_the_dict_alone():
    data = yamlfile.load(TRAVEL)
    Domain.from_dict(data)
    assert data == yamlfile.load(TRAVEL)


@pytest.mark.parametrize(
    "change",
    [
        {"intents": ["greet"]},
        {"actions": ["action_x"]},
        {"actions": [{"utter_a": {"send_domain": True}}]},
        {"responses": {"utter_a": [{"text": "other"}]}},
        {"session_config": {"session_expiration_time": 1}},
    ],
)
def test_the_fingerprint_changes_with_the_content(change):
    base = {"responses": {"utter_a": [{"text": "a"}]}, "actions": ["utter_a"]}
    assert Domain.from_dict(base).fingerprint() != Domain.from_dict({**base, **change}).fingerprint()


def test_merging_keeps_the_first_of_a_name_and_puts_new_ones_in_front():
    first = Domain.from_dict(
        {
            "intents": ["a", {"b": {"use_entities": []}}],
            "actions": ["action_1"],
            "responses": {"utter_x": [{"text": "first"}]},
            "forms": {"f": {"required_slots": []}},
        }
    )
    second = Domain.from_dict(
        {
            "intents": ["b", "c"],
            "actions": ["action_2", "action_1", "f"],
            "responses": {"utter_x": [{"text": "second"}], "utter_y": [{"text": "y"}]},
            "e2e_actions": ["z", "b"],
            "session_config": {"session_expiration_time": 5, "carry_over_slots_to_new_session": True},
        }
    )
    merged = first.merge(second)
    assert merged.as_dict()["intents"] == ["a", {"b": {"use_entities": []}}, "c"]
    assert merged.as_dict()["actions"] == ["action_2", "action_1"]
    assert merged.responses["utter_x"] == [{"text": "first"}]
    assert merged.action_texts == ["b", "z"]
    assert merged.session_expiration_minutes == 5
    overridden = first.merge(second, override=True)
    assert overridden.responses["utter_x"] == [{"text": "second"}]
    assert overridden.as_dict()["actions"] == ["action_1", "action_2"]


def test_merging_with_an_empty_domain_changes_nothing(travel):
    assert travel.merge(Domain.empty()) is travel
    assert Domain.empty().merge(travel) is travel


def test_retrieval_intents_of_training_data_become_actions():
    domain = Domain.from_dict(
        {
            "intents": ["faq", "greet"],
            "entities": ["city"],
            "actions": ["action_x"],
            "responses": {"utter_faq/a": [{"text": "A"}]},
        }
    )
    found = domain.with_retrieval_intents(["faq"], {"utter_faq/b": [{"text": "B"}]})
    assert found.retrieval_intents == ["faq"]
    assert found.is_retrieval_intent("faq") and not found.is_retrieval_intent("greet")
    assert found.as_dict()["actions"] == ["action_x", "utter_faq"]
    assert found.as_dict()["intents"] == [{"faq": {"used_entities": ["city"], "is_retrieval_intent": True}}, "greet"]
    assert list(found.retrieval_responses) == ["utter_faq/a", "utter_faq/b"]
    assert Domain.from_dict(found.as_dict()).intent_properties == found.intent_properties
    assert domain.with_retrieval_intents([], {}) is domain


def test_texts_of_end_to_end_stories_become_actions():
    domain = Domain.from_dict({"actions": ["action_x"]})
    assert domain.with_action_texts(["Hi!"]).action_names == [*DEFAULT_ACTIONS, "action_x", "Hi!"]
    assert domain.with_action_texts([]) is domain


FAULTS = [
    pytest.param("intents:\n- a\n- b\n- a", "'a' is listed twice", 4, id="intent twice"),
    pytest.param("intents:\n- a\n- 5", "5 is not text", 3, id="intent is a number"),
    pytest.param("intents:\n- a:\n- b", "'a' is followed by a colon", 2, id="intent with a bare colon"),
    pytest.param("intents:\n- a:\n  use_entities: []", "other keys beside it", 2, id="intent not indented"),
    pytest.param("intents:\n- a:\n    use_entities: 3", "use_entities: 3", 3, id="use_entities is a number"),
    pytest.param("intents:\n- a:\n    ignore_entities: true", "list them", 3, id="ignore_entities is true"),
    pytest.param("intents: greet", "expected a list", 1, id="intents are text"),
    pytest.param("entities:\n- a\n- a:\n    roles: [x]", "'a' is listed twice", 3, id="entity twice"),
    pytest.param("entities:\n- a:\n  roles: [x]", "'a' is followed by a colon", 2, id="roles not indented"),
    pytest.param("entities:\n- a:\n    groups: [1]", "quote numbers", 3, id="group is a number"),
    pytest.param("actions:\n- a\n- a", "'a' is listed twice", 3, id="action twice"),
    pytest.param("actions:\n- a: {send_domain: maybe}", "send_domain", 2, id="send_domain is text"),
    pytest.param("actions:\n- 1", "not text", 2, id="action is a number"),
    pytest.param("actions:\n- {}", "empty", 2, id="action is empty"),
    pytest.param("responses:\n  utter_a: hello", "expected a list", 2, id="response is text"),
    pytest.param("responses:\n  utter_a:\n  - hello", "expected `text", 3, id="variation is text"),
    pytest.param("responses:\n  utter_a:\n  - image: x", "neither 'text' nor 'custom'", 3, id="variation without text"),
    pytest.param("responses:\n  utter_a:\n  - text: 5", "the number 5", 3, id="text is a number"),
    pytest.param("responses:\n  utter_a:\n  - text: x\n    buttons: [y]", "expected mappings", 4, id="button is text"),
    pytest.param(
        "responses:\n  utter_a:\n  - text: x\n    condition: [{type: slot}]", "names no slot", 4, id="condition"
    ),
    pytest.param("responses:\n  1: [{text: x}]", "not text", 2, id="response name is a number"),
    pytest.param("slots:\n  s:", "is empty", 2, id="slot is empty"),
    pytest.param("slots:\n  s:\n    type: text", "no list of 'mappings'", 2, id="slot without mappings"),
    pytest.param("slots:\n  s:\n    type: text\n    mappings:\n    - type: magic", "'magic'", 5, id="mapping type"),
    pytest.param("slots:\n  s:\n    type: text\n    mappings:\n    - x", "the text 'x'", 5, id="mapping is text"),
    pytest.param(
        "slots:\n  s:\n    type: text\n    mappings:\n    - type: from_entity", "lacks 'entity'", 5, id="no entity"
    ),
    pytest.param("slots:\n  s:\n    mappings: []", "no type", 3, id="slot without type"),
    pytest.param(
        "slots:\n  s: {type: text, mappings: [{type: from_text, conditions: x}]}", "conditions", 2, id="conditions"
    ),
    pytest.param(
        "slots:\n  s: {type: text, mappings: [{type: from_text, intent: 5}]}", "intent", 2, id="mapping intent"
    ),
    pytest.param("forms:\n  f: [a]", "expected a mapping", 2, id="form is a list"),
    pytest.param("forms:\n  f:\n    slots: [a]", "unknown key 'slots'", 3, id="form with unknown key"),
    pytest.param("forms:\n  f:\n    ignored_intents: a", "also needs required_slots", 2, id="ignored without required"),
    pytest.param(
        "forms:\n  f:\n    required_slots:\n      a: 1", "list of slot names", 3, id="required slots as mapping"
    ),
    pytest.param("session_config:\n  session_expiration_time: -1", "0 or more", 2, id="negative expiry"),
    pytest.param("session_config:\n  carry_over_slots_to_new_session: maybe", "true or false", 2, id="carry over"),
    pytest.param("e2e_actions:\n- 5", "not text", 2, id="end-to-end text is a number"),
    pytest.param("version: '3.1'\nintent:\n- a", "unknown key 'intent'", 2, id="unknown key"),
]


@pytest.mark.parametrize(("text", "message", "line"), FAULTS)
def test_a_fault_names_file_and_line(text, message, line):
    with pytest.raises(DataError) as caught:
        Domain.from_dict(yamlfile.load_with_lines(text, "domain.yml"))
    assert message in str(caught.value)
    assert (caught.value.file, caught.value.line) == ("domain.yml", line)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "a list"),
        (None, "empty"),
        ("text", "the text"),
        ({"actions": ["utter_x"], "e2e_actions": ["utter_x"]}, "defined twice"),
        ({"slots": {"session_started_metadata": {"type": "any", "mappings": []}}}, "always exists"),
        ({"responses": {"utter_f": [{"text": "x"}]}, "forms": {"utter_f": None}}, "defined twice"),
    ],
)
def test_faults_without_a_file(data, message):
    with pytest.raises(DataError, match=message):
        Domain.from_dict(data)
