"""docs/channels.md: its channel is served, its tables and defaults are complete."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from urllib.parse import parse_qs

import pytest

from botapi import yamlfile
from botapi.channels import CHANNELS
from botapi.channels.socketio import DEFAULTS
from botapi.settings import Settings
from tests.channels.receiver import receiver
from tests.strict import client

PAGE = (Path(__file__).parents[2] / "docs" / "channels.md").read_text()
GUARDED, SOCKETIO, OWN = (yamlfile.load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
(PROGRAM,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def mychannels(monkeypatch):
    """The page's module."""
    module = ModuleType("mychannels")
    exec(PROGRAM, module.__dict__)
    monkeypatch.setitem(sys.modules, "mychannels", module)


@pytest.mark.usefixtures("mychannels")
def test_the_example_is_served(serve):
    ((path, options),) = OWN.items()
    with receiver() as gateway:
        credentials = {path: {**options, "gateway": gateway.url}}
        app = client(serve(Settings(enable_api=True, credentials=credentials)))
        assert app.get("/webhooks/sms/").json == {"status": "ok"}
        app.post("/webhooks/sms/webhook", {"From": "+49", "Body": "bye"}, status=204)
        assert [parse_qs(gateway.next()[2].decode())["Body"] for _ in range(2)] == [["So long."], ["Come again."]]
        assert app.post("/webhooks/sms/webhook", {"From": "+49"}, status=400).json["reason"] == "BadRequest"
        app.post_json("/conversations/+49/trigger_intent?output_channel=latest", {"name": "greet"})
        assert parse_qs(gateway.next()[2].decode()) == {"To": ["+49"], "Body": ["Hello there."]}


def test_the_example_of_a_guard_is_one(serve):
    app = client(serve(Settings(credentials=GUARDED, auth_token="t")))
    app.post_json("/webhooks/rest/webhook", {"message": "hello"}, status=401)


def test_the_defaults_of_socketio_are_written_down():
    assert {key: value for key, value in DEFAULTS.items() if value is not None} == {
        **SOCKETIO["socketio"],
        "jwt_method": "HS256",
    }
    assert [key for key in DEFAULTS if f"  {key}: " not in PAGE and f"  # {key}: " not in PAGE] == []


@pytest.mark.parametrize("name", CHANNELS)
def test_every_channel_is_in_the_table(name):
    assert f"| `{name}` |" in PAGE
