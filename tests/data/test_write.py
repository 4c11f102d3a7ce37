"""Text of story and training data files: test stories as Rasa writes them, and files that read back."""

from __future__ import annotations

import pytest

from botapi import yamlfile
from botapi.data import nlu, stories, write
from botapi.state.events import (
    ActionExecuted,
    ActiveLoop,
    BotUttered,
    Restarted,
    Rewound,
    SessionStarted,
    SlotSet,
    UserFeaturization,
    UserUttered,
)


def said(text, intent=None, entities=(), **more):
    return UserUttered(text=text, parse_data={"intent": {"name": intent, **more}, "entities": list(entities)})


def test_a_conversation_becomes_a_test_story():
    events = [
        ActionExecuted("action_session_start"),
        SessionStarted(),
        ActionExecuted("action_listen"),
        said("/greet", "greet"),
        UserFeaturization(False),
        ActionExecuted("utter_greet"),
        BotUttered("Hello"),
        ActionExecuted("action_unlikely_intent"),
        said(
            "from Oslo by tram",
            "inform",
            [
                {"start": 5, "end": 9, "value": "Oslo", "entity": "city", "role": "from", "extractor": "X"},
                {"start": 13, "end": 17, "value": "tram", "entity": "by"},
            ],
        ),
        SlotSet("city", "Oslo"),
        SlotSet("tags", ["x", "y"]),
        SlotSet("extra", {"k": 1}),
        SlotSet("note", 'a: "b" #c'),
        SlotSet("zip", "90210"),
        SlotSet("answer", "yes"),
        SlotSet("gone", None),
        SlotSet("qty", 2),
        ActionExecuted(None),
        ActionExecuted(None, action_text="Said end to end"),
        ActiveLoop("form"),
        Rewound(),
        Restarted(),
        ActiveLoop(None),
        said("how much", "faq", full_retrieval_intent_name="faq/ask_price"),
        UserUttered(text="typed only"),
        UserUttered(text=None, parse_data={"intent": {"name": "greet"}}),
        UserUttered(text=None),
    ]
    assert write.story_yaml([events], ["someone"]) == (
        'version: "3.1"\n'
        "stories:\n"
        "- story: someone\n"
        "  steps:\n"
        "  - intent: greet\n"
        "    user: |-\n"
        "      /greet\n"
        "  - action: utter_greet\n"
        "  - intent: inform\n"
        "    user: |-\n"
        '      from [Oslo]{"entity": "city", "role": "from"} by [tram](by)\n'
        "  - slot_was_set:\n"
        "    - city: Oslo\n"
        "  - slot_was_set:\n"
        "    - tags:\n"
        "      - x\n"
        "      - y\n"
        "  - slot_was_set:\n"
        "    - extra:\n"
        "        k: 1\n"
        "  - slot_was_set:\n"
        "    - note: 'a: \"b\" #c'\n"
        "  - slot_was_set:\n"
        "    - zip: '90210'\n"
        "  - slot_was_set:\n"
        "    - answer: yes\n"
        "  - slot_was_set:\n"
        "    - gone: null\n"
        "  - slot_was_set:\n"
        "    - qty: 2\n"
        "  - bot: Said end to end\n"
        "  - active_loop: form\n"
        "  - active_loop: null\n"
        "  - intent: faq/ask_price\n"
        "    user: |-\n"
        "      how much\n"
        "  - user: |-\n"
        "      typed only\n"
        "  - intent: greet\n"
    )


def test_several_conversations_and_none():
    assert write.story_yaml([], []) == 'version: "3.1"\n'
    assert write.story_yaml([[], []], ["a, story 1", "007"]) == (
        "version: \"3.1\"\nstories:\n- story: a, story 1\n  steps: []\n- story: '007'\n  steps: []\n"
    )


@pytest.mark.parametrize(
    "text", ["  two\nlines ", "tab\there", "# x", "- y", "\n", "a\u2028b", "[a]{b}", '[a]{"entity": "c"}', "😀"]
)
def test_whatever_was_said_can_be_read_back(text):
    (story,) = yamlfile.load(write.story_yaml([[said(text, "greet")]], ["x"]))["stories"]
    assert story["steps"][0]["user"] == ("a" if text.startswith('[a]{"') else text)


STORIES = """version: "3.1"
stories:
- story: one
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
  - user: fly to [Rome](city)
  - bot: Good day!
  - slot_was_set:
    - a: 'yes'
    - b
    - c: null
  - or:
    - intent: affirm
    - slot_was_set:
      - a: 2
  - active_loop: null
  - checkpoint: end
rules:
- rule: two
  conversation_start: true
  condition:
  - active_loop: form
  wait_for_user_input: false
  steps:
  - intent: greet
  - action: utter_greet
"""


def test_what_no_file_may_hold_is_replaced_in_stories():
    said = UserUttered("a\x1bb", {"intent": {"name": "greet"}, "entities": []})
    text = write.story_yaml([[said, SlotSet("s\x00", ["\ufffe", {"k\x85": 1}])]], ["n\x7f"])
    assert yamlfile.load(text)["stories"] == [
        {
            "story": "n\ufffd",
            "steps": [
                {"intent": "greet", "user": "a\ufffdb"},
                {"slot_was_set": [{"s\ufffd": ["\ufffd", {"k\x85": 1}]}]},
            ],
        }
    ]


def test_stories_read_back_as_they_were():
    told = stories.read(STORIES)
    again = stories.read(write.stories_yaml(told))
    assert [(s.name, s.steps, s.condition, s.metadata) for s in again] == [
        (s.name, s.steps, s.condition, s.metadata) for s in told
    ]
    assert (again[1].conversation_start, again[1].wait_for_user_input) == (True, False)
    assert write.stories_yaml([]) == 'version: "3.1"\n'


def test_training_data_reads_back_as_it_was():
    text = (
        "nlu:\n- intent: a\n  metadata: {m: 1}\n  examples: |\n    - x [y](z)\n    - 'q' # r\n"
        "- intent: b\n  examples:\n  - text: t\n    metadata: {n: 2}\n  - text: u\n"
        "- synonym: s\n  examples: |\n    - t\n- regex: r\n  examples: |\n    - \\d+\n"
        "- lookup: l\n  examples: |\n    - m\n"
        "responses:\n  utter_a/b: [{text: c}]\n"
    )
    data = nlu.read(text)
    again = nlu.read(write.nlu_yaml(data))
    assert [(e.text, e.intent, e.entities, e.metadata) for e in again.examples] == [
        (e.text, e.intent, e.entities, e.metadata) for e in data.examples
    ]
    assert (again.synonyms, again.regexes, again.lookups, again.responses) == (
        data.synonyms,
        data.regexes,
        data.lookups,
        data.responses,
    )
