"""Memoized stories: small bots and conversations with them in, the actions that stories had next out."""

from __future__ import annotations

import pytest

from botapi.policies import memoization
from botapi.state.events import ActionExecuted, AllSlotsReset, UserUttered
from tests.policies.talks import Talk, trained

DOMAIN = """
intents: [a, b, c, d]
entities: [name]
slots:
  name: {type: text, mappings: [{type: from_entity, entity: name}]}
  size: {type: categorical, values: [s, l], initial_value: s, mappings: [{type: custom}]}
responses: {utter_a: [{text: a}], utter_b: [{text: b}], utter_c: [{text: c}], utter_d: [{text: d}],
  utter_e: [{text: e}]}
"""
STORIES = """
stories:
- story: abc
  steps: [{intent: a}, {action: utter_a}, {intent: b}, {action: utter_b}, {intent: c}, {action: utter_c}]
- story: with a name
  steps: [{intent: d, entities: [name]}, {slot_was_set: [{name: Bo}]}, {action: utter_d}, {action: utter_e}]
"""


def bot(name="MemoizationPolicy", stories=STORIES, **options):
    given = "".join(f", {key}: {value}" for key, value in options.items())
    return trained(f"policies: [{{name: {name}{given}}}]\n" + DOMAIN + stories)


def remembered(talk):
    """The action that is known for sure, or None."""
    prediction = talk.next()
    return prediction.action if prediction.confidence else None


@pytest.mark.parametrize("name", ["MemoizationPolicy", "AugmentedMemoizationPolicy"])
@pytest.mark.parametrize("max_history", [1, 2, 5, "null", 0])
def test_a_story_is_followed_to_its_end(name, max_history):
    talk = Talk(bot(name, max_history=max_history))
    assert [talk.answers(intent) for intent in "abc"] == [["utter_a"], ["utter_b"], ["utter_c"]]
    assert talk.next().policy == name


def test_what_no_story_has_is_unknown():
    talk = Talk(bot())
    assert talk.answers("a") == ["utter_a"]
    assert (talk.say("c").next().action, talk.next().confidence) == ("action_listen", 0.0)


@pytest.mark.parametrize(
    ("name", "max_history", "expected"),
    [
        ("MemoizationPolicy", "null", None),
        ("MemoizationPolicy", 2, "utter_b"),
        ("MemoizationPolicy", 3, "utter_b"),
        ("MemoizationPolicy", 4, None),
        ("AugmentedMemoizationPolicy", "null", "utter_b"),
        ("AugmentedMemoizationPolicy", 4, "utter_b"),
    ],
)
def test_max_history_says_how_far_back_must_match(name, max_history, expected):
    talk = Talk(bot(name, max_history=max_history)).say("c")
    talk.run("utter_d")
    talk.run("action_listen")
    talk.say("a")
    talk.run("utter_a")
    talk.run("action_listen")
    assert remembered(talk.say("b")) == expected


def test_a_slot_that_was_set_before_matters_to_the_plain_policy_only():
    plain, augmented = Talk(bot(max_history=4)), Talk(bot("AugmentedMemoizationPolicy", max_history=4))
    for talk, expected in ((plain, None), (augmented, "utter_b")):
        talk.set("name", "Al").happen(ActionExecuted("action_listen"))
        talk.say("a")
        talk.run("utter_a")
        talk.run("action_listen")
        assert remembered(talk.say("b")) == expected


def test_what_is_forgotten_has_its_initial_value_again():
    talk = Talk(bot("AugmentedMemoizationPolicy", max_history=4)).set("size", "l")
    talk.happen(ActionExecuted("action_listen")).say("a")
    talk.run("utter_a")
    talk.run("action_listen")
    assert remembered(talk.say("b")) == "utter_b"
    assert remembered(talk.set("size", "l")) is None
    assert remembered(talk.happen(AllSlotsReset())) == "utter_b"


def test_entities_and_slots_are_part_of_a_turn():
    assert Talk(bot()).set("name", None).answers("d") == []
    talk = Talk(bot()).say("d", name="Bo")
    assert remembered(talk) is None
    assert remembered(talk.set("name", "Bo")) == "utter_d"
    # Of a text slot only that it is set counts.
    assert remembered(talk.set("name", "Al")) == "utter_d"


def test_the_same_turns_with_different_ends_teach_nothing():
    stories = STORIES + "- story: other\n  steps: [{intent: a}, {action: utter_e}]\n"
    assert remembered(Talk(bot(stories=stories)).say("a")) is None


def test_confidence_can_be_that_of_understanding():
    talk = Talk(bot(use_nlu_confidence_as_score="true")).say("a", confidence=0.6)
    assert (talk.next().action, talk.next().confidence) == ("utter_a", 0.6)
    assert Talk(bot()).say("a", confidence=0.6).next().confidence == 1.0


def test_rules_are_not_memorized():
    rules = "rules:\n- rule: r\n  steps: [{intent: d}, {action: utter_e}]\n"
    assert remembered(Talk(bot(stories=rules)).say("d")) is None


def test_stories_about_texts_are_not_recalled_by_intent():
    stories = STORIES + '- story: text\n  steps: [{user: "say e"}, {action: utter_e}]\n'
    talk = Talk(bot(stories=stories))
    assert remembered(talk.happen(UserUttered("say e", {"intent": {"name": None}}))) is None


def test_an_unlikely_intent_action_is_looked_over():
    talk = Talk(bot(max_history=2)).say("a")
    talk.happen(ActionExecuted("action_unlikely_intent"))
    assert remembered(talk) == "utter_a"


def test_a_conversation_longer_than_any_story_is_not_searched():
    ensemble = bot("AugmentedMemoizationPolicy")
    talk = Talk(ensemble)
    for _ in range(200):
        talk.say("c")
        talk.run("utter_e")
        talk.run("action_listen")
    assert talk.answers("a") == ["utter_a"]
    # Without max_history, cuts go back no further than the longest story and a little more.
    policy = ensemble.policies[0]
    assert isinstance(policy, memoization.AugmentedMemoizationPolicy)
    first = policy._first_cut(talk.tracker.moments)
    assert 0 < len(talk.tracker.moments) - first <= 10 + memoization.EXTRA_CUTS
