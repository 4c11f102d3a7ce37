"""The actions that every bot has, and all others by name: names in, actions out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from botapi.actions.action import Action, Runner, Say, Turn, bot_uttered
from botapi.actions.extract import ExtractSlots
from botapi.actions.forms import Form, TwoStageFallback
from botapi.actions.remote import RemoteAction
from botapi.actions.responses import Responses
from botapi.errors import NotFound
from botapi.names import (
    ACTION_BACK,
    ACTION_DEACTIVATE_LOOP,
    ACTION_DEFAULT_ASK_AFFIRMATION,
    ACTION_DEFAULT_ASK_REPHRASE,
    ACTION_DEFAULT_FALLBACK,
    ACTION_EXTRACT_SLOTS,
    ACTION_LISTEN,
    ACTION_RESTART,
    ACTION_REVERT_FALLBACK_EVENTS,
    ACTION_SESSION_START,
    ACTION_UNLIKELY_INTENT,
    INTENT_OUT_OF_SCOPE,
    NLU_FALLBACK,
    REQUESTED_SLOT,
    UTTER_PREFIX,
)
from botapi.state.domain import Domain
from botapi.state.events import ActionExecuted, ActiveLoop, Event, Restarted, Rewound, SessionStarted, SlotSet
from botapi.state.tracker import Tracker

log = logging.getLogger(__name__)

RETRIEVAL_DEFAULT = "default"


class Utter:
    """Says a response."""

    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, turn: Turn) -> list[Event]:
        """One bot message; none, and a line in the log, when no variation of the response fits."""
        return _say(self.name, turn) or _nothing_to_say(self.name, turn.channel)


class UtterRetrieved:
    """Says the response that the response selector chose for the last message, for `utter_<retrieval intent>`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._intent = name[len(UTTER_PREFIX) :]

    def run(self, turn: Turn) -> list[Event]:
        selected = turn.tracker.latest_message.parse_data.get("response_selector")
        response = _selected(selected, self._intent) or _selected(selected, RETRIEVAL_DEFAULT)
        if response is None:
            return _nothing_to_say(self.name, turn.channel)
        return _say(response, turn) or _nothing_to_say(response, turn.channel)


def _selected(selected: Any, key: str) -> str | None:
    """The name of the chosen response in the message's `response_selector`; a posted message may hold anything."""
    for part in (key, "response", "utter_action"):
        selected = selected.get(part) if isinstance(selected, dict) else None
    return selected if isinstance(selected, str) else None


class SayText:
    """Says a text that a policy predicted word for word (an end-to-end action); its name is the text."""

    def __init__(self, text: str) -> None:
        self.name = text

    def run(self, turn: Turn) -> list[Event]:
        return [bot_uttered({"text": self.name})]


def _say(response: str, turn: Turn) -> list[Event]:
    message = turn.say(response)
    return [] if message is None else [bot_uttered({**message, "utter_action": response})]


def _nothing_to_say(response: str, channel: str) -> list[Event]:
    log.error(
        "Nothing to say: the domain has no variation of the response '%s' that fits the channel '%s' and the slots.",
        response,
        channel,
    )
    return []


class Default:
    """A default action: a response that is said where the domain has it, then fixed events."""

    def __init__(
        self, name: str, response: str | None = None, then: Callable[[Turn], list[Event]] = lambda turn: []
    ) -> None:
        self.name = name
        self._response = response
        self._then = then

    def run(self, turn: Turn) -> list[Event]:
        said = _say(self._response, turn) if self._response else []
        return said + self._then(turn)


def _start_session(turn: Turn) -> list[Event]:
    """A new session, with the slots of the last one set again unless the domain says otherwise."""
    events: list[Event] = [SessionStarted()]
    if turn.domain.carry_over_slots:
        events += [
            SlotSet(event.name, event.value, metadata=event.metadata)
            for event in turn.tracker.applied_events()
            if isinstance(event, SlotSet)
        ]
    return [*events, ActionExecuted(ACTION_LISTEN)]


