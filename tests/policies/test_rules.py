"""Rules: small bots and conversations with them in, the actions that rules, loops and defaults want next out."""

from __future__ import annotations

import pytest

from botapi.state.events import (
    ActionExecuted,
    ActionExecutionRejected,
    FollowupAction,
    LoopInterrupted,
    SlotSet,
    UserUttered,
)
from tests.policies.talks import Talk, trained

DOMAIN = """
intents: [greet, bye, help, order, inform, stop, why, perks, chain]
entities: [item]
slots:
  item: {type: text, mappings: [{type: from_entity, entity: item}]}
  vip: {type: bool, initial_value: false, mappings: [{type: custom}]}
  tags: {type: list, mappings: [{type: custom}]}
forms: {order_form: {required_slots: [item]}}
actions: [action_x]
responses:
"""
for _name in "welcome greet bye help why done stopped perks item one two three text ask resume".split():
    DOMAIN += f"  utter_{_name}: [{{text: x}}]\n"
RULES = """
rules:
- rule: welcome
  conversation_start: true
  steps: [{intent: greet}, {action: utter_welcome}]
- rule: bye at any time
  steps: [{intent: bye}, {action: utter_bye}]
- rule: help
  steps: [{intent: help}, {action: utter_help}]
- rule: begin
  steps: [{intent: order}, {action: order_form}, {active_loop: order_form}]
- rule: end
  condition: [{active_loop: order_form}]
  steps: [{action: order_form}, {active_loop: null}, {slot_was_set: [{requested_slot: null}]}, {action: utter_done}]
- rule: why in the form
  condition: [{active_loop: order_form}]
  steps: [{intent: why}, {action: utter_why}, {action: order_form}, {active_loop: order_form}]
- rule: stop in the form
  condition: [{active_loop: order_form}]
  steps: [{intent: stop}, {action: action_deactivate_loop}, {active_loop: null}, {action: utter_stopped}]
- rule: perks
  condition: [{slot_was_set: [{vip: true}, {tags: null}]}]
  steps: [{intent: perks}, {action: utter_perks}]
- rule: chain begins
  steps: [{intent: chain}, {action: utter_one}]
  wait_for_user_input: false
- rule: chain ends
  steps: [{action: utter_one}, {action: utter_two}]
- rule: text
  steps: [{user: "say it"}, {action: utter_text}]
"""
POLICIES = "policies: [{name: RulePolicy}]\n"


@pytest.fixture(scope="module")
def ensemble():
    return trained(POLICIES + DOMAIN + RULES)


@pytest.fixture
def talk(ensemble):
    return Talk(ensemble)


def in_form(talk):
    talk.say("order")
    assert talk.run() == "order_form"
    talk.loop("order_form").set("requested_slot", "item")
    assert talk.run() == "action_listen"
    return talk


def rejected(talk):
    return talk.happen(ActionExecutionRejected("order_form"))


def test_a_rule_answers_at_any_time(talk):
    assert [talk.answers(intent) for intent in ("bye", "help", "bye")] == [["utter_bye"], ["utter_help"], ["utter_bye"]]


def test_a_rule_for_the_start_holds_only_there(talk):
    assert talk.answers("greet") == ["utter_welcome"]
    assert talk.say("greet").next().action == "action_default_fallback"


def test_where_no_rule_fits_the_fallback_has_its_threshold(talk):
    prediction = talk.say("inform").next()
    assert (prediction.action, prediction.confidence) == ("action_default_fallback", 0.3)
    custom = "policies: [{name: RulePolicy, core_fallback_action_name: utter_ask, core_fallback_threshold: 0.7}]\n"
    prediction = Talk(trained(custom + DOMAIN + RULES)).say("inform").next()
    assert (prediction.action, prediction.confidence) == ("utter_ask", 0.7)
    silent = "policies: [{name: RulePolicy, enable_fallback_prediction: false}]\n"
    prediction = Talk(trained(silent + DOMAIN + RULES)).say("inform").next()
    assert (prediction.action, prediction.confidence) == ("action_listen", 0.0)


def test_confidence_can_be_that_of_understanding():
    bot = trained("policies: [{name: RulePolicy, use_nlu_confidence_as_score: true}]\n" + DOMAIN + RULES)
    assert Talk(bot).say("bye", confidence=0.8).next().confidence == 0.8
    # Less than the fallback's threshold: the fallback wins.
    assert Talk(bot).say("bye", confidence=0.2).next().action == "action_default_fallback"


def test_conditions_ask_for_slots_set_and_not_set(talk):
    assert talk.say("perks").next().action == "action_default_fallback"
    assert talk.set("vip", True).next().action == "utter_perks"
    assert talk.set("tags", ["a"]).next().action == "action_default_fallback"
    assert talk.set("tags", []).next().action == "utter_perks"


def test_rules_can_follow_each_other_without_a_message(talk):
    assert talk.answers("chain") == ["utter_one", "utter_two"]


def test_a_rule_can_go_by_the_text(talk):
    prediction = talk.say("bye", text="say it").next()
    assert (prediction.action, prediction.is_end_to_end) == ("utter_text", True)
    assert [event.use_text_for_featurization for event in prediction.events] == [True]
    assert talk.run() == "utter_text"
    assert (talk.next().action, talk.next().is_end_to_end) == ("action_listen", False)


