"""Forms and the two-stage fallback, turn by turn: what the user says in, the events of the loop out."""

from __future__ import annotations

import pytest

from botapi.actions.remote import ActionServer
from botapi.outbound import Outbound, read_endpoint
from tests.actions.talk import Talk, short


def from_entity(name, **more):
    return {"type": "from_entity", "entity": name, **more}


def asked_for(slot, form="order_form"):
    return [{"active_loop": form, "requested_slot": slot}]


def slot(*mappings, type="any"):
    return {"type": type, "mappings": list(mappings)}


DOMAIN = {
    "intents": ["order", "inform", "yes", "stop", "chat"],
    "entities": ["size", "qty"],
    "slots": {
        "size": slot(from_entity("size")),
        "qty": slot(from_entity("qty")),
        "gift": slot({"type": "from_intent", "intent": "yes", "value": True, "conditions": asked_for("gift")}),
        "note": slot({"type": "from_text", "not_intent": "stop", "conditions": asked_for("note")}),
        "source": slot({"type": "from_trigger_intent", "intent": "order", "value": "chat"}),
    },
    "forms": {
        "order_form": {"required_slots": ["size", "qty"], "ignored_intents": ["chat"]},
        "gift_form": {"required_slots": ["gift"]},
        "empty_form": {"required_slots": []},
    },
    "responses": {
        "utter_ask_size": [{"text": "Not in the order form"}],
        "utter_ask_order_form_size": [{"text": "Which size?"}],
        "utter_ask_qty": [{"text": "How many {size} ones?"}],
        "utter_default": [{"text": "Sorry"}],
        "utter_ask_rephrase": [{"text": "Once more?"}],
    },
}


def test_a_form_from_start_to_end():
    talk = Talk(DOMAIN)
    assert talk.turns("order_form", "order") == [
        ("loop", "order_form"),
        ("source", "chat"),
        ("requested_slot", "size"),
        "Which size?",
    ]
    assert talk.turns("order_form", "inform", size="small") == [("requested_slot", "qty"), "How many small ones?"]
    assert talk.turns("order_form", "inform", qty=2) == [("requested_slot", None), ("loop", None)]
    assert talk.tracker.active_loop is None


def test_slots_that_are_known_are_not_asked_for():
    talk = Talk(DOMAIN)
    talk.turns("action_unlikely_intent", "inform", size="large")
    assert talk.turns("order_form", "order")[1:] == [
        ("source", "chat"),
        ("requested_slot", "qty"),
        "How many large ones?",
    ]


def test_the_message_that_starts_a_form_fills_it_at_once():
    talk = Talk(DOMAIN)
    done = talk.turns("order_form", "order", size="small", qty=1)
    assert done[0] == ("loop", "order_form")
    assert done[-2:] == [("requested_slot", None), ("loop", None)]


def test_a_form_without_slots_ends_at_once():
    done = Talk(DOMAIN).turns("empty_form", "order")
    assert done == [("loop", "empty_form"), ("source", "chat"), ("requested_slot", None), ("loop", None)]


def test_no_answer_rejects_the_form_and_an_interruption_asks_again():
    talk = Talk(DOMAIN)
    talk.turns("order_form", "order")
    talk.hears("stop")
    talk.extracts()
    assert talk.does("order_form") == ["rejected"]
    talk.does("action_unlikely_intent")
    assert talk.does("order_form") == [("requested_slot", "size"), "Which size?"]
    talk.listen()
    assert talk.turns("order_form", "inform", size="small")[-1] == "How many small ones?"


def test_a_loop_that_is_marked_interrupted_does_not_look_at_the_message():
    talk = Talk(DOMAIN)
    talk.turns("order_form", "order")
    talk.hears("inform", size="small")
    talk.extracts()
    talk.knows({"event": "loop_interrupted", "is_interrupted": True})
    assert talk.does("order_form") == [("requested_slot", "qty"), "How many small ones?"]


def test_ignored_intents_reject_the_form():
    talk = Talk(DOMAIN)
    talk.turns("order_form", "order")
    assert talk.turns("order_form", "chat", size="small") == ["rejected"]
    assert talk.tracker.slots["size"] is None


