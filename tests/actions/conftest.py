"""A real action server for the tests of this room."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.bots.servers import free_port, running


@pytest.fixture(scope="session")
def action_server_url(tmp_path_factory):
    """The webhook of a rasa-sdk server that runs `sdk/actions.py`."""
    port = free_port()
    command = [sys.executable, "-m", "rasa_sdk", "--actions", "actions", "-p", str(port)]
    url = f"http://127.0.0.1:{port}"
    log = tmp_path_factory.mktemp("sdk") / "log.txt"
    with running(command, Path(__file__).parent / "sdk", f"{url}/health", log):
        yield f"{url}/webhook"
