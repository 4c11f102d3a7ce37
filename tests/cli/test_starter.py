"""The starter bot keeps what its own test stories promise, and talks sense."""

from __future__ import annotations

import re

import pytest

from botapi.agent.loader import load_agent
from botapi.data.project import read_folder
from botapi.data.steps import ActionStep, UserStep
from botapi.model import find, open_model
from botapi.settings import Settings
from botapi.state.events import ActionExecuted
from botapi.state.messages import CollectingOutput, UserMessage


@pytest.fixture(scope="module")
def agent(starter):
    agent = load_agent(
        Settings(endpoints={"tracker_store": {"type": "in_memory"}}), open_model(find(starter / "models"))
    )
    yield agent
    agent.close()


def say(agent, sender, text):
    output = CollectingOutput()
    agent.handle(UserMessage(text, sender, output=output))
    return [message["text"] for message in output.messages]


def test_there_are_test_stories(starter):
    assert len(read_folder(starter, data=["data", "tests"]).tests) == 8


@pytest.mark.parametrize("number", range(8))
def test_test_stories_come_out_as_written(agent, starter, number):
    story = read_folder(starter, data=["data", "tests"]).tests[number]
    for step in story.steps:
        if isinstance(step, UserStep):
            say(agent, story.name, step.text)
            assert agent.parse(step.text)["intent"]["name"] == step.intent or step.text[0].isdigit()
    with agent.conversation(story.name) as conversation:
        ran = [event.name for event in conversation.tracker.events if isinstance(event, ActionExecuted)]
    told = [step.name for step in story.steps if isinstance(step, ActionStep)]
    assert [name for name in ran if name not in ("action_session_start", "action_listen")] == told


@pytest.mark.parametrize(
    "text, intent, entities",
    [
        ("hello!", "greet", {}),
        ("could you repair my disc brake tomorrow?", "book_repair", {"service": "brakes", "day": "tomorrow"}),
        ("what would a tune-up cost", "ask_prices", {"service": "full service"}),
        ("are you open on sunday", "ask_hours", {"day": "Sunday"}),
        ("is 1042 finished", "repair_status", {"repair_number": "1042"}),
        ("where's your shop", "ask_address", {}),
        ("i want to speak to a person", "talk_to_human", {}),
        ("are you a robot", "bot_challenge", {}),
        ("oh forget about it", "stop", {}),
        ("thanks so much", "thank", {}),
        ("can i rent one of your bikes", "ask_loan_bike", {}),
        ("asdf qwer", "nlu_fallback", {}),
    ],
)
def test_it_understands_what_is_not_among_its_examples(agent, text, intent, entities):
    found = agent.parse(text)
    assert found["intent"]["name"] == intent
    assert {entity["entity"]: entity["value"] for entity in found["entities"]} == entities


def test_it_books_in_one_sentence_and_asks_for_what_is_missing(agent):
    assert say(agent, "one", "my brakes squeak, can I come on friday?") == [
        "Under which phone number can we reach you?"
    ]
    assert say(agent, "one", "0171 22 33 44") == [
        "Booked: brakes on Friday, and we call 0171 22 33 44. If that's wrong, tell me another job or day, or cancel."
    ]
    assert say(agent, "one", "please cancel the booking") == ["Cancelled. Come back any time."]


def test_without_an_action_server_it_says_whom_to_call(agent):
    assert say(agent, "two", "is my bike ready?") == [
        "I can't look into the workshop's book just now. Call 555 0134 and somebody will."
    ]


def test_every_response_is_said_somewhere_or_asked_by_the_form(starter):
    project = read_folder(starter)
    told = {step.name for story in project.stories for step in story.steps if isinstance(step, ActionStep)}
    silent = [name for name in project.domain.responses if name not in told and not re.match("utter_ask_", name)]
    assert silent == ["utter_default"]  # what action_default_fallback says