def test_another_slot_than_the_one_asked_for_is_an_answer_too():
    talk = Talk(DOMAIN)
    talk.turns("order_form", "order")
    assert talk.turns("order_form", "inform", qty=2) == [("requested_slot", "size"), "Which size?"]


def test_a_second_form_does_not_care_for_what_the_first_asked():
    talk = Talk(DOMAIN)
    talk.turns("order_form", "order")
    assert talk.turns("gift_form", "inform", size="small") == [
        ("loop", "gift_form"),
        ("size", "small"),
        ("requested_slot", "gift"),
    ]


def test_a_slot_without_a_question_is_requested_in_silence():
    talk = Talk(DOMAIN)
    assert talk.turns("gift_form", "stop") == [("loop", "gift_form"), ("requested_slot", "gift")]


def test_slots_set_before_the_last_message_are_no_answer():
    talk = Talk(DOMAIN)
    talk.turns("order_form", "order")
    talk.knows({"event": "slot", "name": "size", "value": "small"})
    talk.hears("stop")
    assert talk.does("order_form") == ["rejected"]


def test_entities_that_a_policy_adds_do_not_hide_the_answer():
    talk = Talk(DOMAIN)
    talk.turns("order_form", "order")
    talk.hears("inform", size="small")
    talk.extracts()
    talk.knows({"event": "user_featurization", "use_text_for_featurization": False})
    talk.knows({"event": "entities", "entities": [{"entity": "qty", "value": 2}]})
    assert talk.does("order_form") == [("requested_slot", "qty"), "How many small ones?"]


def test_the_tracker_is_left_alone():
    talk = Talk(DOMAIN)
    talk.hears("order", size="small")
    before = (list(talk.tracker.events), dict(talk.tracker.slots), talk.tracker.active_loop)
    talk.runs("order_form")
    assert (talk.tracker.events, dict(talk.tracker.slots), talk.tracker.active_loop) == before


@pytest.mark.parametrize(
    ("names", "asked"),
    [
        (["utter_ask_order_form_size", "utter_ask_size"], "utter_ask_order_form_size"),
        (["utter_ask_size"], "utter_ask_size"),
        ([], None),
    ],
)
def test_the_question_of_the_form_goes_first(names, asked):
    talk = Talk({**DOMAIN, "responses": {name: [{"text": name}] for name in names}})
    done = talk.turns("order_form", "order")
    assert done[3:] == ([asked] if asked else [])


# ------------------------------------------------------------------ validators, on a real server

VALIDATED = {
    **DOMAIN,
    "slots": {
        **DOMAIN["slots"],
        "gift": slot({"type": "from_intent", "intent": "yes", "value": True}),
        "card": slot({"type": "custom"}),
    },
    "actions": ["validate_order_form", "action_ask_order_form_qty"],
    "responses": {**DOMAIN["responses"], "utter_ask_card": [{"text": "What shall the card say?"}]},
}


@pytest.fixture
def served(action_server_url):
    """A conversation with `validate_order_form` and `action_ask_order_form_qty` of `sdk/actions.py`."""
    outbound = Outbound()
    yield Talk(VALIDATED, server=ActionServer(read_endpoint({"url": action_server_url}, "action_endpoint"), outbound))
    outbound.close()


def test_a_validator_takes_and_refuses_values(served):
    assert served.turns("order_form", "order")[-2:] == [("requested_slot", "size"), "Which size?"]
    assert served.turns("order_form", "inform", size="huge") == [
        "There is no huge.",
        ("size", None),
        ("requested_slot", "size"),
        "Which size?",
    ]
    assert served.turns("order_form", "inform", size="small") == [
        ("size", "small"),
        ("requested_slot", "qty"),
        "How many small ones?",
    ]
    assert served.turns("order_form", "inform", qty=3) == [("qty", 3), ("requested_slot", None), ("loop", None)]


def test_a_validator_sees_the_slots_of_the_message_that_starts_the_form(served):
    done = served.turns("order_form", "order", size="huge")
    assert done == [
        ("loop", "order_form"),
        "There is no huge.",
        ("size", None),
        ("source", "chat"),
        ("requested_slot", "size"),
        "Which size?",
    ]


