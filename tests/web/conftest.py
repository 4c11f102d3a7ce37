"""Fixtures of the edge: the small bot behind the whole server, as a strict client sees it."""

from __future__ import annotations

import pytest

from botapi.wsgi import create_app
from tests.smallbot import agent
from tests.strict import client


@pytest.fixture
def server():
    """The server with its own new agent; its parts are reachable as `server.api`."""
    app = create_app(agent())
    yield app
    app.close()


@pytest.fixture
def app(server):
    """A client of the server."""
    return client(server)


@pytest.fixture
def empty():
    """A client of a server without a model."""
    server = create_app()
    yield client(server)
    server.close()