def _ask_affirmation(turn: Turn) -> list[Event]:
    """Ask whether the most likely intent is meant."""
    message = turn.tracker.latest_message
    intent = message.intent_name
    ranking = message.parse_data.get("intent_ranking") or []
    if intent == NLU_FALLBACK and len(ranking) > 1:
        intent = ranking[1].get("name")
    response = {
        "text": f"Did you mean '{intent}'?",
        "buttons": [
            {"title": "Yes", "payload": f"/{intent}"},
            {"title": "No", "payload": f"/{INTENT_OUT_OF_SCOPE}"},
        ],
        "utter_action": ACTION_DEFAULT_ASK_AFFIRMATION,
    }
    return [bot_uttered(response)]


DEFAULTS: dict[str, Action] = {
    action.name: action
    for action in (
        Default(ACTION_LISTEN),
        Default(ACTION_RESTART, "utter_restart", lambda turn: [Restarted()]),
        Default(ACTION_SESSION_START, then=_start_session),
        Default(ACTION_DEFAULT_FALLBACK, "utter_default", lambda turn: [Rewound()]),
        Default(ACTION_DEACTIVATE_LOOP, then=lambda turn: [ActiveLoop(None), SlotSet(REQUESTED_SLOT, None)]),
        # NOTE: its policy is gone since Rasa 3.0; the name is kept and does nothing, as there.
        Default(ACTION_REVERT_FALLBACK_EVENTS),
        Default(ACTION_DEFAULT_ASK_AFFIRMATION, then=_ask_affirmation),
        Default(ACTION_DEFAULT_ASK_REPHRASE, "utter_ask_rephrase"),
        TwoStageFallback(),
        Default(ACTION_UNLIKELY_INTENT),
        Default(ACTION_BACK, "utter_back", lambda turn: [Rewound(), Rewound()]),
    )
}


class Actions:
    """The actions of one model, each made when it is first needed.

    `generate` fills responses: those of the domain, unless an NLG server does it. `server` runs custom actions; without
    one they fail, and say so.
    """

    def __init__(self, domain: Domain, *, generate: Say | None = None, server: Runner | None = None) -> None:
        self.domain = domain
        self._generate: Say = generate or Responses(domain.responses)
        self._server = server
        self._made: dict[str, Action] = {}

    def turn(self, tracker: Tracker, channel: str) -> Turn:
        """What an action runs on; `channel` is the name of the output."""
        return Turn(tracker, self.domain, channel, self.find, self._generate)

    def find(self, name: str) -> Action:
        """The action of that name or, for an end-to-end action, text. Raises NotFound."""
        found = self._made.get(name)
        if found is None:
            if name not in self.domain.action_index:
                raise NotFound(
                    f"The domain has no action '{name}'. "
                    "Custom actions are listed there under 'actions', responses under 'responses'."
                )
            found = self._made[name] = self._make(name)
        return found

    def _make(self, name: str) -> Action:
        """What stands behind a name, in Rasa's order: a bot may put its own action in place of a default or a form."""
        domain = self.domain
        if name not in domain.user_actions and name not in domain.forms:
            if name == ACTION_EXTRACT_SLOTS:
                return ExtractSlots(domain, self._remote)
            if name in DEFAULTS:
                return DEFAULTS[name]
        is_response = name.startswith(UTTER_PREFIX)
        if is_response and domain.is_retrieval_intent(name[len(UTTER_PREFIX) :]):
            return UtterRetrieved(name)
        if name in domain.action_texts:
            return SayText(name)
        if is_response:
            return Utter(name)
        if name in domain.forms and name not in domain.user_actions:
            return Form(name, domain, self._remote)
        return self._remote(name)

    def _remote(self, name: str) -> Action:
        return RemoteAction(name, self._server)