@pytest.mark.parametrize(
    ("intent", "action"),
    [("restart", "action_restart"), ("back", "action_back"), ("session_start", "action_session_start")],
)
def test_default_intents_do_the_same_in_every_bot(talk, intent, action):
    assert talk.say(intent).next().action == action
    assert in_form(Talk(talk.ensemble)).say(intent).next().action == action


def test_a_rule_about_the_text_goes_before_default_intents(talk):
    assert talk.say("restart", text="say it").next().action == "utter_text"


def test_a_loop_goes_on_whatever_the_user_says(talk):
    in_form(talk)
    prediction = talk.say("bye").next()
    assert (prediction.action, prediction.is_no_user_prediction) == ("order_form", True)
    assert talk.run() == "order_form"
    assert talk.next().action == "action_listen" and talk.next().is_no_user_prediction


def test_a_loop_that_ends_is_followed_by_its_rule(talk):
    in_form(talk).say("inform")
    talk.run(None, SlotSet("item", "mug"))
    talk.loop(None).set("requested_slot", None)
    assert talk.run() == "utter_done"
    assert talk.run() == "action_listen"
    assert talk.answers("bye") == ["utter_bye"]


def test_a_loop_that_rejects_gives_way_to_rules_and_comes_back(talk):
    rejected(in_form(talk).say("bye"))
    assert talk.run() == "utter_bye"
    # The rule knows no loop: in place of its listen the loop goes on.
    assert (talk.next().action, talk.next().is_no_user_prediction) == ("order_form", False)
    assert talk.run() == "order_form"
    assert talk.run() == "action_listen"


def test_a_rule_inside_the_loop_brings_it_back(talk):
    rejected(in_form(talk).say("why"))
    assert talk.run() == "utter_why"
    assert talk.run() == "order_form"


def test_a_rule_can_leave_the_loop(talk):
    rejected(in_form(talk).say("stop"))
    assert talk.run() == "action_deactivate_loop"
    talk.loop(None)
    assert [talk.run(), talk.run()] == ["utter_stopped", "action_listen"]
    assert talk.answers("bye") == ["utter_bye"]


STORIES = """
stories:
- story: stop and go on
  steps:
  - intent: order
  - action: order_form
  - active_loop: order_form
  - intent: stop
  - action: utter_ask
  - intent: inform
  - action: order_form
  - active_loop: order_form
- story: stop and think
  steps:
  - intent: order
  - action: order_form
  - active_loop: order_form
  - intent: help
  - action: utter_help
  - intent: bye
  - action: utter_bye
  - action: action_deactivate_loop
  - active_loop: null
"""


def test_stories_tell_the_loop_that_it_was_interrupted():
    bot = trained("policies: [{name: RulePolicy}, {name: MemoizationPolicy}]\n" + DOMAIN + STORIES + BARE)
    talk = Talk(bot)
    rejected(in_form(talk).say("stop"))
    assert talk.run() == "utter_ask"
    assert talk.run() == "action_listen"
    # The loop has not run since it rejected: rules and stories decide.
    prediction = talk.say("inform").next()
    assert prediction.action == "order_form"
    assert [type(event) for event in prediction.events][0] is LoopInterrupted
    assert talk.run() == "order_form"
    assert talk.tracker.active_loop.is_interrupted is False


# Rules that know nothing of what the stories do inside the form.
BARE = """
rules:
- rule: help
  steps: [{intent: help}, {action: utter_help}]
- rule: begin
  steps: [{intent: order}, {action: order_form}, {active_loop: order_form}]
"""


def test_stories_can_keep_the_loop_from_coming_back_after_a_rule():
    bot = trained("policies: [{name: RulePolicy}, {name: MemoizationPolicy}]\n" + DOMAIN + STORIES + BARE)
    talk = Talk(bot)
    rejected(in_form(talk).say("help"))
    assert talk.run() == "utter_help"
    assert talk.next().action == "action_listen"
    talk.run()
    assert talk.say("bye").next().action == "utter_bye"


def test_turns_of_rules_that_no_story_has_are_hidden(talk):
    assert talk.say("bye").next().hide_rule_turn is True
    bot = trained(POLICIES + DOMAIN + STORIES + BARE)
    assert Talk(bot).say("order").next().hide_rule_turn is False
    loose = "policies: [{name: RulePolicy, check_for_contradictions: false}]\n"
    assert Talk(trained(loose + DOMAIN + RULES)).say("bye").next().hide_rule_turn is False


def test_the_most_particular_rule_counts():
    more = RULES + "- rule: bye with an item\n  condition: [{slot_was_set: [{item: mug}]}]\n"
    more += "  steps: [{intent: bye}, {action: utter_item}]\n"
    talk = Talk(trained(POLICIES + DOMAIN + more))
    assert talk.say("bye").next().action == "utter_bye"
    assert talk.set("item", "mug").next().action == "utter_item"


def test_nobody_has_spoken_yet(talk):
    assert talk.next().action == "action_default_fallback"
    fresh = Talk(talk.ensemble)
    fresh.tracker = type(fresh.tracker)("other", talk.ensemble.domain.slots)
    assert fresh.next().action == "action_listen"
    assert fresh.happen(FollowupAction("utter_bye")).next().action == "action_listen"


def test_a_message_without_an_intent_leads_to_the_fallback(talk):
    talk.happen(UserUttered("???", {"intent": {"name": None, "confidence": 0.0}}))
    assert talk.next().action == "action_default_fallback"


def test_an_action_that_nobody_knows_leads_to_the_fallback(talk):
    assert talk.say("bye").happen(ActionExecuted("action_x")).next().action == "action_default_fallback"
