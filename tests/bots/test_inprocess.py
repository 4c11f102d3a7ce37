"""A whole bot with its actions in the server's own process: what Rasa 3.6 and an action server answered, it answers."""

from __future__ import annotations

import pytest

from botapi.data.project import read_folder
from botapi.training.train import train
from botapi.wsgi import create_app
from tests.bots import transcript
from tests.bots.test_golden import sender
from tests.strict import client

BOT = "kitchen"


# The bot's actions use the old word `template` of rasa-sdk on purpose.
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_actions_without_a_server_answer_the_same(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(transcript.BOTS))
    app = create_app(endpoints={"action_endpoint": {"actions_module": f"{BOT}.actions.actions"}})
    app.api.agent.load_model(train(read_folder(transcript.BOTS / BOT), tmp_path).path)
    expected = transcript.golden(BOT)["conversations"]
    send = sender(client(app))
    for conversation in transcript.conversations(BOT):
        found = transcript.play(conversation, send)
        for step, want, got in zip(conversation.steps, expected[conversation.name], found, strict=True):
            assert list(transcript.differences(want, got)) == [], (conversation.name, step)
    app.close()
    app.api.agent.close()
