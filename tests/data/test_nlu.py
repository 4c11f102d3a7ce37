"""Training data for understanding: every form of entry, places of examples, and faults with file and line."""

from __future__ import annotations

import pytest

from botapi.data import nlu
from botapi.data.examples import Example, TrainingData, merge_all
from botapi.errors import DataError

EVERYTHING = """version: "3.1"
nlu:
- intent: greet
  metadata:
    kind: social
  examples: |
    - hello
    - hi, [Ann](name)

    -  good   morning
- intent: faq/ask_price
  examples:
  - text: |
      how much?
    metadata:
      source: mail
  - text: price
  - what does it cost
- synonym: New York
  examples: |
    - NYC
    - big apple
- regex: zip
  examples: |
    - \\b\\d{5}\\b
- lookup: city
  examples: |
    - Rome
    - Oslo
- lookup: city
  examples: |
    - Bern
responses:
  utter_faq/ask_price:
  - text: 5 dollars
"""


def test_every_form_of_entry_is_read():
    data = nlu.read(EVERYTHING, "nlu.yml")
    social = {"intent": {"kind": "social"}}
    name = {"start": 4, "end": 7, "value": "Ann", "entity": "name"}
    assert data.examples == [
        Example("hello", "greet", (), social, "nlu.yml", 7),
        Example("hi, Ann", "greet", (name,), social, "nlu.yml", 8),
        Example("good   morning", "greet", (), social, "nlu.yml", 10),
        Example("how much?", "faq/ask_price", (), {"example": {"source": "mail"}}, "nlu.yml", 13),
        Example("price", "faq/ask_price", (), {}, "nlu.yml", 17),
        Example("what does it cost", "faq/ask_price", (), {}, "nlu.yml", 18),
    ]
    assert data.synonyms == {"NYC": "New York", "big apple": "New York"}
    assert data.regexes == [{"name": "zip", "pattern": "\\b\\d{5}\\b"}]
    assert data.lookups == [{"name": "city", "elements": ["Rome", "Oslo", "Bern"]}]
    assert data.responses == {"utter_faq/ask_price": [{"text": "5 dollars"}]}
    assert (data.intents, data.retrieval_intents, data.entities) == (["greet", "faq"], ["faq"], ["name"])


def test_a_value_in_a_mark_is_a_synonym():
    data = nlu.read('nlu:\n- intent: go\n  examples: |\n    - to [NYC]{"entity": "city", "value": "New York"}\n')
    assert data.synonyms == {"NYC": "New York"}


def test_of_two_meanings_of_a_synonym_the_later_counts_and_is_reported(caplog):
    text = "nlu:\n- synonym: a\n  examples: |\n    - x\n- synonym: b\n  examples: |\n    - x\n"
    assert nlu.read(text, "nlu.yml").synonyms == {"x": "b"}
    assert "'x' becomes a synonym of 'b', no longer of 'a' (nlu.yml, line 7)" in caplog.text


def test_lines_without_a_dash_are_left_out_and_reported(caplog):
    data = nlu.read("nlu:\n- intent: go\n  examples: |\n    - a\n    b\n    -\n", "nlu.yml")
    assert [example.text for example in data.examples] == ["a"]
    assert "without a dash, which is left out (nlu.yml, line 5)" in caplog.text


def test_an_intent_without_examples_is_reported(caplog):
    assert nlu.read('nlu:\n- intent: go\n  examples: ""\n', "nlu.yml").examples == []
    assert "'go' has no examples (nlu.yml, line 2)" in caplog.text


@pytest.mark.parametrize("text", ["", "nlu:\n", "nlu: []", "stories: []", 'version: "3.1"'])
def test_no_training_data_is_no_fault(text):
    assert nlu.read(text) == TrainingData()


FAULTS = [
    pytest.param("- a", "no mapping", None, id="a list"),
    pytest.param("nlu: greet", "not a list", 1, id="nlu is text"),
    pytest.param("nlu:\n- greet", "has to be one of", 2, id="entry is text"),
    pytest.param("nlu:\n- intend: x", "has to be one of", 2, id="misspelt entry"),
    pytest.param("nlu:\n- intent: a\n  regex: b", "has to be one of", 2, id="two kinds at once"),
    pytest.param("nlu:\n- intent: 5\n  examples: x", "5 is not text", 2, id="intent is a number"),
    pytest.param("nlu:\n- intent: a\n  exampels: x", "unknown key 'exampels'", 3, id="misspelt key"),
    pytest.param("nlu:\n- intent: a", "has no examples", 2, id="no examples"),
    pytest.param("nlu:\n- synonym: a\n  examples: [b]", "has no examples", 3, id="list of synonyms"),
    pytest.param("nlu:\n- intent: a\n  examples: 5", "are 5", 3, id="examples are a number"),
    pytest.param("nlu:\n- intent: a\n  examples:\n  - text: 5", "has no text", 4, id="text is a number"),
    pytest.param("nlu:\n- intent: a\n  examples:\n  - yes: 5", "has no text", 4, id="example without text"),
    pytest.param("nlu:\n- intent: a\n  examples:\n  - text: x\n    meta: y", "unknown key 'meta'", 5, id="unknown key"),
    pytest.param("nlu:\n- intent: a\n  examples: |\n    - x\n    - [a]{b}", "not valid JSON", 5, id="broken mark"),
    pytest.param("nlu: []\nresponses:\n  utter_a: x", "expected a list", 3, id="response is text"),
    pytest.param("nlu:\n- intent: a\n  examples: |\n   - x\n  - y", "not valid YAML", 5, id="broken YAML"),
]


@pytest.mark.parametrize(("text", "message", "line"), FAULTS)
def test_a_fault_names_file_and_line(text, message, line):
    with pytest.raises(DataError) as caught:
        nlu.read(text, "nlu.yml")
    assert message in str(caught.value)
    assert caught.value.file == "nlu.yml"
    assert caught.value.line == line


def test_ten_thousand_examples_are_read():
    block = "".join(f"    - example number {n} with [x](y)\n" for n in range(100))
    text = "nlu:\n" + "".join(f"- intent: i{n}\n  examples: |\n{block}" for n in range(100))
    assert len(nlu.read(text).examples) == 10_000


def test_training_data_is_merged_in_order():
    first = nlu.read("nlu:\n- intent: a\n  examples: |\n    - x\n- synonym: s\n  examples: |\n    - t\n")
    second = nlu.read("nlu:\n- intent: b\n  examples: |\n    - y\n- synonym: u\n  examples: |\n    - t\n")
    merged = merge_all([first, second])
    assert merged.intents == ["a", "b"]
    assert merged.synonyms == {"t": "u"}
    assert [example.text for example in merged.intent_examples()] == ["x", "y"]
    assert list(merged.entity_examples()) == []
