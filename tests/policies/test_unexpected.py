"""The policy that notices unlikely messages: when it speaks up, and when it must not."""

from __future__ import annotations

import pytest

from botapi.data.project import read_text
from botapi.data.unroll import training_trackers
from botapi.errors import ConfigError, ModelError
from botapi.policies.ensemble import Ensemble
from botapi.policies.features import Features
from botapi.policies.unexpected import FILE, UnexpectedIntentPolicy, messages
from botapi.state.events import ActionExecuted, SlotSet
from tests.policies.largebot import large_bot, replayed
from tests.policies.talks import Talk, trained
from tests.policies.test_learned import MOODS, WORDS

UNLIKELY = "action_unlikely_intent"
BOT = MOODS.replace("{name: RulePolicy},", "{name: RulePolicy}, {name: UnexpecTEDIntentPolicy},")


@pytest.fixture(scope="module")
def moods():
    return trained(BOT, augmentation=50)


@pytest.mark.parametrize(
    ("before", "intent"),
    [
        pytest.param([], "affirm", id="an answer at the beginning"),
        pytest.param(["greet"], "deny", id="an answer to no question"),
        pytest.param(["greet", "great"], "sad", id="late"),
        pytest.param(["greet", "sad"], "great", id="no answer to the question"),
    ],
)
def test_messages_that_no_story_has_there_are_unlikely_and_then_answered(moods, before, intent):
    talk = Talk(moods)
    for earlier in before:
        assert UNLIKELY not in talk.answers(earlier)
    prediction = talk.say(intent).next()
    assert (prediction.action, prediction.confidence) == (UNLIKELY, 1.0)
    assert (prediction.policy, prediction.priority) == ("UnexpecTEDIntentPolicy", 2)
    assert talk.run() == UNLIKELY
    prediction = talk.next()
    assert (prediction.policy, prediction.scores[UNLIKELY]) == ("TEDPolicy", 0.0)


@pytest.mark.parametrize(
    ("before", "intent"),
    [
        pytest.param([], "greet", id="as stories begin"),
        pytest.param(["greet"], "sad", id="as a story goes on"),
        pytest.param(["greet", "sad", "affirm"], "greet", id="as the next story begins"),
        pytest.param(["sad"], "deny", id="after the same question on another way"),
        pytest.param(["greet"], "unheard", id="an intent that no story has"),
        pytest.param(["greet"], "challenge", id="an intent that only rules have"),
        pytest.param(["greet"], None, id="no intent"),
    ],
)
def test_what_stories_expect_or_know_nothing_of_is_not_unlikely(moods, before, intent):
    talk = Talk(moods)
    for earlier in before:
        talk.answers(earlier)
    assert talk.say(intent).next().scores[UNLIKELY] == 0.0


def test_slots_that_the_message_fills_do_not_matter(moods):
    talk = Talk(moods).say("affirm").happen(SlotSet("session_started_metadata", "x"))
    assert talk.next().action == UNLIKELY


def test_only_the_moment_after_a_message_counts(moods):
    assert Talk(moods).next().scores[UNLIKELY] == 0.0
    talk = Talk(moods).say("affirm").happen(ActionExecuted("utter_happy"))
    assert talk.next().scores[UNLIKELY] == 0.0
    assert talk.happen(ActionExecuted("action_listen")).next().scores[UNLIKELY] == 0.0


def test_after_turns_that_no_story_has_anything_may_follow(moods):
    talk = Talk(moods).say("greet").happen(ActionExecuted("utter_never"), ActionExecuted("action_listen"))
    assert talk.say("affirm").next().scores[UNLIKELY] == 0.0


def test_a_rule_says_what_follows_an_unlikely_message():
    rule = "- rule: puzzled\n  steps: [{action: action_unlikely_intent}, {action: utter_never}]\n"
    talk = Talk(trained(BOT + rule, augmentation=50)).say("affirm")
    assert [talk.run() for _ in range(3)] == [UNLIKELY, "utter_never", "action_listen"]


def test_memory_and_rules_go_first():
    rule = "- rule: yes\n  steps: [{intent: deny}, {action: utter_bye}]\n"
    talk = Talk(trained(BOT + rule, augmentation=50))
    assert talk.say("deny").next().policy == "RulePolicy"


