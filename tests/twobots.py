"""Two small bots that answer the same message with two messages each, in other words: nothing in, archives out."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from botapi.data.project import read_text
from botapi.training.train import train

PROJECT = """
version: "3.1"
language: en
assistant_id: {name}
pipeline: [{{name: WhitespaceTokenizer}}, {{name: KeywordIntentClassifier}}]
policies: [{{name: RulePolicy}}]
intents: [greet]
responses:
  utter_first: [{{text: first {name}}}]
  utter_second: [{{text: second {name}}}]
nlu:
  - intent: greet
    examples: "- hello"
rules:
  - rule: greeting
    steps: [{{intent: greet}}, {{action: utter_first}}, {{action: utter_second}}]
"""


@cache
def archive(name: str) -> Path:
    """The trained archive of the bot `name`; one for all tests of a process."""
    folder = mkdtemp(prefix="twobots-")
    return train(read_text(PROJECT.format(name=name)), folder, fixed_name=name).path
