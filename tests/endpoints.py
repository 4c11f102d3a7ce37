"""The whole API: nothing in; every endpoint that a server can have out."""

from __future__ import annotations

from botapi.agent.agent import Agent
from botapi.channels import load_channels
from botapi.channels.channel import Host
from botapi.web import routes
from botapi.web.api import Endpoint

CREDENTIALS = {"rest": None, "cmdline": None, "callback": {"url": "http://127.0.0.1:9"}, "socketio": None}


def whole_table() -> list[Endpoint]:
    """The endpoints of a server with the API, JWTs and all channels."""
    channels = load_channels(CREDENTIALS, Host(Agent()))
    return [*routes.endpoints(jwt=True), *(endpoint for channel in channels for endpoint in channel.endpoints())]
