"""`pip install .` without extras, in a clean environment, serves a bot with rules, stories, a form and keyword NLU."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.programs import ROOT, served
from tests.projects import write

CONFIG = """
recipe: default.v1
language: en
pipeline:
- name: WhitespaceTokenizer
- name: KeywordIntentClassifier
- name: RegexEntityExtractor
policies:
- name: RulePolicy
- name: MemoizationPolicy
"""
DOMAIN = """
version: "3.1"
intents: [order, thanks, affirm, inform]
entities: [size]
slots:
  size:
    type: text
    mappings: [{type: from_entity, entity: size}]
forms:
  order_form:
    required_slots: [size]
responses:
  utter_ask_size: [{text: "Which size?"}]
  utter_ordered: [{text: "One {size} tea. Sugar?"}]
  utter_sugar: [{text: "With sugar."}]
  utter_welcome: [{text: "You are welcome."}]
"""
NLU = """
version: "3.1"
nlu:
- intent: order
  examples: |
    - tea
- intent: thanks
  examples: |
    - thanks
- intent: affirm
  examples: |
    - yes
- intent: inform
  examples: |
    - [small](size)
- lookup: size
  examples: |
    - small
    - large
"""
DIALOGUE = """
version: "3.1"
rules:
- rule: thanks
  steps:
  - intent: thanks
  - action: utter_welcome
- rule: ask
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
  - action: utter_ordered
stories:
- story: sugar
  steps:
  - intent: order
  - action: order_form
  - active_loop: order_form
  - slot_was_set:
    - size: small
  - active_loop: null
  - slot_was_set:
    - requested_slot: null
  - action: utter_ordered
  - intent: affirm
  - action: utter_sugar
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """The folder of a new virtual environment with nothing but `pip install .` in it."""
    work = tmp_path_factory.mktemp("install")
    source = work / "source"
    # A copy: building writes beside the sources.
    shutil.copytree(
        ROOT,
        source,
        ignore=shutil.ignore_patterns(".git", ".venv*", "build", "*.egg-info", "__pycache__", "bot", ".*cache"),
    )
    run(sys.executable, "-m", "venv", str(work / "venv"))
    run(str(work / "venv" / "bin" / "python"), "-m", "pip", "install", "--quiet", str(source))
    return work / "venv"


def run(*words, cwd=None):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(words, cwd=cwd, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_lean_core_trains_and_serves_a_bot(environment, tmp_path):
    botapi = str(environment / "bin" / "botapi")
    installed = {line.split("==")[0].lower() for line in run(str(environment / "bin" / "pip"), "freeze").splitlines()}
    assert {"numpy", "cryptography", "webtest"} & installed == set()
    write(tmp_path, {"config.yml": CONFIG, "domain.yml": DOMAIN, "data/nlu.yml": NLU, "data/dialogue.yml": DIALOGUE})
    assert "is trained and saved at" in run(botapi, "train", cwd=tmp_path)
    with served("--enable-api", folder=tmp_path, command=(botapi, "run"), PYTHONPATH="") as server:
        assert server.say("thanks") == ["You are welcome."]
        assert server.say("tea") == ["Which size?"]
        assert server.say("small") == ["One small tea. Sugar?"]
        assert server.say("yes") == ["With sugar."]
        assert server.request("GET", "/status")[1]["model_file"].endswith(".tar.gz")


def test_the_starter_bot_is_part_of_what_is_installed(environment, tmp_path):
    botapi = str(environment / "bin" / "botapi")
    run(botapi, "init", "--no-prompt", cwd=tmp_path)
    run(botapi, "train", cwd=tmp_path)
    with served(folder=tmp_path, command=(botapi, "run"), PYTHONPATH="") as server:
        assert server.say("where are you?") == ["You find us at 12 Mill Lane, behind the station."]
