"""The ensemble: predictions recorded with Rasa 3.6.21 come out the same; configuration, saving and errors."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from botapi.data.project import read_text
from botapi.data.unroll import training_trackers
from botapi.errors import ConfigError, DataError, ModelError
from botapi.policies.ensemble import Ensemble
from botapi.state.domain import Domain
from botapi.state.events import ActionExecuted, ActionExecutionRejected, UserFeaturization, from_dict
from botapi.state.tracker import Tracker
from tests.policies.talks import Talk, trained

RECORDED = Path(__file__).parent / "recorded"
SETTINGS = json.loads((RECORDED / "predictions.json").read_text())
BOT = """
policies: [{name: MemoizationPolicy, max_history: 3}, {name: RulePolicy}]
intents: [greet, bye, order]
forms: {order_form: {required_slots: []}}
responses: {utter_greet: [{text: a}], utter_bye: [{text: a}], utter_again: [{text: a}], utter_no: [{text: a}]}
stories:
- story: twice
  steps: [{intent: greet}, {action: utter_greet}, {intent: greet}, {action: utter_again}]
rules:
- rule: leave
  steps: [{intent: bye}, {action: utter_bye}]
- rule: order
  steps: [{intent: order}, {action: order_form}, {active_loop: order_form}]
"""


@pytest.fixture(scope="module")
def ensemble():
    return trained(BOT)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: "+".join(policy["name"] for policy in s["policies"]))
def test_predictions_are_those_of_rasa(setting):
    project = read_text((RECORDED / "project.yml").read_text())
    trackers = training_trackers(project.stories, project.domain)
    learned = Ensemble.train(setting["policies"], trackers, project.domain)
    ensemble = Ensemble.load(setting["policies"], learned.save(), project.domain)
    checked = 0
    for conversation in setting["conversations"]:
        expected = {row[0]: row[1:] for row in conversation["predictions"]}
        tracker = Tracker("someone", project.domain.slots)
        for number, event in enumerate(conversation["events"], 1):
            tracker.apply(from_dict(event))
            if number in expected:
                assert told(ensemble.predict(tracker)) == expected[number], (number, conversation["events"][:number])
                checked += 1
    assert checked > 40


def told(prediction):
    """A prediction as it was recorded: action, policy, scores, flags, events by name or what they say."""
    flags = {
        "hide": prediction.hide_rule_turn,
        "no_user": prediction.is_no_user_prediction,
        "e2e": prediction.is_end_to_end,
    }
    assert prediction.confidence == max(prediction.scores.values())
    return [
        prediction.action,
        prediction.policy,
        {action: score for action, score in prediction.scores.items() if score},
        [flag for flag, is_set in flags.items() if is_set],
        [getattr(event, "use_text_for_featurization", event.type_name) for event in prediction.events],
    ]


def test_scores_name_all_actions_of_the_domain_in_its_order(ensemble):
    prediction = Talk(ensemble).say("bye").next()
    assert list(prediction.scores) == ensemble.domain.action_names
    assert {name: score for name, score in prediction.scores.items() if score} == {
        "utter_bye": 1.0,
        "action_default_fallback": 0.3,
    }


def test_the_message_is_followed_by_how_it_was_looked_at(ensemble):
    talk = Talk(ensemble).say("bye")
    assert [event for event in talk.next().events if isinstance(event, UserFeaturization)][0] is not None
    talk.run()
    assert talk.next().events == []


def test_stories_win_by_confidence_and_rules_by_priority(ensemble):
    talk = Talk(ensemble)
    assert (talk.say("greet").next().policy, talk.next().action) == ("MemoizationPolicy", "utter_greet")
    rules_first = trained(BOT.replace("max_history: 3}", "max_history: 3, priority: 9}"))
    assert Talk(rules_first).say("bye").next().policy == "RulePolicy"
    both = BOT + "- rule: greet\n  steps: [{intent: greet}, {action: utter_greet}]\n  conversation_start: true\n"
    assert Talk(trained(both)).say("greet").next().policy == "RulePolicy"
    memory_first = both.replace("max_history: 3}", "max_history: 3, priority: 9}")
    assert Talk(trained(memory_first)).say("greet").next().policy == "MemoizationPolicy"


def test_an_action_that_was_rejected_is_not_predicted_again(ensemble):
    talk = Talk(ensemble).say("bye").happen(ActionExecutionRejected("utter_bye"))
    prediction = talk.next()
    assert (prediction.action, prediction.scores["utter_bye"]) == ("action_default_fallback", 0.0)
    talk.happen(ActionExecuted("utter_again"), ActionExecuted("action_listen"))
    assert talk.say("bye").next().action == "utter_bye"


def test_an_unknown_action_may_have_been_rejected(ensemble):
    assert Talk(ensemble).say("bye").happen(ActionExecutionRejected("mystery")).next().action == "utter_bye"


def test_nothing_known_and_no_fallback_means_listen_without_confidence():
    text = BOT.replace("{name: RulePolicy}", "{name: RulePolicy, enable_fallback_prediction: false}")
    prediction = Talk(trained(text)).say("greet").say("bye").say("greet").happen(ActionExecuted("utter_no")).next()
    assert (prediction.action, prediction.confidence, prediction.policy) == ("action_listen", 0.0, "RulePolicy")


def test_without_configuration_memory_rules_and_what_was_learned_decide():
    project = read_text(BOT)
    trackers = training_trackers(project.stories, project.domain, 0)
    for config in (None, []):
        ensemble = Ensemble.train(config, trackers, project.domain)
        assert [policy.name for policy in ensemble.policies] == ["MemoizationPolicy", "RulePolicy", "TEDPolicy"]


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        pytest.param({"name": "FormPolicy"}, "no longer exists. RulePolicy runs forms", id="removed"),
        pytest.param({"name": "MappingPolicy"}, "Write a rule", id="removed, with advice"),
        pytest.param({"name": "MyPolicy"}, "'MyPolicy', which is unknown", id="unknown"),
        pytest.param({"name": None}, "None, which is unknown", id="no name"),
        pytest.param({"name": "MemoizationPolicy", "max_histroy": 3}, "no option 'max_histroy'", id="misspelt option"),
        pytest.param({"name": "MemoizationPolicy", "max_history": "3"}, "a whole number from 0", id="text for number"),
        pytest.param({"name": "MemoizationPolicy", "max_history": True}, "a whole number from 0", id="bool for number"),
        pytest.param({"name": "RulePolicy", "restrict_rules": "no"}, "true or false", id="text for bool"),
        pytest.param({"name": "RulePolicy", "core_fallback_threshold": "high"}, "a number", id="text for share"),
        pytest.param({"name": "RulePolicy", "core_fallback_action_name": 3}, "expected text", id="number for name"),
        pytest.param(
            {"name": "RulePolicy", "core_fallback_action_name": "utter_none"}, "no such action", id="no such fallback"
        ),
        pytest.param(
            {"name": "MemoizationPolicy"}, "the form 'order_form', which only RulePolicy", id="form, no rules"
        ),
    ],
)
def test_wrong_configuration_is_refused_with_advice(policy, says):
    project = read_text(BOT)
    with pytest.raises(ConfigError, match=says):
        Ensemble.train([policy], training_trackers(project.stories, project.domain, 0), project.domain)


def test_rules_without_a_rule_policy_are_reported():
    project = read_text(BOT.replace("forms: {order_form: {required_slots: []}}", "actions: [order_form]"))
    told: list[str] = []
    trackers = training_trackers(project.stories, project.domain, 0)
    Ensemble.train([{"name": "MemoizationPolicy"}], trackers, project.domain, report=told.append)
    assert len(told) == 1 and "no RulePolicy" in told[0]


def test_a_class_path_is_read_as_the_name_at_its_end():
    project = read_text(BOT)
    config = [{"name": "rasa.core.policies.rule_policy.RulePolicy"}]
    ensemble = Ensemble.train(config, training_trackers(project.stories, project.domain, 0), project.domain)
    assert [policy.name for policy in ensemble.policies] == ["RulePolicy"]


def test_an_action_that_the_domain_lacks_is_named_with_its_line():
    project = read_text(BOT.replace("{action: utter_again}", "{action: utter_agian}"), "bot.yml")
    with pytest.raises(DataError, match=r"story 'twice' has the action 'utter_agian'.*bot.yml, line \d+") as caught:
        Ensemble.train(None, training_trackers(project.stories, project.domain, 0), project.domain)
    assert caught.value.line is not None


def test_the_same_project_gives_the_same_bytes(ensemble):
    assert trained(BOT).save() == trained(BOT).save() == ensemble.save()
    assert sorted(ensemble.save()) == [
        "00-MemoizationPolicy/memorized_turns.json",
        "01-RulePolicy/rules.json",
        "ensemble.json",
    ]


@pytest.mark.parametrize(
    "name", ["ensemble.json", "00-MemoizationPolicy/memorized_turns.json", "01-RulePolicy/rules.json"]
)
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="missing"),
        pytest.param(b"{", id="no JSON"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"3", id="a number"),
        pytest.param(b'{"states": [3], "examples": [], "rules": [3]}', id="wrong inside"),
        pytest.param(b'{"states": [{"user": {"intent": {}}}], "examples": [[[0], "utter_greet"]]}', id="wrong state"),
        pytest.param(b'{"states": [{}], "examples": [[[7], "utter_greet"]]}', id="wrong number"),
        pytest.param(
            b'{"states": [{}], "examples": [[[0], "os.system"]], "loops": [], "rule_only_slots": [], "hidden": [],'
            b' "rule_only_loops": [], "rules": [{"states": [{}], "action": "os.system", "hidden": false}]}',
            id="unknown action",
        ),
    ],
)
def test_damaged_files_are_refused(ensemble, name, content):
    members = {**ensemble.save(), name: content}
    if content is None:
        del members[name]
    config = [{"name": "MemoizationPolicy"}, {"name": "RulePolicy"}]
    with pytest.raises(ModelError, match="Train the model again"):
        Ensemble.load(config, members, ensemble.domain)


def test_a_model_of_other_policies_or_another_domain_is_refused(ensemble):
    with pytest.raises(ModelError, match="which the configuration does not have"):
        Ensemble.load([{"name": "RulePolicy"}], ensemble.save(), ensemble.domain)
    with pytest.raises(ModelError, match="names actions that the domain does not have"):
        config = [{"name": "MemoizationPolicy"}, {"name": "RulePolicy"}]
        Ensemble.load(config, ensemble.save(), Domain.empty())


def test_cost_does_not_grow_with_the_conversation(ensemble):
    def seconds(turns):
        talk = Talk(ensemble)
        for _ in range(turns):
            talk.answers("greet")
            talk.answers("bye")
        talk.say("bye").next()
        spent = []
        for _ in range(50):
            begin = time.perf_counter()
            talk.next()
            spent.append(time.perf_counter() - begin)
        return sorted(spent)[10]

    assert seconds(600) < 3 * seconds(5)


def test_threads_may_share_an_ensemble(ensemble):
    found: list[list[str]] = []

    def talk():
        conversation = Talk(ensemble)
        found.append([name for _ in range(30) for name in conversation.answers("bye") + conversation.answers("greet")])

    threads = [threading.Thread(target=talk) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and all(names == found[0] for names in found)
