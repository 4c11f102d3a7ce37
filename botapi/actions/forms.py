"""Loops: actions that stay active over several turns. A turn in, the events that ask, fill, end or reject out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from botapi.actions.action import Action, ActionRejected, Turn
from botapi.names import (
    ACTION_DEFAULT_ASK_AFFIRMATION,
    ACTION_DEFAULT_ASK_REPHRASE,
    ACTION_DEFAULT_FALLBACK,
    ACTION_EXTRACT_SLOTS,
    ACTION_LISTEN,
    ACTION_TWO_STAGE_FALLBACK,
    INTENT_OUT_OF_SCOPE,
    NLU_FALLBACK,
    REQUESTED_SLOT,
    UTTER_PREFIX,
    VALIDATE_PREFIX,
)
from botapi.state.domain import Domain
from botapi.state.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    Event,
    Restarted,
    Rewound,
    SlotSet,
    UserUttered,
)
from botapi.state.fork import Fork
from botapi.state.tracker import Tracker

log = logging.getLogger(__name__)


class Form:
    """Asks for the required slots of a form until all are filled (Rasa's FormAction).

    `remote` gives the action of the action server by name, for `validate_<form>`.
    """

    def __init__(self, name: str, domain: Domain, remote: Callable[[str], Action]) -> None:
        self.name = name
        self._required = domain.required_slots(name)
        validator = f"{VALIDATE_PREFIX}{name}"
        self._validator = remote(validator) if validator in domain.action_index else None

    def run(self, turn: Turn) -> list[Event]:
        """Start or go on; raises ActionRejected when the user did not answer what was asked."""
        events: list[Event] = []
        if turn.tracker.active_loop_name != self.name:
            events += self._activate(turn)
        if not _is_done(events):
            events += self._ask_or_end(turn, events)
        if _is_done(events):
            events.append(ActiveLoop(None))
        return events

    def _activate(self, turn: Turn) -> list[Event]:
        """Fill what the message that starts the form already says, and have it validated."""
        start = ActiveLoop(self.name)
        tried = Fork(turn.tracker)
        tried.apply(start)
        extracted = turn.on(tried).perform(ACTION_EXTRACT_SLOTS)
        tried.apply_all(extracted)
        slots = [event for event in extracted if isinstance(event, SlotSet)]
        if self._validator is None:
            return [start, *slots]
        filled = {name: tried.slots[name] for name in self._required if tried.slots.get(name) is not None}
        checked = self._validate(filled, turn.on(tried))
        names = {event.name for event in checked if isinstance(event, SlotSet)}
        return [start, *checked, *(event for event in slots if event.name not in names)]

    def _ask_or_end(self, turn: Turn, so_far: list[Event]) -> list[Event]:
        events: list[Event] = []
        if all(isinstance(event, ActiveLoop) for event in so_far):
            events = self._fill(turn)
        if not any(isinstance(event, ActionExecutionRejected) for event in events):
            events = events + self._ask(turn, so_far + events)
        return events

    def _fill(self, turn: Turn) -> list[Event]:
        """Validate what the last message filled.

        After an interruption the last message was no answer: then the validator runs without slots, since it may
        still choose what to ask next.
        """
        tracker = turn.tracker
        loop = tracker.active_loop
        if loop is not None and (tracker.latest_action_name != ACTION_LISTEN or loop.is_interrupted):
            return self._validate({}, turn)
        asked = self._asked_slot(tracker)
        extracted = self._extracted(tracker, asked)
        events = self._validate(extracted, turn)
        was_filled = bool(extracted) or any(
            isinstance(event, SlotSet) and event.name != REQUESTED_SLOT for event in events
        )
        rejected = any(isinstance(event, ActionExecutionRejected) for event in events)
        if asked and not was_filled and not rejected:
            raise ActionRejected(self.name, f"The form '{self.name}' asked for '{asked}', which was not given.")
        return events

    def _extracted(self, tracker: Tracker, asked: str | None) -> dict[str, Any]:
        """The form's slots that were set since the last user message."""
        wanted = {*self._required, asked} if asked else set(self._required)
        found: list[SlotSet] = []
        latest = tracker.latest_message
        for event in reversed(tracker.events):
            if isinstance(event, Restarted) or (
                # The tracker may keep a changed copy of the message (entities added), so compare what never changes.
                isinstance(event, UserUttered) and event.timestamp == latest.timestamp and event.text == latest.text
            ):
                break
            if isinstance(event, SlotSet) and event.name in wanted:
                found.append(event)
        return {event.name: event.value for event in reversed(found)}

    def _validate(self, slots: dict[str, Any], turn: Turn) -> list[Event]:
        """The events of `validate_<form>`, which sees the slots as just set; none without such an action."""
        if self._validator is None:
            return []
        candidates = [SlotSet(name, value) for name, value in slots.items()]
        return self._validator.run(turn.on(self._tried(turn.tracker, candidates)))

    def _ask(self, turn: Turn, so_far: list[Event]) -> list[Event]:
        """Ask for the next slot; `requested_slot` becomes None when there is none, which ends the form."""
        if _is_done(so_far):
            return [SlotSet(REQUESTED_SLOT, None)]
        events: list[Event] = []
        tried = self._tried(turn.tracker, so_far)
        # A validator may have chosen the slot already.
        slot = next((e.value for e in so_far if isinstance(e, SlotSet) and e.name == REQUESTED_SLOT), None)
        if not slot:
            slot = next((name for name in self._required if tried.slots.get(name) is None), None)
            events.append(SlotSet(REQUESTED_SLOT, slot))
        if not slot:
            return [SlotSet(REQUESTED_SLOT, None)]
        question = self._question(slot, turn.domain)
        if question is None:
            log.debug("The form '%s' has no response or action that asks for '%s'.", self.name, slot)
            return events
        return events + turn.on(tried).perform(question)

    def _question(self, slot: str, domain: Domain) -> str | None:
        names = (
            f"action_ask_{self.name}_{slot}",
            f"{UTTER_PREFIX}ask_{self.name}_{slot}",
            f"action_ask_{slot}",
            f"{UTTER_PREFIX}ask_{slot}",
        )
        return next((name for name in names if name in domain.action_index), None)

    def _asked_slot(self, tracker: Tracker) -> str | None:
        """The requested slot, unless another form requested it; events from outside may put anything there."""
        asked = tracker.slots.get(REQUESTED_SLOT) if tracker.active_loop_name == self.name else None
        return asked if isinstance(asked, str) else None

    def _tried(self, tracker: Tracker, events: Iterable[Event]) -> Tracker:
        """A fork with the form run and the events applied, as validators and questions are to see it."""
        tried = Fork(tracker)
        tried.apply(SlotSet(REQUESTED_SLOT, self._asked_slot(tracker)))
        tried.apply(ActionExecuted(self.name))
        tried.apply_all(events)
        return tried


def _is_done(events: list[Event]) -> bool:
    """Whether the events end the form: the last word on `requested_slot` or on the active loop is None."""
    if any(isinstance(event, ActionExecutionRejected) for event in events):
        return False
    requests = [event.value for event in events if isinstance(event, SlotSet) and event.name == REQUESTED_SLOT]
    loops = [event.name for event in events if isinstance(event, ActiveLoop)]
    return requests[-1:] == [None] or loops[-1:] == [None]


class TwoStageFallback:
    """Asks what the user meant, then to say it in other words, then gives up (Rasa's TwoStageFallbackAction)."""

    name = ACTION_TWO_STAGE_FALLBACK

    def run(self, turn: Turn) -> list[Event]:
        """The question, or the end: the clarified message comes in place of the misunderstood one."""
        tracker = turn.tracker
        events: list[Event] = []
        starts = tracker.active_loop_name != self.name
        if starts:
            events.append(ActiveLoop(self.name))
        intent = tracker.latest_message.intent_name
        gave_up = _has_given_up(tracker)
        if intent in (NLU_FALLBACK, INTENT_OUT_OF_SCOPE) and not gave_up:
            should_affirm = starts or intent == NLU_FALLBACK
            question = ACTION_DEFAULT_ASK_AFFIRMATION if should_affirm else ACTION_DEFAULT_ASK_REPHRASE
            return events + turn.perform(question)
        events.append(ActiveLoop(None))
        if gave_up:
            return events + turn.perform(ACTION_DEFAULT_FALLBACK)
        return events + [Rewound(), ActionExecuted(ACTION_LISTEN), _certain(tracker.latest_message)]


def _has_given_up(tracker: Tracker) -> bool:
    """Whether two messages in a row, or the second guess, were not understood."""
    intents = [message.intent_name for message in _last_messages(tracker, 3) if isinstance(message, UserUttered)]
    newest_two = [message.intent_name for message in _last_messages(tracker, 2) if isinstance(message, UserUttered)]
    return newest_two == [NLU_FALLBACK] * 2 or intents == [INTENT_OUT_OF_SCOPE, NLU_FALLBACK, INTENT_OUT_OF_SCOPE]


def _last_messages(tracker: Tracker, count: int) -> Iterator[Event]:
    """The last user messages and rewinds since the last restart, newest first."""
    for event in reversed(tracker.events):
        if count == 0 or isinstance(event, Restarted):
            return
        if isinstance(event, (UserUttered, Rewound)):
            count -= 1
            yield event


def _certain(message: UserUttered) -> Event:
    """The message said again, now, with full confidence in its intent."""
    parse_data = {**message.parse_data, "intent": {**message.intent, "confidence": 1.0}}
    return message.changed(parse_data=parse_data, timestamp=time.time())
