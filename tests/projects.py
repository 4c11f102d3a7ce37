"""Bot projects for tests: nothing in, a folder with a small project's files out."""

from __future__ import annotations

from pathlib import Path

NLU = """
version: "3.1"
nlu:
- intent: greet
  examples: |
    - hello
    - hi there
- intent: bye
  examples: |
    - bye
    - see you
"""
DOMAIN = """
version: "3.1"
intents: [greet, bye]
responses:
  utter_greet:
  - text: "Hello!"
  utter_bye:
  - text: "Bye!"
"""
RULES = """
version: "3.1"
rules:
- rule: greet
  steps:
  - intent: greet
  - action: utter_greet
- rule: bye
  steps:
  - intent: bye
  - action: utter_bye
"""
CONFIG = """
recipe: default.v1
language: en
assistant_id: small
pipeline:
- name: WhitespaceTokenizer
- name: KeywordIntentClassifier
policies:
- name: RulePolicy
"""


def small_project(folder: Path) -> Path:
    """Two intents, two rules; trains in milliseconds."""
    write(folder, {"domain.yml": DOMAIN, "config.yml": CONFIG, "data/nlu.yml": NLU, "data/rules.yml": RULES})
    return folder


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