@pytest.mark.parametrize("option", ["ignore_intents_list: [affirm, great]", "tolerance: 1.0"])
def test_options_make_it_more_tolerant(option):
    ensemble = trained(BOT.replace("UnexpecTEDIntentPolicy", f"UnexpecTEDIntentPolicy, {option}"), augmentation=50)
    talk = Talk(ensemble)
    talk.answers("greet")
    talk.answers("sad")
    assert talk.say("great").next().scores[UNLIKELY] == 0.0


def test_stories_with_words_in_place_of_intents_teach_nothing():
    project = read_text(WORDS)
    features = Features(project.domain)
    trackers = training_trackers(project.stories, project.domain, 0)
    found = {tracker.name: [i for _, i in messages(tracker.tracker, features, 5)] for tracker in trackers}
    assert found == {"by intent": ["greet"], "by words": [], "by other words": []}


def test_turns_before_a_message_are_given_newest_first_up_to_the_window():
    project = read_text(MOODS)
    (tracker,) = [t for t in training_trackers(project.stories, project.domain, 0) if t.name == "helped"]
    found = list(messages(tracker.tracker, Features(project.domain), 2))
    shown = [([turn.get("prev_action", {}).get("action_name") for turn in turns], intent) for turns, intent in found]
    assert shown == [
        ([None], "greet"),
        (["utter_greet", "action_listen"], "sad"),
        (["utter_help", "utter_cheer"], "affirm"),
    ]


def test_of_a_large_bot_few_messages_are_called_unlikely_wrongly_and_most_strange_ones_rightly():
    domain, learning, unseen = large_bot(learned=80, unseen=30, intents=30, slots=12)
    policy = UnexpectedIntentPolicy({})
    policy.train(learning, domain, Features(domain))
    ensemble = Ensemble([policy], domain, {"slots": [], "loops": []})
    usual = [ensemble.predict(tracker).action == UNLIKELY for story in unseen for tracker, _ in replayed(story, domain)]
    assert len(usual) > 400 and sum(usual) / len(usual) < 0.03
    strange = []
    for intent in ("affirm", "deny", "inform_room", "change_table"):
        talk = Talk(ensemble).say("greet")
        talk.happen(ActionExecuted("utter_greet"), ActionExecuted("action_listen"))
        strange.append(talk.say(intent).next().action == UNLIKELY)
    assert sum(strange) >= 3


@pytest.mark.parametrize(
    "options",
    [
        {"tolerance": 1.5}, {"tolerance": -0.1}, {"tolerance": "high"}, {"max_history": "five"},
        {"ignore_intents_list": "greet"}, {"ignore_intents_list": [3]},
    ],
)  # fmt: skip
def test_wrong_options_are_refused(options):
    with pytest.raises(ConfigError, match="UnexpecTEDIntentPolicy has"):
        UnexpectedIntentPolicy(options)


def test_saved_and_loaded_it_is_the_same(moods):
    saved = moods.policies[2].save()
    loaded = UnexpectedIntentPolicy({})
    loaded.load(saved, moods.domain)
    assert loaded.save() == saved == trained(BOT, augmentation=50).policies[2].save()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="missing"),
        pytest.param(b"[", id="no JSON"),
        pytest.param(b'{"thresholds": [], "usual": [], "model": null}', id="a list"),
        pytest.param(b'{"thresholds": {"greet": 0.5}, "usual": [], "model": null}', id="no model"),
        pytest.param(b'{"thresholds": {"greet": "x"}, "usual": [], "model": null}', id="no number"),
        pytest.param(b'{"thresholds": {}, "usual": [3], "model": null}', id="no pair"),
    ],
)
def test_damaged_files_are_refused(moods, content):
    with pytest.raises(ModelError, match="Train the model again"):
        UnexpectedIntentPolicy({}).load({} if content is None else {FILE: content}, moods.domain)


def test_without_stories_nothing_is_unlikely():
    only_rules = BOT[: BOT.index("stories:")] + BOT[BOT.index("rules:") :]
    assert Talk(trained(only_rules)).say("affirm").next().action == "action_default_fallback"
