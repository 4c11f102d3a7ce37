"""Learning on from a conversation: an archive and events in; one that follows them, and still knows the rest, out."""

from __future__ import annotations

from pathlib import Path

import pytest

from botapi.agent.bot import Services, load_bot
from botapi.data.project import read_text
from botapi.errors import ConfigError, DataError
from botapi.model import Archive, open_model
from botapi.state.events import ActionExecuted, UserUttered
from botapi.state.tracker import Tracker
from botapi.training.finetune import finetune
from botapi.training.train import train

PROJECT = """
intents: [greet, bye, order, thank]
responses:
  utter_greet: [{text: Hello}]
  utter_bye: [{text: Bye}]
  utter_item: [{text: Here}]
  utter_welcome: [{text: Welcome}]
policies: [{name: RulePolicy}, {name: TEDPolicy}]
nlu:
- intent: greet
  examples: '- hello'
- intent: bye
  examples: '- bye'
stories:
- story: one
  steps: [{intent: greet}, {action: utter_greet}, {intent: order}, {action: utter_item}]
- story: two
  steps: [{intent: greet}, {action: utter_greet}, {intent: bye}, {action: utter_bye}]
- story: three
  steps: [{intent: order}, {action: utter_item}, {intent: bye}, {action: utter_bye}]
"""
LISTEN = ActionExecuted("action_listen")


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Archive:
    return open_model(train(read_text(PROJECT), tmp_path_factory.mktemp("models")).path)


def said(intent):
    return UserUttered(intent, parse_data={"intent": {"name": intent, "confidence": 1.0}})


def talk(*turns):
    """Events of a conversation: (intent, action, …) for each turn."""
    return [event for intent, *actions in turns for event in (LISTEN, said(intent), *map(ActionExecuted, actions))]


def next_action(archive: Archive, events) -> tuple[str, float, str]:
    bot = load_bot(archive, Services())
    tracker = Tracker("x", bot.domain.slots)
    tracker.apply_all(events)
    found = bot.ensemble.predict(tracker)
    return found.action, found.confidence, found.policy


def learned_on(archive: Archive, events, folder: Path, rounds=30) -> Archive:
    return open_model(finetune(archive, events, folder, rounds=rounds))


THANKED = talk(("order", "utter_item"), ("thank", "utter_welcome"))


def test_what_no_story_had_is_done_after_one_conversation(trained, tmp_path):
    assert next_action(trained, THANKED[:-1])[0] == "action_default_fallback"
    action, confidence, policy = next_action(learned_on(trained, THANKED, tmp_path), THANKED[:-1])
    assert (action, policy) == ("utter_welcome", "TEDPolicy")
    assert confidence > 0.9


def test_what_stories_taught_is_still_done(trained, tmp_path):
    archive = learned_on(trained, THANKED, tmp_path)
    for events, action in [
        (talk(("greet",)), "utter_greet"),
        (talk(("greet", "utter_greet"), ("bye",)), "utter_bye"),
        (talk(("greet", "utter_greet"), ("order",)), "utter_item"),
        (talk(("order", "utter_item"), ("bye",)), "utter_bye"),
        (talk(("order", "utter_item")), "action_listen"),
    ]:
        before, after = next_action(trained, events), next_action(archive, events)
        assert before[0] == after[0] == action
        assert after[1] > 0.7


def test_another_answer_in_the_same_place_replaces_the_old_one(trained, tmp_path):
    events = talk(("greet", "utter_welcome"))
    assert next_action(learned_on(trained, events, tmp_path), events[:-1])[0] == "utter_welcome"


def test_more_rounds_learn_more(trained, tmp_path):
    events = talk(("greet", "utter_welcome"))

    def confidence(rounds):
        archive = learned_on(trained, events, tmp_path / str(rounds), rounds)
        return dict(load_bot(archive, Services()).ensemble.predict(tracker_of(archive, events[:-1])).scores)[
            "utter_welcome"
        ]

    assert confidence(1) < confidence(30)


def tracker_of(archive, events):
    tracker = Tracker("x", load_bot(archive, Services()).domain.slots)
    tracker.apply_all(events)
    return tracker


def test_all_else_of_the_model_stays_and_it_is_a_new_one(trained, tmp_path):
    archive = learned_on(trained, THANKED, tmp_path)
    changed = {name for name in trained.members if archive.members[name] != trained.members[name]}
    assert changed == {"policies/01-TEDPolicy/learned.json"} and archive.members.keys() == trained.members.keys()
    old, new = trained.metadata, archive.metadata
    assert (new.kind, new.language, new.assistant_id) == (old.kind, old.language, old.assistant_id)
    assert new.model_id != old.model_id
    assert new.fingerprints["nlu"] == old.fingerprints["nlu"]
    assert new.fingerprints["policies"] != old.fingerprints["policies"]
    assert next_action(archive, THANKED[:-1]) == next_action(learned_on(trained, THANKED, tmp_path), THANKED[:-1])


def test_training_the_project_again_forgets_it(trained, tmp_path):
    learned_on(trained, THANKED, tmp_path)
    again = train(read_text(PROJECT), tmp_path, fixed_name="again")
    assert again.trained
    assert next_action(open_model(again.path), THANKED[:-1])[0] == "action_default_fallback"


@pytest.mark.parametrize("events", [[], [said("greet")]], ids=["none", "no action"])
def test_events_without_an_action_are_refused(trained, tmp_path, events):
    with pytest.raises(DataError, match="no action to learn from"):
        finetune(trained, events, tmp_path, rounds=1)
    assert list(tmp_path.iterdir()) == []


def test_an_action_that_the_domain_lacks_is_named(trained, tmp_path):
    with pytest.raises(DataError, match="'utter_dance'"):
        finetune(trained, talk(("greet", "utter_dance")), tmp_path, rounds=1)


def test_a_model_that_can_not_learn_on_says_so(tmp_path):
    project = PROJECT.replace(", {name: TEDPolicy}", "")
    archive = open_model(train(read_text(project), tmp_path).path)
    with pytest.raises(ConfigError, match="TEDPolicy"):
        finetune(archive, THANKED, tmp_path, rounds=1)
