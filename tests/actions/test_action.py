"""What runs an action, and the events that responses become."""

from __future__ import annotations

import pytest

from botapi.actions.action import ActionFailed, ActionRejected, bot_uttered, perform
from botapi.errors import BotError
from botapi.state.events import SlotSet
from tests.actions.talk import Talk


class Doing:
    """An action that does what the test says."""

    name = "action_doing"

    def __init__(self, deed):
        self.deed = deed

    def run(self, turn):
        return self.deed(turn)


def raising(error):
    def deed(turn):
        raise error

    return Doing(deed)


def test_perform_gives_the_events():
    event = SlotSet("a", 1)
    assert perform(Doing(lambda turn: [event]), Talk({}).turn()) == [event]


def test_perform_logs_a_failure_in_one_line(caplog):
    assert perform(raising(ActionFailed("The action 'x' failed.")), Talk({}).turn()) == []
    assert [record.getMessage() for record in caplog.records] == ["The action 'x' failed."]


@pytest.mark.parametrize("error", [ActionRejected("x"), BotError("other"), ZeroDivisionError()])
def test_perform_lets_all_else_pass(error):
    with pytest.raises(type(error)):
        perform(raising(error), Talk({}).turn())


def test_a_rejection_names_the_action():
    assert (str(ActionRejected("x")), ActionRejected("x").action) == ("The action 'x' rejected to run.", "x")


def test_a_turn_on_a_fork_leaves_the_tracker_alone():
    talk = Talk({"slots": {"a": {"type": "any", "mappings": []}}})
    turn = talk.turn()
    other = turn.on(turn.tracker.fork())
    other.tracker.apply(SlotSet("a", 1))
    assert (turn.tracker.slots["a"], other.tracker.slots["a"]) == (None, 1)
    assert len(other.tracker.events) == len(turn.tracker.events) + 1


@pytest.mark.parametrize(
    ("response", "text", "data", "metadata"),
    [
        ({"text": "Hi", "utter_action": "utter_hi"}, "Hi", {}, {"utter_action": "utter_hi"}),
        ({"custom": {"a": 1}, "buttons": []}, None, {"custom": {"a": 1}, "buttons": []}, {}),
        ({"image": "i.png"}, None, {"image": "i.png", "attachment": "i.png"}, {}),
        ({"image": "i.png", "attachment": "a"}, None, {"image": "i.png", "attachment": "a"}, {}),
        ({"metadata": {"mood": 1}, "id": None}, None, {}, {"metadata": {"mood": 1}, "id": None}),
    ],
)
def test_a_response_becomes_an_event(response, text, data, metadata):
    event = bot_uttered(response)
    empty = dict.fromkeys(["elements", "quick_replies", "buttons", "attachment", "image", "custom"])
    assert (event.text, event.data, event.metadata) == (text, {**empty, **data}, metadata)
    assert list(event.data) == list(empty)
