"""Responses split into messages, and what a user message fills in by itself."""

from __future__ import annotations

import pytest

from botapi.state.messages import CollectingOutput, UserMessage, parts

BUTTONS = [{"title": "Sure", "payload": "/yes_please"}]


@pytest.mark.parametrize(
    ("response", "messages"),
    [
        pytest.param({"text": "Hello"}, [{"text": "Hello"}], id="text"),
        pytest.param(
            {"text": " One\n\nTwo\nstill two.\n"}, [{"text": "One"}, {"text": "Two\nstill two."}], id="paragraphs"
        ),
        pytest.param({"text": "", "image": None, "buttons": [], "elements": None}, [], id="nothing"),
        pytest.param(
            {"text": "Well?\n\nWell?", "buttons": BUTTONS},
            [{"text": "Well?\n\nWell?", "buttons": BUTTONS}],
            id="buttons",
        ),
        pytest.param(
            {"text": "Well?", "quick_replies": BUTTONS}, [{"text": "Well?", "buttons": BUTTONS}], id="quick replies"
        ),
        pytest.param(
            {"text": "Well?", "quick_replies": BUTTONS, "buttons": [{"title": "No"}]},
            [{"text": "Well?", "buttons": BUTTONS}],
            id="quick replies before buttons",
        ),
        pytest.param({"text": None, "buttons": BUTTONS}, [{"buttons": BUTTONS}], id="buttons without text"),
        pytest.param(
            {
                "attachment": {"type": "file"},
                "image": "i.png",
                "custom": {"a": 1},
                "text": "All",
                "elements": [{"title": "Mug"}],
            },
            [
                {"text": "All"},
                {"custom": {"a": 1}},
                {"image": "i.png"},
                {"attachment": {"type": "file"}},
                {"text": "Mug : ", "buttons": []},
            ],
            id="order",
        ),
        pytest.param(
            {"elements": [{"title": "Mug", "subtitle": "holds tea", "buttons": BUTTONS}, "not an element"]},
            [{"text": "Mug : holds tea", "buttons": BUTTONS}],
            id="elements",
        ),
        pytest.param({"elements": 5, "text": 7}, [{"text": "7"}], id="wrong types"),
    ],
)
def test_parts_are_those_of_the_reference(response, messages):
    assert list(parts("anna", response)) == [{"recipient_id": "anna", **message} for message in messages]


def test_parts_leave_the_response_alone():
    response = {"text": "Hello", "image": "i.png", "buttons": list(BUTTONS)}
    list(parts("anna", response))
    assert response == {"text": "Hello", "image": "i.png", "buttons": BUTTONS}


def test_collecting_output_keeps_the_order():
    output = CollectingOutput()
    output.send("anna", {"text": "One"})
    output.send("ben", {"text": "Two", "utter_action": "utter_two"})
    assert output.name == "collector"
    assert output.messages == [{"recipient_id": "anna", "text": "One"}, {"recipient_id": "ben", "text": "Two"}]


def test_user_message_fills_in_what_is_missing():
    first, second = UserMessage(" hi \n"), UserMessage(None, sender_id=7, message_id=12)
    assert (first.text, first.sender_id, first.input_channel) == ("hi", "default", "rest")
    assert len(first.message_id) == 32 and int(first.message_id, 16)
    assert (second.text, second.sender_id, second.message_id) == (None, "7", "12")
    assert first.output is not second.output and first.metadata is not second.metadata
