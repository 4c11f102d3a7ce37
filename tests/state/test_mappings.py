"""Slot mappings: which apply in a situation, and what they take from a message."""

from __future__ import annotations

import pytest

from botapi.state.events import from_dict
from botapi.state.mappings import Situation, applies, problem, read_mapping, values
from botapi.state.slots import TextSlot
from botapi.state.tracker import Tracker

FORM, OTHER = {"active_loop": "form"}, {"active_loop": "other_form"}
NO_LOOP = {"active_loop": None}


def mapping(kind="from_entity", slot="city", **keys):
    needed = {"from_entity": {"entity": "city"}, "from_intent": {"value": "v"}, "from_trigger_intent": {"value": "v"}}
    return read_mapping(slot, {"type": kind, **needed.get(kind, {}), **keys})


def situation(intent="inform", entities=(), loop=None, requested=None, rejected=False, ignored=(), text="hi"):
    tracker = Tracker("anna", [TextSlot("requested_slot")])
    parse_data = {"intent": {"name": intent}, "entities": list(entities)}
    events = [{"event": "user", "text": text, "parse_data": parse_data}]
    if loop:
        events.append({"event": "active_loop", "name": loop})
    if requested:
        events.append({"event": "slot", "name": "requested_slot", "value": requested})
    if rejected:
        events.append({"event": "action_execution_rejected", "name": loop})
    for event in events:
        tracker.apply(from_dict(event))
    return Situation(tracker, ignored)


def entity(value, name="city", **more):
    return {"entity": name, "value": value, **more}


@pytest.mark.parametrize(
    ("keys", "intent", "expected"),
    [
        ({}, "inform", True),
        ({}, None, True),
        ({"intent": "inform"}, "inform", True),
        ({"intent": "inform"}, "greet", False),
        ({"intent": ["inform", "greet"]}, "greet", True),
        ({"intent": "inform"}, None, False),
        ({"not_intent": "inform"}, "inform", False),
        ({"not_intent": ["inform", "greet"]}, "bye", True),
        ({"intent": "inform", "not_intent": "inform"}, "inform", True),
        ({"intent": None, "not_intent": []}, "inform", True),
    ],
)
def test_intents_allow_and_forbid(keys, intent, expected):
    assert applies(mapping(**keys), situation(intent)) is expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param({}, False, id="unconditional mappings are the form's business too"),
        pytest.param({"conditions": [FORM]}, False, id="its own"),
        pytest.param({"conditions": [OTHER, FORM]}, False, id="one of its own"),
        pytest.param({"intent": "greet"}, True, id="wanted on purpose"),
    ],
)
def test_a_forms_ignored_intents_fill_none_of_its_slots(keys, expected):
    now = situation("greet", loop="form", ignored=["greet"])
    assert applies(mapping(**keys), now) is expected


def test_ignored_intents_do_not_matter_to_mappings_of_other_loops():
    conditions = [{"active_loop": "form", "requested_slot": "x"}]
    assert applies(mapping(conditions=conditions), situation("greet", loop="form", requested="x", ignored=["bye"]))
    now = situation("greet", loop="form", ignored=["greet"])
    # The intent passes, the condition does not.
    assert not applies(mapping(conditions=[OTHER]), now)
    assert applies(mapping("from_trigger_intent", conditions=[OTHER]), now)


@pytest.mark.parametrize(
    ("conditions", "loop", "requested", "expected"),
    [
        ([], None, None, True),
        ([FORM], None, None, False),
        ([FORM], "form", None, True),
        ([FORM], "other_form", None, False),
        ([OTHER, FORM], "form", None, True),
        ([{**FORM, "requested_slot": "city"}], "form", "city", True),
        ([{**FORM, "requested_slot": "city"}], "form", "name", False),
        ([{**FORM, "requested_slot": "city"}], "form", None, False),
        ([{**FORM, "requested_slot": "name"}, FORM], "form", None, True),
        ([NO_LOOP], None, None, True),
        ([NO_LOOP], "form", None, False),
        ([{}], None, None, True),
        ([{"requested_slot": "city"}], None, "name", True),
    ],
)
def test_conditions_on_the_active_loop(conditions, loop, requested, expected):
    assert applies(mapping(conditions=conditions), situation(loop=loop, requested=requested)) is expected


def test_a_rejected_form_does_not_fill_what_it_asked_for():
    now = situation(loop="form", requested="city", rejected=True)
    assert not applies(mapping(conditions=[FORM]), now)
    assert applies(mapping(slot="name", conditions=[FORM]), now)
    assert applies(mapping(), now)


def test_conditions_of_trigger_intents_are_looked_at_with_the_value():
    trigger = mapping("from_trigger_intent", conditions=[FORM])
    assert applies(trigger, situation(loop="other_form"))
    assert values(trigger, situation(loop="other_form")) == []
    assert values(trigger, situation(loop="form")) == ["v"]
    assert values(trigger, situation()) == []
    assert values(mapping("from_trigger_intent"), situation(loop="any_loop")) == ["v"]


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({}, ["Rome", "Bonn"]),
        ({"role": "from"}, ["Paris"]),
        ({"group": "1"}, ["Oslo"]),
        ({"role": "from", "group": "1"}, ["Nice"]),
        ({"role": "to"}, []),
        ({"entity": "size"}, [3]),
        ({"entity": "colour"}, []),
    ],
)
def test_entities_match_with_role_and_group_exactly(keys, found):
    entities = [
        entity("Rome"),
        entity("Paris", role="from"),
        entity("Oslo", group="1"),
        entity("Nice", role="from", group="1"),
        entity("Bonn", role=None, group=None),
        entity(3, "size"),
    ]
    assert values(mapping(**keys), situation(entities=entities)) == found


@pytest.mark.parametrize(("kind", "found"), [("from_text", ["some words"]), ("from_intent", ["v"]), ("custom", [])])
def test_other_mappings_take_text_value_or_nothing(kind, found):
    assert values(mapping(kind), situation(text="some words")) == found


@pytest.mark.parametrize("value", [False, 0, [1]])
def test_values_of_intents_are_kept_as_they_are(value):
    assert values(mapping("from_intent", value=value), situation()) == [value]


@pytest.mark.parametrize(
    ("found", "part"),
    [
        (mapping(entity="ghost"), "'ghost', which the domain does not list"),
        (mapping("from_intent", intent=["greet", "ghost"]), "'ghost', which the domain does not list"),
        (mapping(intent="ghost"), None),
        (mapping("from_intent"), None),
        (mapping("from_intent", intent="greet"), None),
        (mapping(), None),
    ],
)
def test_mappings_that_can_never_fill_say_why(found, part):
    trouble = problem(found, ["greet"], ["city"])
    assert trouble is None if part is None else part in trouble


def test_mappings_that_read_alike_share_a_key():
    assert (
        mapping(slot="a", role="x").key == read_mapping("b", {"role": "x", "entity": "city", "type": "from_entity"}).key
    )
    assert mapping(role="x").key != mapping().key


def test_before_any_message_nothing_matches():
    now = Situation(Tracker("anna", [TextSlot("requested_slot")]))
    assert (now.intent, now.entities, now.loop, now.is_rejected) == (None, {}, None, False)
    assert values(mapping(), now) == []
    assert values(mapping("from_text"), now) == [None]
