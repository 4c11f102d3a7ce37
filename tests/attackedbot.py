"""A bot with every kind of slot, a form and extractors, for tests of bad input: nothing in, an agent out."""

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
assistant_id: attacked
pipeline:
  - name: WhitespaceTokenizer
  - name: RegexFeaturizer
  - name: LexicalSyntacticFeaturizer
  - name: CountVectorsFeaturizer
  - name: DIETClassifier
    epochs: 5
  - name: RegexEntityExtractor
  - name: EntitySynonymMapper
  - name: ResponseSelector
  - name: FallbackClassifier
    threshold: 0.3
policies:
  - name: MemoizationPolicy
  - name: RulePolicy
intents: [greet, bye, order, faq]
entities: [item, size, city]
slots:
  item: {type: text, mappings: [{type: from_entity, entity: item}]}
  size: {type: categorical, values: [small, large], mappings: [{type: from_entity, entity: size}]}
  amount: {type: float, min_value: 0, max_value: 10, mappings: [{type: from_entity, entity: item, role: amount}]}
  fast: {type: bool, mappings: [{type: from_intent, intent: greet, value: true}]}
  cities: {type: list, mappings: [{type: from_entity, entity: city}]}
  thing: {type: any, mappings: [{type: from_entity, entity: item}]}
  note: {type: text, mappings: [{type: from_text, conditions: [{active_loop: order_form, requested_slot: note}]}]}
forms:
  order_form:
    required_slots: [item, note]
responses:
  utter_greet: [{text: "Hello {item}, {cities}."}]
  utter_bye: [{text: "Bye {thing}", condition: [{type: slot, name: fast, value: true}]}, {text: "Bye."}]
  utter_ask_item: [{text: "What?", buttons: [{title: "{item}", payload: "/order"}]}]
  utter_ask_note: [{text: "Any note?"}]
  utter_faq/price: [{text: "A lot."}]
  utter_faq/hours: [{text: "Always."}]
nlu:
  - intent: greet
    examples: |
      - hello
      - hi there
  - intent: bye
    examples: |
      - bye
      - so long
  - intent: order
    examples: |
      - order [tea](item)
      - a [small]{"entity": "size"} [coffee](item) in [Rome](city)
  - intent: faq/price
    examples: |
      - what does it cost
  - intent: faq/hours
    examples: |
      - when are you open
  - lookup: city
    examples: |
      - Rome
      - Paris
  - regex: item
    examples: |
      - tea|coffee
  - synonym: Rome
    examples: |
      - Roma
rules:
  - rule: greeting
    steps:
      - intent: greet
      - action: utter_greet
  - rule: asking
    steps:
      - intent: faq
      - action: utter_faq
  - rule: ordering
    steps:
      - intent: order
      - action: order_form
      - active_loop: order_form
  - rule: ordered
    condition:
      - active_loop: order_form
    steps:
      - action: order_form
      - active_loop: null
      - slot_was_set:
          - requested_slot: null
      - action: utter_bye
stories:
  - story: leaving
    steps:
      - intent: bye
      - slot_was_set:
          - size: small
          - amount: 3.0
          - fast: true
          - cities: [a]
      - action: utter_bye
"""


@cache
def archive() -> Path:
    """The trained archive; one for all tests of a process."""
    return train(read_text(PROJECT), mkdtemp(prefix="attackedbot-")).path


def agent(**options) -> Agent:
    """A new agent with this bot."""
    found = Agent(**options)
    found.load_model(archive())
    return found
