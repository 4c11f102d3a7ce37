"""Builds the agent: settings and an opened model in; the agent with its stores, services and remote model out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from botapi.actions.action import Runner
from botapi.actions.inprocess import ActionModule
from botapi.actions.nlg import generator
from botapi.actions.remote import ActionServer
from botapi.agent.agent import Agent
from botapi.agent.bot import Services, load_bot
from botapi.agent.poller import ModelPoller, read_model_server
from botapi.agent.received import load_stored
from botapi.errors import BotError, ConfigError
from botapi.model import Archive
from botapi.outbound import Outbound, read_endpoint
from botapi.settings import Settings
from botapi.stores import build

# SECURITY: only local configuration may name code to import; a model or a request never does.
MODULE_KEYS = ("actions_module", "actions")
MODEL_SERVER_KEYS = ("models", "model")
MAX_ARCHIVE_BYTES = 100 << 20


def load_agent(settings: Settings, archive: Archive | None = None) -> Agent:
    """The agent that the settings describe, with a bot if an archive is given.

    With `settings.remote_storage` the model is fetched from there. Conversations are kept in a file of the project
    folder unless `tracker_store` says otherwise. Raises ConfigError for what endpoints.yml asks for and is not there,
    ModelError for a model that doesn't fit, StoreError where the remote storage fails.
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
    if settings.remote_storage:
        try:
            load_stored(agent, settings.remote_storage, settings.model, max_bytes=archive_bytes(settings))
        except BotError:
            agent.close()
            raise
    return agent


def model_poller(settings: Settings, agent: Agent, outbound: Outbound) -> ModelPoller:
    """What keeps the agent's model that of the server in `models` (older: `model`), if there is one. ConfigError."""
    sections = {name: found for name in MODEL_SERVER_KEYS if (found := settings.section(name))}
    if len(sections) > 1:
        raise ConfigError("endpoints.yml has both 'models' and 'model', which mean the same. Remove one of them.")
    server = next((read_model_server(section, name) for name, section in sections.items()), None)
    return ModelPoller(agent, outbound, server, max_bytes=archive_bytes(settings))


def archive_bytes(settings: Settings) -> int:
    """How long an archive from elsewhere may be: as long as one that is uploaded."""
    value = (settings.section("body_limit") or {}).get("upload_bytes")
    return value if isinstance(value, int) else MAX_ARCHIVE_BYTES


def services_of(settings: Settings) -> Services:
    """Who runs custom actions and who words responses, as endpoints.yml says. Raises ConfigError."""
    outbound = Outbound()
    nlg = settings.section("nlg")
    return Services(
        _runner(settings.section("action_endpoint"), settings.folder, outbound),
        generator(read_endpoint(nlg, "nlg") if nlg else None, outbound),
    )


def _runner(section: dict[str, Any] | None, folder: str, outbound: Outbound) -> Runner | None:
    """The action server, or the module of actions that lies in the bot's folder or is installed."""
    if section is None:
        return None
    module = next((section[key] for key in MODULE_KEYS if section.get(key)), None)
    if module is None:
        return ActionServer(read_endpoint(section, "action_endpoint"), outbound)
    if section.get("url") or not isinstance(module, str):
        raise ConfigError(
            f"action_endpoint: found the keys {', '.join(section)} in endpoints.yml; expected either the 'url' of an "
            "action server, or the dotted name of a module as 'actions_module'."
        )
    path = str(Path(folder).resolve())
    if path not in sys.path:
        # NOTE: for good, since the module may import its neighbours when an action runs.
        sys.path.insert(0, path)
    return ActionModule(module)
