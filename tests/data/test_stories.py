"""Stories and rules: every form of step, and faults with file and line."""

from __future__ import annotations

import pytest

from botapi.data import stories
from botapi.data.steps import (
    ANY_VALUE,
    ActionStep,
    CheckpointStep,
    LoopStep,
    OrStep,
    SlotStep,
    Story,
    UserStep,
)
from botapi.errors import DataError

EVERYTHING = """version: "3.1"
stories:
- story: all steps
  metadata: {author: me}
  steps:
  - checkpoint: start
    slot_was_set:
    - vip: true
  - intent: greet
    entities:
    - name
    - city: Rome
      role: to
    - tag: null
  - intent: /faq/ask_price
  - user: fly to [Rome](city)
  - user: |
      /inform{"city": "Oslo"}
  - action: utter_x
  - bot: Good day!
  - slot_was_set:
    - a: 1
    - b: null
    - c
    - d: [x, y]
      e: no
  - slot_was_set:
      f: z
  - active_loop: form
  - active_loop: null
  - or:
    - intent: affirm
    - slot_was_set:
      - a: 2
  - metadata: ignored
  - checkpoint: end
rules:
- rule: a rule
  condition:
  - active_loop: form
  - slot_was_set:
    - a: 1
  conversation_start: true
  wait_for_user_input: false
  steps:
  - action: ...
  - intent: greet
  - ...
"""


def test_every_form_of_step_is_read(caplog):
    told = stories.read(EVERYTHING, "stories.yml")
    assert told == [
        Story(
            name="all steps",
            metadata={"author": "me"},
            file="stories.yml",
            line=3,
            steps=(
                CheckpointStep(name="start", slots=(("vip", True),)),
                UserStep(
                    intent="greet",
                    entities=(
                        {"entity": "name", "value": ""},
                        {"entity": "city", "value": "Rome", "role": "to"},
                        {"entity": "tag"},
                    ),
                ),
                UserStep(intent="faq", full_intent="faq/ask_price"),
                UserStep(text="fly to Rome", entities=({"start": 7, "end": 11, "value": "Rome", "entity": "city"},)),
                UserStep(
                    text='/inform{"city": "Oslo"}',
                    entities=({"start": 7, "end": 23, "value": "Oslo", "entity": "city"},),
                ),
                ActionStep(name="utter_x"),
                ActionStep(text="Good day!"),
                SlotStep(name="a", value=1),
                SlotStep(name="b", value=None),
                SlotStep(name="c", value=ANY_VALUE),
                SlotStep(name="d", value=["x", "y"]),
                SlotStep(name="e", value="no"),
                SlotStep(name="f", value="z"),
                LoopStep(name="form"),
                LoopStep(name=None),
                OrStep(alternatives=(UserStep(intent="affirm"), SlotStep(name="a", value=2))),
                CheckpointStep(name="end"),
            ),
        ),
        Story(
            name="a rule",
            is_rule=True,
            condition=(LoopStep(name="form"), SlotStep(name="a", value=1)),
            conversation_start=True,
            wait_for_user_input=False,
            file="stories.yml",
            line=38,
            steps=(ActionStep(name="..."), UserStep(intent="greet"), ActionStep(name="...")),
        ),
    ]
    assert [step.line for step in told[0].steps][:4] == [6, 9, 15, 16]
    assert "uses 'faq/ask_price'; only 'faq' is learned (stories.yml, line 15)" in caplog.text


def test_a_test_story_has_intent_and_text(caplog):
    text = "stories:\n- story: s\n  steps:\n  - user: |\n      what does it cost\n    intent: faq/ask_price\n"
    (story,) = stories.read(text, "tests/test_stories.yml")
    assert story.steps == (UserStep(intent="faq", text="what does it cost", full_intent="faq/ask_price"),)
    assert not story.steps[0].is_end_to_end
    assert caplog.text == ""


