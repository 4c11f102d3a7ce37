"""A small real bot for tests of the edge: nothing in, a trained archive and agents that serve it out."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from botapi.agent.agent import Agent
from botapi.data.project import read_text
from botapi.training.train import train

PROJECT = """
version: "3.1"
language: en
assistant_id: small
pipeline:
  - name: WhitespaceTokenizer
  - name: KeywordIntentClassifier
  - name: FallbackClassifier
    threshold: 0.3
policies:
  - name: MemoizationPolicy
  - name: RulePolicy
intents:
  - greet
  - bye
  - order
  - show
entities:
  - item
slots:
  item:
    type: text
    mappings:
      - type: from_entity
        entity: item
responses:
  utter_greet:
    - text: "Hello there."
  utter_bye:
    - text: |-
        So long.

        Come again.
  utter_show:
    - text: "Look"
      image: "https://img.example/a.png"
      buttons:
        - title: Yes
          payload: /order
  utter_item:
    - text: "You get {item}."
  utter_fallback:
    - text: "What?"
nlu:
  - intent: greet
    examples: |
      - hello
      - hi
  - intent: bye
    examples: |
      - bye
      - so long
  - intent: order
    examples: |
      - order
  - intent: show
    examples: |
      - show
rules:
  - rule: greeting
    steps:
      - intent: greet
      - action: utter_greet
  - rule: leaving
    steps:
      - intent: bye
      - action: utter_bye
  - rule: showing
    steps:
      - intent: show
      - action: utter_show
  - rule: ordering
    steps:
      - intent: order
      - action: utter_item
  - rule: no idea
    steps:
      - intent: nlu_fallback
      - action: utter_fallback
"""


@cache
def archive() -> Path:
    """The trained archive; one for all tests of a process."""
    return train(read_text(PROJECT), mkdtemp(prefix="smallbot-")).path


def agent(**options) -> Agent:
    """A new agent with the small bot; conversations are kept in memory."""
    found = Agent(**options)
    found.load_model(archive())
    return found
