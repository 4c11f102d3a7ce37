"""docs/actions.md: its examples are run, its tables are complete."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from botapi import yamlfile
from botapi.actions.inprocess import ActionModule
from botapi.names import DEFAULT_ACTIONS, RULE_SNIPPET
from botapi.outbound import read_endpoint
from botapi.state.domaindict import MAPPING_KEYS
from tests.actions.talk import Talk, short

PAGE = (Path(__file__).parents[2] / "docs" / "actions.md").read_text()
DOMAIN, FORMS, ENDPOINTS, MODULE = (yamlfile.load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))


@pytest.mark.parametrize(
    ("tier", "channel", "text"),
    [
        (None, "rest", "Hello friend!"),
        ("gold", "rest", "Hello friend, our gold guest!"),
        ("gold", "slack", "Hi friend :wave:"),
    ],
)
def test_the_example_of_responses(tier, channel, text):
    talk = Talk(DOMAIN, channel)
    talk.knows({"event": "slot", "name": "tier", "value": tier})
    assert short(talk.runs("utter_greet")) == [text]


def test_the_example_of_buttons():
    (message,) = Talk(DOMAIN).runs("utter_size")
    assert message.data["buttons"] == [{"title": "Small", "payload": '/inform{"size": "small"}'}]


def test_the_example_of_a_form():
    slots = {name: {"type": "any", "mappings": [{"type": "custom"}]} for name in ("size", "quantity")}
    talk = Talk({"slots": slots, "intents": ["chitchat"], **FORMS})
    assert talk.turns("order_form", "chitchat") == [("loop", "order_form"), ("requested_slot", "size")]


def test_the_example_of_an_action_server():
    assert read_endpoint(ENDPOINTS["action_endpoint"], "action_endpoint").url == "http://localhost:5055/webhook"


@pytest.mark.parametrize("name", [*(name for name in DEFAULT_ACTIONS if name != RULE_SNIPPET), *MAPPING_KEYS])
def test_the_tables_are_complete(name):
    assert f"`{name}`" in PAGE


def test_the_example_of_a_module(tmp_path, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "documented_actions.py").write_text(code)
    assert list(MODULE["action_endpoint"]) == ["actions_module"]
    domain = {**DOMAIN, "slots": {**DOMAIN["slots"], "greeted": {"type": "bool", "mappings": [{"type": "custom"}]}}}
    talk = Talk({**domain, "actions": ["action_greet"]}, server=ActionModule("documented_actions"))
    assert short(talk.runs("action_greet")) == ["Hello friend!", ("greeted", True)]