def test_a_text_without_intent_is_end_to_end():
    (story,) = stories.read("stories:\n- story: s\n  steps:\n  - user: hello\n")
    assert story.steps[0].is_end_to_end


def test_a_story_without_steps_is_left_out_and_reported(caplog):
    assert stories.read("stories:\n- story: s\n  steps: []\n", "s.yml") == []
    assert "The story 's' has no steps and is left out (s.yml, line 2)" in caplog.text


@pytest.mark.parametrize("text", ["", "stories:\n", "nlu: []"])
def test_no_stories_are_no_fault(text):
    assert stories.read(text) == []


def step(written: str) -> str:
    return f"stories:\n- story: s\n  steps:\n  - {written}\n"


FAULTS = [
    pytest.param("- a", "no mapping", None, id="a list"),
    pytest.param("stories: x", "not a list", 1, id="stories are text"),
    pytest.param("stories:\n- x", "has no name", 2, id="story is text"),
    pytest.param("stories:\n- story: 5\n  steps: []", "has no name", 2, id="name is a number"),
    pytest.param("stories:\n- rule: r\n  steps: []", "has no name", 2, id="rule under stories"),
    pytest.param("stories:\n- story: s\n  stpes: []", "unknown key 'stpes'", 3, id="misspelt key"),
    pytest.param("stories:\n- story: s\n  condition: []", "unknown key 'condition'", 3, id="condition of a story"),
    pytest.param("stories:\n- story: s\n  steps: x", "not a list", 3, id="steps are text"),
    pytest.param("rules:\n- rule: r\n  conversation_start: maybe", "true or false", 3, id="conversation_start"),
    pytest.param("rules:\n- rule: r\n  condition:\n  - intent: x", "has to be active_loop", 4, id="condition"),
    pytest.param(step("x"), "none of: intent", 4, id="step is text"),
    pytest.param(step("intnet: x"), "none of: intent", 4, id="misspelt step"),
    pytest.param(step("intent: yes\n    action: x"), "'action' beside 'intent'", 5, id="two steps in one"),
    pytest.param(step("intent: 5"), "not text", 4, id="intent is a number"),
    pytest.param(step("intent:"), "not text", 4, id="intent is empty"),
    pytest.param(step("intent: /"), "not text", 4, id="intent is a slash"),
    pytest.param(step("user: 5"), "expected text", 4, id="user says a number"),
    pytest.param(step("user:"), "neither an intent nor", 4, id="user says nothing"),
    pytest.param(step("intent: x\n    entities: y"), "not a list", 5, id="entities are text"),
    pytest.param(step("intent: x\n    entities:\n    - a: 1\n      b: 2"), "one `name: value`", 6, id="two entities"),
    pytest.param(step("intent: x\n    entities:\n    - 5"), "one `name: value`", 6, id="entity is a number"),
    pytest.param(step("user: '[a]{b}'"), "not valid JSON", 4, id="broken mark"),
    pytest.param(step("action:"), "not text", 4, id="action is empty"),
    pytest.param(step("bot: 5"), "not text", 4, id="bot says a number"),
    pytest.param(step("active_loop: 5"), "not text", 4, id="loop is a number"),
    pytest.param(step("slot_was_set: 5"), "expected `- slot: value`", 4, id="slot is a number"),
    pytest.param(step("slot_was_set:\n    - 5: 5"), "expected `- slot: value`", 4, id="slot name is a number"),
    pytest.param(step("checkpoint: c\n    slot_was_set: [s]"), "has no value", 5, id="checkpoint without value"),
    pytest.param(step("or: x"), "not a list", 4, id="or is text"),
    pytest.param(step("or:\n    - action: x"), "only intents and slot_was_set", 5, id="action in an or"),
]


@pytest.mark.parametrize(("text", "message", "line"), FAULTS)
def test_a_fault_names_file_and_line(text, message, line):
    with pytest.raises(DataError) as caught:
        stories.read(text, "stories.yml")
    assert message in str(caught.value)
    assert (caught.value.file, caught.value.line) == ("stories.yml", line)
