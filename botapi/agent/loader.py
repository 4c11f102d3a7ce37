"""Builds the agent: settings and an opened model in, the agent with its stores and services out."""

from __future__ import annotations

import threading

from botapi.actions.nlg import generator
from botapi.actions.remote import ActionServer
from botapi.agent.agent import Agent
from botapi.agent.bot import Services, load_bot
from botapi.model import Archive
from botapi.outbound import Outbound, read_endpoint
from botapi.settings import Settings
from botapi.stores import build


def load_agent(settings: Settings, archive: Archive | None = None) -> Agent:
    """The agent that the settings describe, with a bot if an archive is given.

    Conversations are kept in a file of the project folder unless `tracker_store` says otherwise. Raises ConfigError
    for what endpoints.yml asks for and is not there, ModelError for a model that doesn't fit.
    """
    build.refuse_event_broker(settings.section("event_broker"))
    services = services_of(settings)
    bot = load_bot(archive, services) if archive is not None else None
    agent = Agent(
        bot,
        tracker_store=build.tracker_store(settings.section("tracker_store"), settings.folder, default="sql"),
        lock_store=build.lock_store(settings.section("lock_store")),
        services=services,
    )
    # Beside the start: a long history must not keep the first answer waiting.
    threading.Thread(target=agent.restore_reminders, name="restore-reminders", daemon=True).start()
    return agent


def services_of(settings: Settings) -> Services:
    """The action server and the NLG server that endpoints.yml names."""
    outbound = Outbound()
    actions, nlg = (
        read_endpoint(section, name) if (section := settings.section(name)) else None
        for name in ("action_endpoint", "nlg")
    )
    return Services(ActionServer(actions, outbound) if actions else None, generator(nlg, outbound))
