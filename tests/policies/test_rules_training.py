"""Learning from rules: projects that don't agree with themselves are refused, with names, places and advice."""

from __future__ import annotations

import pytest

from botapi.data.project import read_text
from botapi.data.unroll import training_trackers
from botapi.errors import DataError
from botapi.policies.ensemble import Ensemble
from botapi.policies.rules import RulePolicy
from tests.policies.talks import Talk, trained

DOMAIN = """
intents: [a, b, c]
slots: {x: {type: bool, mappings: [{type: custom}]}, y: {type: bool, influence_conversation: false, mappings: []}}
forms: {form: {required_slots: []}}
actions: [action_x]
responses: {utter_a: [{text: a}], utter_b: [{text: b}], utter_c: [{text: c}]}
"""


def learned(parts, **options):
    project = read_text(DOMAIN + parts, "bot.yml")
    config = [{"name": "RulePolicy", **options}]
    return Ensemble.train(config, training_trackers(project.stories, project.domain), project.domain)


def book(parts, **options) -> RulePolicy:
    policy = learned(parts, **options).policies[0]
    assert isinstance(policy, RulePolicy)
    return policy.book


TWO_MESSAGES = """
rules:
- rule: long
  steps: [{intent: a}, {action: utter_a}, {intent: b}, {action: utter_b}]
"""
TWO_ENDS = """
rules:
- rule: first
  steps: [{intent: a}, {action: utter_a}]
- rule: second
  steps: [{intent: a}, {action: utter_b}]
"""
AGAINST_A_STORY = """
rules:
- rule: always
  steps: [{intent: a}, {action: utter_a}]
stories:
- story: another
  steps: [{intent: b}, {action: utter_b}, {intent: a}, {action: utter_c}]
"""
AGAINST_A_LOOP = """
rules:
- rule: begin
  steps: [{intent: a}, {action: form}, {active_loop: form}]
- rule: goes on
  condition: [{active_loop: form}]
  steps: [{action: form}, {active_loop: form}, {action: utter_a}]
"""
AGAINST_A_DEFAULT = """
rules:
- rule: own restart
  steps: [{intent: restart}, {action: utter_a}]
"""
MISSING_SLOT = """
rules:
- rule: sets
  steps: [{intent: a}, {action: action_x}, {slot_was_set: [{x: true}]}, {action: utter_a}]
- rule: forgets
  steps: [{intent: b}, {action: action_x}, {action: utter_b}]
"""
MISSING_LOOP = """
rules:
- rule: begins
  steps: [{intent: a}, {action: form}, {active_loop: form}]
- rule: forgets
  steps: [{intent: b}, {action: form}, {action: utter_b}]
"""


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        pytest.param(
            TWO_MESSAGES, ["'long' has 2 user messages", "restrict_rules: false", "bot.yml, line 9"], id="long"
        ),
        pytest.param(
            TWO_ENDS,
            [
                "the action 'utter_a' in the rule 'first' contradicts 'second' (bot.yml, line 11)",
                "the action 'utter_b' in the rule 'second' contradicts 'first' (bot.yml, line 9)",
                "Change or remove one",
            ],
            id="two rules",
        ),
        pytest.param(
            AGAINST_A_STORY,
            [
                "'utter_c' in the story 'another' contradicts 'always' (bot.yml, line 9), which says 'utter_a'",
                "line 12",
            ],
            id="rule and story",
        ),
        pytest.param(
            AGAINST_A_LOOP, ["in the rule 'goes on' contradicts 'handling of the loop form"], id="rule and loop"
        ),
        pytest.param(
            AGAINST_A_DEFAULT,
            ["'utter_a' in the rule 'own restart' contradicts 'default action for the intent restart'"],
            id="rule and default",
        ),
        pytest.param(
            MISSING_SLOT,
            ["'action_x' in the rule 'forgets' does not set the slot(s) x", "slot_was_set", "bot.yml, line 11"],
            id="slot",
        ),
        pytest.param(
            MISSING_LOOP,
            ["the form 'form' in the rule 'forgets' does not set active_loop", "add active_loop (form)", "line 11"],
            id="loop",
        ),
    ],
)
def test_contradictions_are_told_with_names_and_places(parts, says):
    with pytest.raises(DataError) as caught:
        learned(parts)
    assert [part for part in says if part not in str(caught.value)] == []
    assert caught.value.file == "bot.yml" and caught.value.line


def test_checks_can_be_turned_off():
    assert learned(TWO_MESSAGES, restrict_rules=False)
    off = book(TWO_ENDS, check_for_contradictions=False)
    # Neither of two rules that contradict each other holds; what follows them does.
    assert sorted(rule.outcome for rule in off.rules.rules.values()) == ["action_listen", "action_listen"]
    assert (off.hidden, off.rule_only_slots) == (frozenset(), ())


def test_what_only_rules_mention_is_remembered_to_be_hidden():
    parts = """
rules:
- rule: needs x
  condition: [{slot_was_set: [{x: true}]}, {active_loop: form}]
  steps: [{intent: a}, {action: utter_a}]
stories:
- story: knows neither
  steps: [{intent: b}, {action: utter_b}]
"""
    assert (book(parts).rule_only_slots, book(parts).rule_only_loops) == (("x",), ("form",))
    in_story = parts + "- story: knows x\n  steps: [{intent: c}, {slot_was_set: [{x: true}]}, {action: utter_c}]\n"
    assert book(in_story).rule_only_slots == ()


def test_what_rules_hide_does_not_disturb_stories():
    parts = """
policies: [{name: MemoizationPolicy, max_history: 2}, {name: RulePolicy}]
rules:
- rule: needs x
  condition: [{slot_was_set: [{x: true}]}]
  steps: [{intent: a}, {action: utter_a}]
stories:
- story: short
  steps: [{intent: b}, {action: utter_b}, {intent: c}, {action: utter_c}]
"""
    talk = Talk(trained(DOMAIN + parts))
    assert talk.answers("b") == ["utter_b"]
    assert talk.set("x", True).answers("a") == ["utter_a"]
    # For the story nothing happened in between.
    assert talk.say("c").next().action == "utter_c" and talk.next().policy == "MemoizationPolicy"


def test_a_rule_that_ends_after_its_action_gives_way_to_stories_that_go_on():
    parts = """
rules:
- rule: one action
  steps: [{action: utter_a}]
- rule: the same and more
  condition: [{slot_was_set: [{x: true}]}]
  steps: [{action: utter_a}, {action: utter_b}]
stories:
- story: goes on
  steps: [{intent: b}, {action: utter_a}, {action: utter_c}]
"""
    kept = book(parts)
    assert [rule.outcome for rule in kept.rules.rules.values() if len(rule.states) == 1] == ["utter_b"]


def test_a_rule_inside_a_story_is_shown():
    parts = AGAINST_A_STORY.replace("utter_c", "utter_a")
    hidden = book(parts).hidden
    assert not any(source.startswith("[") for source in hidden)
    assert "default action for the intent back" in hidden
