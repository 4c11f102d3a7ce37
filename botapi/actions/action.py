"""What an action is: a turn (tracker, domain, channel) in, events out.

The dialogue runs an action with `perform(action, turn)` and applies the events to the tracker itself; only then does it
send the responses (`BotUttered` events) to the user. An action never changes the tracker it is given: what it wants to
try, it tries on a `Fork` of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from botapi.errors import BotError
from botapi.state.domain import Domain
from botapi.state.events import BotUttered, Event
from botapi.state.tracker import Tracker

log = logging.getLogger(__name__)

Response = dict[str, Any]
# (response's name, turn, variables) -> response, or None where there is none.
Say = Callable[[str, "Turn", Mapping[str, Any]], "Response | None"]

DATA_KEYS = ("elements", "quick_replies", "buttons", "attachment", "image", "custom")


class ActionRejected(Exception):
    """The action refuses to run, so that the policies predict another one."""

    def __init__(self, action: str, message: str | None = None) -> None:
        super().__init__(message or f"The action '{action}' rejected to run.")
        self.action = action


class ActionFailed(BotError):
    """The action could not run; it counts as one without events, and the dialogue goes on."""

    reason = "ActionFailed"


class Action(Protocol):
    """Something the bot does; stateless, so that one object serves all conversations of a model."""

    @property
    def name(self) -> str:
        """The name that policies predict; the text itself for an end-to-end action."""

    def run(self, turn: Turn) -> list[Event]:
        """Do it. Raises ActionRejected and ActionFailed."""


class Runner(Protocol):
    """Who runs custom actions: a server, or a module of this process."""

    def run(self, name: str, tracker: Tracker, domain: Domain) -> tuple[list[Event], list[Response]]:
        """An action's events, and the responses it wants to be said. Raises ActionRejected and ActionFailed."""


@dataclass(frozen=True)
class Turn:
    """What an action may look at and call; `Actions.turn(tracker, channel)` makes one.

    `channel` is the name of the output, such as "collector"; `find` gives another action by name, for actions that
    run others; `generate` fills a response.
    """

    tracker: Tracker
    domain: Domain
    channel: str
    find: Callable[[str], Action]
    generate: Say

    def on(self, tracker: Tracker) -> Turn:
        """The same turn with another tracker, such as a fork."""
        return replace(self, tracker=tracker)

    def perform(self, name: str) -> list[Event]:
        """Run another action as a part of this one."""
        return self.find(name).run(self)

    def say(self, name: str, arguments: Mapping[str, Any] | None = None) -> Response | None:
        """The response of that name, filled from slots and `arguments`; None where there is none that fits."""
        return self.generate(name, self, arguments or {})


def perform(action: Action, turn: Turn) -> list[Event]:
    """Run an action as the dialogue does: a failure is logged in one line and gives no events.

    Raises ActionRejected.
    """
    try:
        return action.run(turn)
    except ActionFailed as failure:
        log.error("%s", failure)
        return []


def bot_uttered(response: Mapping[str, Any]) -> BotUttered:
    """The event of a response: text and data from their keys, all others become metadata."""
    data = {key: response.get(key) for key in DATA_KEYS}
    # Rasa keeps an image as attachment too, unless there is one; channels send it once.
    data["attachment"] = data["attachment"] or data["image"]
    metadata = {key: value for key, value in response.items() if key != "text" and key not in data}
    return BotUttered(response.get("text"), data, metadata=metadata)