def test_a_validator_may_add_slots(served):
    served.turns("action_unlikely_intent", "yes")
    served.turns("order_form", "order", size="small", qty=1)
    assert served.tracker.slots["requested_slot"] == "card"
    assert served.turns("order_form", "inform", "Be well") == [
        ("card", "Be well"),
        ("requested_slot", None),
        ("requested_slot", None),
        ("loop", None),
    ]


def test_a_validator_may_end_the_form(served):
    served.turns("order_form", "order", size="small")
    done = served.turns("order_form", "inform", qty="skip")
    assert done[-1] == ("loop", None)
    assert served.tracker.active_loop is None


def test_a_validator_may_reject_the_form(served):
    served.turns("order_form", "order")
    assert served.turns("order_form", "inform", "reject") == ["action_execution_rejected"]
    assert served.tracker.slots["requested_slot"] == "size"


def test_a_validator_may_choose_the_question_after_an_interruption(served):
    served.turns("action_unlikely_intent", "yes")
    served.turns("order_form", "order", size="small", qty=1)
    served.hears("stop")
    served.extracts()
    served.does("action_unlikely_intent")
    assert served.does("order_form") == [("requested_slot", "card"), "What shall the card say?"]


def test_a_form_that_switches_asks_its_own_slots(served):
    served.knows({"event": "active_loop", "name": "gift_form"})
    served.knows({"event": "slot", "name": "requested_slot", "value": "gift"})
    assert served.turns("order_form", "order")[-2:] == [("requested_slot", "size"), "Which size?"]


# ------------------------------------------------------------------ the two-stage fallback

FALLBACK = "action_two_stage_fallback"
MEANT = "Did you mean 'inform'?"


def unsure(talk):
    """The user says what is not understood; the fallback's answer."""
    ranking = [{"name": "nlu_fallback", "confidence": 0.6}, {"name": "inform", "confidence": 0.3}]
    talk.reads({"intent": ranking[0], "intent_ranking": ranking}, "mumble")
    done = talk.does(FALLBACK)
    talk.listen()
    return done


def test_the_fallback_asks_what_is_meant():
    assert unsure(Talk(DOMAIN)) == [("loop", FALLBACK), MEANT]


def test_an_affirmed_intent_counts_as_said():
    talk = Talk(DOMAIN)
    unsure(talk)
    talk.hears("inform", size="small")
    events = talk.runs(FALLBACK)
    assert short(events) == [("loop", None), "rewind", ("action", "action_listen"), ("user", "/inform")]
    assert events[-1].intent == {"name": "inform", "confidence": 1.0}
    assert events[-1].entities == [{"entity": "size", "value": "small"}]
    assert events[-1].timestamp > talk.tracker.latest_message.timestamp
    assert talk.tracker.latest_message.intent["confidence"] == 0.9


def test_a_denied_intent_asks_to_rephrase_and_a_clear_one_goes_on():
    talk = Talk(DOMAIN)
    unsure(talk)
    assert talk.turns(FALLBACK, "out_of_scope") == ["Once more?"]
    assert talk.turns(FALLBACK, "order", "an order") == [
        ("loop", None),
        "rewind",
        ("action", "action_listen"),
        ("user", "an order"),
    ]


def test_two_unclear_messages_in_a_row_give_up():
    talk = Talk(DOMAIN)
    unsure(talk)
    assert unsure(talk) == [("loop", None), "Sorry", "rewind"]


def test_the_second_denial_gives_up():
    talk = Talk(DOMAIN)
    unsure(talk)
    talk.turns(FALLBACK, "out_of_scope")
    assert unsure(talk) == [MEANT]
    assert talk.turns(FALLBACK, "out_of_scope") == [("loop", None), "Sorry", "rewind"]


def test_messages_before_a_restart_do_not_count():
    talk = Talk(DOMAIN)
    talk.reads({"intent": {"name": "nlu_fallback"}})
    talk.knows({"event": "restart"})
    assert unsure(talk) == [("loop", FALLBACK), MEANT]
