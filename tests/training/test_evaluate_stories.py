"""Tests of dialogues: test stories against a small real bot with rules, stories, a form and retrieval intents."""

from __future__ import annotations

from dataclasses import replace

import pytest

from botapi.agent.bot import Services, load_bot
from botapi.data import stories
from botapi.data.project import read_text
from botapi.errors import Conflict, DataError
from botapi.model import open_model
from botapi.policies.ensemble import Ensemble
from botapi.policies.policy import PolicyPrediction
from botapi.training.evaluate_stories import evaluate, stories_with_remarks
from botapi.training.train import train

PROJECT = """
language: en
assistant_id: tested
pipeline:
- name: WhitespaceTokenizer
- name: RegexEntityExtractor
- name: KeywordIntentClassifier
- name: ResponseSelector
policies:
- name: MemoizationPolicy
- name: RulePolicy
intents: [greet, book, inform, stop, thank, faq]
entities: [city]
slots:
  city:
    type: text
    mappings: [{type: from_entity, entity: city}]
forms:
  trip_form: {required_slots: [city]}
actions: [action_look]
responses:
  utter_greet: [{text: Hello}]
  utter_ask_city: [{text: Where to?}]
  utter_booked: [{text: Done}]
  utter_stopped: [{text: Well}]
  utter_more: [{text: More?}]
  utter_faq/name: [{text: Ann}]
  utter_faq/age: [{text: Young}]
nlu:
- intent: greet
  examples: "- hello"
- intent: book
  examples: "- book"
- intent: inform
  examples: "- to [Rome](city)"
- intent: stop
  examples: "- stop"
- intent: thank
  examples: "- thanks"
- intent: faq/name
  examples: |
    - your name
    - name please
- intent: faq/age
  examples: |
    - your age
    - age please
- lookup: city
  examples: "- Rome"
rules:
- rule: greet
  steps:
  - intent: greet
  - action: utter_greet
- rule: book
  steps:
  - intent: book
  - action: trip_form
  - active_loop: trip_form
- rule: booked
  condition:
  - active_loop: trip_form
  steps:
  - action: trip_form
  - active_loop: null
  - slot_was_set: [{requested_slot: null}]
  - action: utter_booked
- rule: stop
  condition:
  - active_loop: trip_form
  steps:
  - intent: stop
  - action: utter_stopped
  - action: action_deactivate_loop
  - active_loop: null
- rule: faq
  steps:
  - intent: faq
  - action: utter_faq
stories:
- story: thanks
  steps:
  - intent: thank
  - action: action_look
  - slot_was_set: [{city: Rome}]
  - action: utter_more
"""
FORM = """
stories:
- story: a trip
  steps:
  - user: book
    intent: book
  - action: trip_form
  - active_loop: trip_form
  - user: to [Rome](city)
    intent: inform
  - action: trip_form
  - active_loop: null
  - action: utter_booked
- story: no trip
  steps:
  - user: book
    intent: book
  - action: trip_form
  - active_loop: trip_form
  - user: stop
    intent: stop
  - action: utter_stopped
  - action: action_deactivate_loop
  - active_loop: null
"""


@pytest.fixture(scope="module")
def bot(tmp_path_factory):
    path = train(read_text(PROJECT), tmp_path_factory.mktemp("tested")).path
    return load_bot(open_model(path), Services())


def replayed(bot, text, **options):
    return evaluate(bot, stories.read(text, "test_stories.yml"), **options)


def predicted(evaluation):
    return [(one["action"], one["predicted"]) for one in evaluation.as_dict()["actions"]]


@pytest.mark.parametrize("e2e", [False, True])
def test_forms_are_filled_and_left_as_in_a_conversation(bot, e2e):
    found = replayed(bot, FORM, e2e=e2e)
    assert [replay.name for replay in found.replays] == ["a trip", "no trip"]
    assert found.failed == []
    answer = found.as_dict()
    assert (answer["accuracy"], answer["f1"], answer["in_training_data_fraction"]) == (1.0, 1.0, 1.0)
    assert ("[Rome](city)" in answer["report"]) == e2e
    assert ("inform" in answer["report"]) == e2e


