"""Cross-file checks: each fault is found once, with its place, and a sound project has none."""

from __future__ import annotations

import pytest

from botapi.data import project
from botapi.data.check import check

SOUND = """
intents: [greet, faq]
entities:
- name:
    roles: [first]
slots:
  name:
    type: text
    mappings:
    - {type: from_entity, entity: name, intent: greet, conditions: [{active_loop: form}]}
forms:
  form: {required_slots: [name], ignored_intents: [faq]}
responses:
  utter_greet: [{text: Hi}]
  utter_ask_name: [{text: Name?}]
  utter_faq/a: [{text: A}]
nlu:
- intent: greet
  examples: |
    - hi [Ann]{"entity": "name", "role": "first"}
- intent: faq/a
  examples: |
    - why
- regex: r
  examples: |
    - a+
stories:
- story: s
  steps:
  - intent: greet
    entities: [name]
  - or:
    - slot_was_set: [name: x]
    - intent: faq
  - action: form
  - active_loop: form
  - active_loop: null
  - action: utter_greet
  - checkpoint: c
- story: t
  steps:
  - checkpoint: c
    slot_was_set: [name: x]
  - intent: faq
  - action: utter_faq
"""


def findings(text: str) -> list[str]:
    return [str(finding) for finding in check(project.read_text(text, "p.yml"))]


def test_a_sound_project_has_no_findings():
    assert findings(SOUND) == []


FAULTS = [
    (
        "intents: [greet, faq]",
        "intents: [faq]",
        "error: The intent 'greet' has examples but is not in the domain. (p.yml, line 20)",
    ),
    (
        "- intent: faq\n  - action: utter_faq",
        "- intent: x\n  - action: utter_faq",
        "error: The story 't' uses the intent 'x'",
    ),
    (
        "- action: utter_greet",
        "- action: utter_x",
        "error: The story 's' uses the action 'utter_x', which is not in the domain. (p.yml, line 38)",
    ),
    ("- action: utter_greet", "- active_loop: x", "error: The story 's' uses the form 'x'"),
    ("- action: utter_greet", "- bot: Hi", "warning: The action 'utter_greet' is used in no story and no rule."),
    ("entities: [name]\n", "entities: [x]\n", "error: The story 's' uses the entity 'x'"),
    (
        "- slot_was_set: [name: x]\n    - intent",
        "- slot_was_set: [z: x]\n    - intent",
        "error: The story 's' uses the slot 'z'",
    ),
    ("  - checkpoint: c\n- story", "- story", "warning: No story leads to the checkpoint 'c'. (p.yml, line 41)"),
    (
        "  - checkpoint: c\n    slot",
        "  - checkpoint: d\n    slot",
        "warning: No story begins with the checkpoint 'c'. (p.yml, line 39)",
    ),
    (
        "slot_was_set: [name: x]\n  - intent: faq\n  - action",
        "slot_was_set: [z: x]\n  - intent: faq\n  - action",
        "error: The story 't' checks the slot 'z'",
    ),
    ('"role": "first"', '"role": "last"', "error: The role 'last' of entity 'name' is not in the domain."),
    ('"entity": "name"', '"entity": "z"', "error: The entity 'z' is marked in an example but is not in the domain."),
    ("- why", "- hi ann", "warning: 'hi ann' is an example of both 'greet' (line 20) and 'faq/a'. (p.yml, line 23)"),
    ("intent: faq/a", "intent: faq/b", "error: The retrieval intent 'faq/b' has no response utter_faq/b."),
    ("- a+", "- (a", "error: The pattern '(a' of regex 'r' is not valid"),
    (
        "entity: name, intent: greet",
        "entity: q, intent: greet",
        "error: The slot 'name' is filled from the entity 'q', which is unknown.",
    ),
    (
        "entity: name, intent: greet",
        "entity: name, intent: q",
        "error: A mapping of slot 'name' names the unknown intent 'q'.",
    ),
    ("active_loop: form}]", "active_loop: q}]", "error: A mapping of slot 'name' names the unknown form 'q'."),
    (
        "required_slots: [name]",
        "required_slots: [q]",
        "error: The form 'form' requires the slot 'q', which is not in the domain.",
    ),
    (
        "ignored_intents: [faq]",
        "ignored_intents: [q]",
        "error: The form 'form' ignores the intent 'q', which is not in the domain.",
    ),
    ("utter_ask_name", "utter_other", "warning: The form 'form' has no response utter_ask_name to ask for its slot."),
    ("intents: [greet, faq]", "intents: [greet, faq, bye]", "warning: The intent 'bye' of the domain has no examples."),
    (
        "intents: [greet, faq]",
        "intents: [greet, faq, bye]",
        "warning: The intent 'bye' is used in no story and no rule.",
    ),
]


@pytest.mark.parametrize(("part", "change", "expected"), FAULTS)
def test_a_fault_is_found(part, change, expected):
    assert part in SOUND
    found = findings(SOUND.replace(part, change, 1))
    assert [finding for finding in found if finding.startswith(expected)] != []
    assert len(found) == len(set(found))


def test_errors_come_first():
    found = findings(SOUND.replace("intents: [greet, faq]", "intents: [bye, faq]"))
    levels = [finding.split(":")[0] for finding in found]
    assert levels == sorted(levels) and set(levels) == {"error", "warning"}


def test_a_checkpoint_in_a_rule_is_an_error():
    text = "intents: [a]\nrules:\n- rule: r\n  steps:\n  - intent: a\n  - checkpoint: c\n"
    assert "error: The rule 'r' has a checkpoint; rules can't have any, use a story. (p.yml, line 6)" in findings(text)
