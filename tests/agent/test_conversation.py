"""One conversation at work: sessions, follow-ups, pauses, rejections, circles and triggers, with a trained bot."""

from __future__ import annotations

import time

import pytest

from botapi.agent.conversation import MAX_PREDICTIONS
from botapi.data.project import read_text
from botapi.errors import NotFound
from botapi.state import events as ev
from botapi.state.messages import CollectingOutput, UserMessage
from botapi.state.tracker import Verbosity
from botapi.training.train import train
from tests import smallbot


@pytest.fixture
def agent():
    return smallbot.agent()


@pytest.fixture
def conversation(agent):
    with agent.conversation("ann") as found:
        yield found


def say(conversation, text, **options):
    output = CollectingOutput()
    conversation.handle(UserMessage(text, "ann", output=output, **options))
    return [message.get("text") for message in output.messages]


def test_the_first_message_starts_a_session_with_its_metadata(conversation):
    say(conversation, "hello", metadata={"from": "web"})
    first = [(type(event).__name__, getattr(event, "name", None)) for event in conversation.tracker.events[:5]]
    assert first == [
        ("SlotSet", "session_started_metadata"),
        ("ActionExecuted", "action_session_start"),
        ("SessionStarted", None),
        ("SlotSet", "session_started_metadata"),
        ("ActionExecuted", "action_listen"),
    ]


def old_user(minutes, **values):
    return ev.UserUttered("hi", {"intent": {"name": "greet"}}, timestamp=time.time() - 60 * minutes, **values)


@pytest.mark.parametrize(("minutes", "sessions"), [(59, 1), (61, 2)])
def test_a_session_expires_after_an_hour_and_slots_are_carried_over(agent, minutes, sessions):
    listen = ev.ActionExecuted("action_listen")
    agent.replace_events(
        "ann", [ev.SessionStarted(), listen, old_user(minutes), ev.SlotSet("item", "tea"), listen], Verbosity.NONE
    )
    with agent.conversation("ann") as conversation:
        say(conversation, "hello")
        assert len(conversation.tracker.by_session()) == sessions
        assert conversation.tracker.slots["item"] == "tea"


def test_a_follow_up_runs_before_anything_is_predicted(conversation):
    say(conversation, "hello")
    conversation.tracker.apply_all([ev.UserUttered("x", {"intent": {"name": "bye"}}), ev.FollowupAction("utter_greet")])
    found = conversation.predict()
    assert (found.action, found.policy, found.confidence) == ("utter_greet", "followup_action", 1.0)


def test_an_unknown_follow_up_is_ignored(conversation, caplog):
    say(conversation, "hello")
    conversation.tracker.apply_all([ev.UserUttered("x", {"intent": {"name": "bye"}}), ev.FollowupAction("no_action")])
    assert conversation.predict().action == "utter_bye"
    assert "no_action" in caplog.text


def test_a_paused_bot_only_hears_until_it_is_restarted(conversation):
    say(conversation, "hello")
    conversation.tracker.apply(ev.Paused())
    assert say(conversation, "hello") == []
    assert conversation.tracker.latest_message.text == "hello"
    say(conversation, "/restart")
    assert not conversation.tracker.paused
    assert say(conversation, "hello") == ["Hello there."]


def test_a_custom_action_without_a_server_is_recorded_and_the_turn_goes_on(conversation, caplog):
    say(conversation, "hello")
    with pytest.raises(NotFound):
        conversation.execute("action_unknown", None, None, CollectingOutput())


def test_triggering_goes_on_as_if_the_user_had_said_it(conversation):
    output = CollectingOutput()
    conversation.trigger("order", {"item": "tea"}, output)
    assert [message["text"] for message in output.messages] == ["You get tea."]
    assert conversation.tracker.latest_message.text == "EXTERNAL: order"
    with pytest.raises(NotFound, match="nothing_such"):
        conversation.trigger("nothing_such", [], output)


def test_hearing_predicts_nothing(conversation):
    conversation.hear(UserMessage('/order{"item": "tea"}', "ann"))
    assert conversation.tracker.slots["item"] == "tea"
    assert isinstance(conversation.tracker.events[-1], ev.SlotSet)


def test_predicting_lists_every_action_best_first(conversation):
    conversation.hear(UserMessage("bye", "ann"))
    found = conversation.prediction(Verbosity.NONE)
    assert found["scores"][0] == {"action": "utter_bye", "score": 1.0}
    assert found["scores"] == sorted(found["scores"], key=lambda one: (-one["score"], one["action"]))
    assert {one["action"] for one in found["scores"]} == set(conversation.bot.domain.action_names)


CIRCLE = """
intents: [go]
responses:
  utter_again: [{text: "Again."}]
pipeline: [{name: KeywordIntentClassifier}]
policies: [{name: RulePolicy}]
nlu:
  - intent: go
    examples: "- go"
rules:
  - rule: begin
    steps: [{intent: go}, {action: utter_again}]
    wait_for_user_input: false
  - rule: go on
    steps: [{action: utter_again}, {action: utter_again}]
    wait_for_user_input: false
"""


def test_rules_that_lead_in_a_circle_are_stopped(tmp_path, caplog):
    path = train(read_text(CIRCLE), tmp_path).path
    agent = smallbot.agent()
    agent.load_model(path)
    with agent.conversation("ann") as conversation:
        assert say(conversation, "go") == ["Again."] * MAX_PREDICTIONS
    assert "lead in a circle" in caplog.text


def test_a_form_that_the_domain_lacks_strands_nobody(conversation):
    say(conversation, "hello")
    conversation.tracker.apply(ev.ActiveLoop("form_of_an_older_model"))
    assert say(conversation, "bye") == ["So long.", "Come again."]