def test_slots_and_memorized_stories_lead_on(bot):
    text = """
stories:
- story: thanks
  steps:
  - intent: thank
  - action: action_look
  - slot_was_set: [{city: Rome}]
  - action: utter_more
"""
    found = replayed(bot, text)
    assert found.failed == []
    assert {one["policy"] for one in found.as_dict()["actions"]} == {"MemoizationPolicy"}


def test_a_wrong_prediction_is_remarked_and_the_story_goes_on_as_written(bot):
    text = """
stories:
- story: rude
  steps:
  - user: hello
    intent: greet
  - action: utter_more
  - intent: thank
  - action: action_nowhere
- story: friendly
  steps:
  - intent: greet
  - action: utter_greet
"""
    found = replayed(bot, text)
    assert [replay.name for replay in found.failed] == ["rude"]
    assert predicted(found)[0] == ("utter_more", "utter_greet")
    written = stories_with_remarks(found.failed)
    assert "  - action: utter_more  # predicted: utter_greet\n" in written
    assert "  - action: action_listen  # predicted: action_default_fallback\n" in written
    (story,) = stories.read(written)
    assert [getattr(step, "name", None) for step in story.steps][1::2] == ["utter_more", None, "action_listen"]


def test_a_fallback_is_nothing_that_the_bot_learned(bot):
    text = "stories: [{story: x, steps: [{intent: inform}, {action: utter_more}]}]"
    answer = replayed(bot, text).as_dict()
    assert predicted(replayed(bot, text))[0] == ("utter_more", "action_default_fallback")
    assert answer["in_training_data_fraction"] == 0.0


def test_messages_that_are_understood_otherwise_fail_with_e2e_only(bot):
    text = """
stories:
- story: mumbled
  steps:
  - user: to [Paris](city) thanks
    intent: greet
  - action: utter_greet
"""
    assert replayed(bot, text).failed == []
    found = replayed(bot, text, e2e=True)
    assert [replay.name for replay in found.failed] == ["mumbled"]
    (replay,) = found.replays
    assert replay.intents == [("greet", "thank")]
    assert replay.entities == [("[Paris](city)", "None")]
    assert predicted(found) == [("utter_greet", "utter_greet"), ("action_listen", "action_listen")]
    assert "- intent: greet  # predicted: thank: to Paris thanks" in stories_with_remarks(found.failed)


def test_an_entity_with_another_value_is_another_entity(bot):
    text = """
stories:
- story: x
  steps:
  - user: 'to [Rome]{"entity": "city", "value": "Roma"}'
    intent: inform
  - user: to Rome
    intent: inform
"""
    (replay,) = replayed(bot, text, e2e=True).replays
    assert replay.entities == [('[Rome]{"entity": "city", "value": "Roma"}', "[Rome](city)"), ("None", "[Rome](city)")]


def test_a_message_without_an_intent_is_not_judged_by_it(bot):
    text = "stories: [{story: x, steps: [{user: hello}, {action: utter_greet}]}]"
    found = replayed(bot, text, e2e=True)
    assert found.failed == []
    assert found.replays[0].intents == []


def test_an_intent_without_a_message_counts_as_understood(bot):
    text = "stories: [{story: x, steps: [{intent: greet}, {action: utter_greet}]}]"
    assert replayed(bot, text, e2e=True).as_dict()["report"]["greet"]["recall"] == 1.0


@pytest.mark.parametrize("e2e", [False, True])
@pytest.mark.parametrize("intent", ["faq", "faq/name"])
def test_retrieval_actions_match_with_and_without_their_key(bot, intent, e2e):
    for action in ("utter_faq", "utter_faq/name"):
        if (intent, action, e2e) == ("faq", "utter_faq/name", False):
            continue  # nothing tells the key then
        steps = f"[{{user: your name, intent: {intent}}}, {{action: {action}}}]"
        found = replayed(bot, f"stories: [{{story: x, steps: {steps}}}]", e2e=e2e)
        assert found.failed == [], (intent, action)


def test_another_response_key_is_wrong(bot):
    text = "stories: [{story: x, steps: [{user: your name, intent: faq/age}, {action: utter_faq/age}]}]"
    found = replayed(bot, text, e2e=True)
    assert found.replays[0].intents == [("faq/age", "faq/name")]
    text = "stories: [{story: x, steps: [{intent: faq/age}, {action: utter_faq/name}]}]"
    assert predicted(replayed(bot, text))[0] == ("utter_faq/name", "utter_faq/age")


def test_rules_are_no_conversations_and_stories_can_be_limited(bot):
    text = FORM + "rules: [{rule: greet, steps: [{intent: greet}, {action: utter_greet}]}]"
    assert len(replayed(bot, text).replays) == 2
    assert len(replayed(bot, text, max_stories=1).replays) == 1


def test_each_alternative_is_a_story_of_its_own(bot):
    text = "stories: [{story: x, steps: [{or: [{intent: greet}, {intent: thank}]}, {action: utter_greet}]}]"
    found = replayed(bot, text)
    assert [replay.has_failed for replay in found.replays] == [False, True]


def test_a_turn_of_more_than_ten_actions_is_stopped(bot):
    steps = ", ".join(["{action: utter_more}"] * 12)
    found = predicted(replayed(bot, f"stories: [{{story: x, steps: [{{intent: greet}}, {steps}]}}]"))
    assert [name for _, name in found][10:] == ["circuit breaker tripped"] * 3


class Suspicious:
    """A policy that finds every message unlikely before it greets."""

    name, priority = "Suspicious", 1

    def predict(self, history):
        after = {"action_listen": "action_unlikely_intent", "action_unlikely_intent": "utter_greet"}
        return PolicyPrediction({after.get(history.tracker.latest_action_name, "action_listen"): 1.0}, self.name, 1)


def test_a_message_found_unlikely_is_a_warning_not_a_failure(bot):
    suspicious = replace(bot, ensemble=Ensemble([Suspicious()], bot.domain, {"slots": (), "loops": ()}))
    text = "stories: [{story: x, steps: [{intent: greet}, {action: utter_greet}]}]"
    found = replayed(suspicious, text)
    assert (found.failed, found.with_warnings) == ([], found.replays)
    assert predicted(found) == [("utter_greet", "utter_greet"), ("action_listen", "action_listen")]
    assert "- action: utter_greet  # predicted: action_unlikely_intent" in stories_with_remarks(found.with_warnings)
    found = replayed(suspicious, text.replace("utter_greet", "utter_more"))
    assert (len(found.failed), found.with_warnings) == (1, [])


def test_no_stories_give_an_empty_report(bot):
    answer = replayed(bot, "stories: []").as_dict()
    assert answer == {
        "report": {},
        "precision": 0.0,
        "f1": 0.0,
        "accuracy": 0.0,
        "actions": [],
        "in_training_data_fraction": 0.0,
        "is_end_to_end_evaluation": False,
    }
    assert stories_with_remarks([]) == 'version: "3.1"\n'


def test_a_bot_that_only_understands_is_a_conflict(tmp_path):
    path = train(read_text(PROJECT), tmp_path, kind="nlu").path
    with pytest.raises(Conflict, match="without stories"):
        replayed(load_bot(open_model(path), Services()), FORM)


def test_stories_that_multiply_too_much_are_refused(bot):
    either = "{or: [{intent: greet}, {intent: thank}]}, {action: utter_greet}"
    text = f"stories: [{{story: x, steps: [{', '.join([either] * 17)}]}}]"
    with pytest.raises(DataError, match="multiply"):
        replayed(bot, text)
