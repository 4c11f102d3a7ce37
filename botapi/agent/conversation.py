"""One conversation at work: user messages and events in; changes to its tracker, and responses to an output, out.

Nothing here loads, saves or locks: the agent does, around it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from botapi.actions.action import Action, ActionRejected, perform
from botapi.actions.builtin import Actions
from botapi.agent.bot import Bot
from botapi.agent.reminders import due_s, is_meant
from botapi.errors import Conflict, NotFound
from botapi.names import (
    ACTION_EXTRACT_SLOTS,
    ACTION_LISTEN,
    ACTION_SESSION_START,
    INTENT_RESTART,
    SESSION_START_METADATA_SLOT,
)
from botapi.policies.policy import Prediction
from botapi.state.eventchecks import listed_entities
from botapi.state.events import (
    ActionExecuted,
    ActionExecutionRejected,
    BotUttered,
    Event,
    ReminderCancelled,
    ReminderScheduled,
    SlotSet,
    UserUttered,
)
from botapi.state.messages import Output, UserMessage, response_of
from botapi.state.tracker import Tracker, Verbosity

log = logging.getLogger(__name__)

FOLLOWUP_POLICY = "followup_action"
# After so many actions without listening, a turn ends: rules or stories go round in a circle.
MAX_PREDICTIONS = 10
# A message that comes a second time is looked for among so many events.
LOOKED_BACK = 1000


@dataclass
class Conversation:
    """A tracker together with the bot that talks; valid only inside `Agent.conversation`."""

    tracker: Tracker
    bot: Bot
    # Reminders to schedule and cancel once the conversation is stored.
    reminders: list[Event] = field(default_factory=list)

    @property
    def actions(self) -> Actions:
        return self.bot.actions

    # ------------------------------------------------------------------ turns

    def handle(self, message: UserMessage) -> None:
        """One whole turn: understand, remember, and act until the bot listens again."""
        self.hear(message)
        if self.bot.ensemble is not None:
            self._act(message.output)

    def said_to(self, message_id: str | None) -> list[BotUttered] | None:
        """What the bot has said to the message of this id; None where there is none among the last events."""
        said: list[BotUttered] = []
        for event in islice(reversed(self.tracker.events), LOOKED_BACK):
            if isinstance(event, BotUttered):
                said.append(event)
            elif isinstance(event, UserUttered):
                if event.message_id == message_id:
                    return said[::-1]
                said.clear()
        return None

    def hear(self, message: UserMessage) -> None:
        """Start a session where one is due, and record the message with its slots; no action is predicted."""
        self.update_session(message.output, message.metadata)
        parse_data = message.parse_data or self.bot.parse(message.text or "")
        self.tracker.apply(
            UserUttered(
                message.text,
                parse_data,
                message.input_channel,
                message.message_id,
                metadata=message.metadata,
            )
        )
        self._extract_slots(message.output)

    def trigger(self, intent: str, entities: Any, output: Output) -> None:
        """Go on as if the user had expressed an intent; `entities` is a list of entities or {name: value}.

        Raises NotFound for the intent, InputError for the entities.
        """
        if intent not in self.bot.domain.intents:
            raise NotFound(f"The intent '{intent}' is not in the domain.", reason="NotFound")
        self.update_session(output)
        self._go_on(intent, entities, output)

    def remind(self, reminder: ReminderScheduled, output: Output) -> None:
        """Trigger a reminder's intent, unless a message, a restart or a new session made it obsolete."""
        self.update_session(output)
        if not self._still_stands(reminder):
            log.debug("The reminder '%s' is obsolete.", reminder.name)
            return
        self._go_on(reminder.intent or "", reminder.entities, output, reminder=reminder.name)

    def _still_stands(self, reminder: ReminderScheduled) -> bool:
        """Whether it was neither fired, cancelled nor replaced, be it by another process on the same store."""
        for event in reversed(self.tracker.applied_events()):
            if isinstance(event, ReminderScheduled) and event.name == reminder.name:
                return due_s(event) == due_s(reminder)
            if isinstance(event, ReminderCancelled) and is_meant(reminder, event):
                return False
            if isinstance(event, UserUttered) and (
                (reminder.kill_on_user_msg and event.text) or event.metadata.get("reminder") == reminder.name
            ):
                return False
        return False

    def _go_on(self, intent: str, entities: Any, output: Output, **metadata: Any) -> None:
        said = UserUttered.external(intent, listed_entities(entities), self.tracker.latest_input_channel)
        self.tracker.apply(said.changed(metadata={**said.metadata, **metadata}))
        self._extract_slots(output)
        if self.bot.ensemble is not None:
            self._act(output)

    def execute(self, name: str, policy: str | None, confidence: float | None, output: Output) -> None:
        """Run one action, as if a policy had predicted it."""
        self.update_session(output)
        action = self.actions.find(name)
        self._run(action, _certain(name, policy, confidence or 0.0), output)

    def _act(self, output: Output) -> None:
        """Predict and run actions until one of them waits for the user."""
        while self._may_act():
            if self._actions_since_listen() >= MAX_PREDICTIONS:
                log.warning(
                    "Stopped after %d actions without listening in conversation %r; "
                    "look for rules or stories that lead in a circle.",
                    MAX_PREDICTIONS,
                    self.tracker.sender_id,
                )
                return
            prediction = self.predict()
            if prediction.is_end_to_end:
                self._extract_slots(output)
            self._run(self.actions.find(prediction.action), prediction, output)
            if prediction.action in (ACTION_LISTEN, ACTION_SESSION_START):
                return

    def _may_act(self) -> bool:
        """A paused bot only listens to a restart."""
        return not self.tracker.paused or self.tracker.latest_message.intent_name == INTENT_RESTART

    def _actions_since_listen(self) -> int:
        count = 0
        for event in reversed(self.tracker.events):
            if isinstance(event, ActionExecuted):
                if event.name in (ACTION_LISTEN, ACTION_SESSION_START):
                    break
                count += 1
        return count

    # ------------------------------------------------------------- predicting

    def predict(self) -> Prediction:
        """The next action: the one that was fixed beforehand, else what the policies say."""
        followup = self.tracker.followup_action
        if followup:
            if followup in self.bot.domain.action_names:
                return _certain(followup, FOLLOWUP_POLICY, 1.0)
            log.error("The follow-up action '%s' is not in the domain; it is ignored.", followup)
        if self.bot.ensemble is None:
            raise Conflict("The model can only understand messages: it was trained without stories and rules.")
        return self.bot.ensemble.predict(self.tracker, self.bot.domain)

    def prediction(self, verbosity: Verbosity) -> dict[str, Any]:
        """The answer of /predict: every action with its score, best first, and the tracker."""
        found = self.predict()
        names = self.bot.domain.action_names
        scores = found.scores or {found.action: found.confidence}
        best_first = sorted((-scores.get(name, 0.0), name) for name in names)
        ranked = [{"action": name, "score": -negative} for negative, name in best_first]
        state = self.tracker.current_state(verbosity, session=True)
        return {
            "scores": ranked,
            "policy": found.policy,
            "confidence": found.confidence,
            # Asking uses the follow-up action up, for this answer.
            "tracker": {**state, "followup_action": None},
        }

    # ---------------------------------------------------------------- actions

    def _run(self, action: Action, prediction: Prediction, output: Output) -> None:
        """Run an action and record it with its events; a rejected one leaves only its rejection."""
        tracker = self.tracker
        mark = tracker.mark()
        tracker.apply_all(prediction.events)
        try:
            events = perform(action, self.actions.turn(tracker.as_told(), output.name))
        except ActionRejected:
            tracker.roll_back(mark)
            tracker.apply(ActionExecutionRejected(action.name, prediction.policy, prediction.confidence))
            return
        if any(isinstance(event, ActionExecutionRejected) for event in events):
            tracker.roll_back(mark)
        else:
            tracker.apply(_executed(action, prediction))
        self._record(events)
        if any(isinstance(event, UserUttered) for event in events):
            self._extract_slots(output)
        self.take_effect(events, output)

    def _extract_slots(self, output: Output) -> None:
        turn = self.actions.turn(self.tracker, output.name)
        events = perform(self.actions.find(ACTION_EXTRACT_SLOTS), turn)
        self.take_effect(events, output)
        self._record(events)

    def _record(self, events: Iterable[Event]) -> None:
        """Apply events of an action, which happen now, whatever time an action server put on them."""
        for event in events:
            self.tracker.apply(event.changed(timestamp=time.time()))

    def take_effect(self, events: Iterable[Event], output: Output) -> None:
        """Give what the bot says in these events to the output, and remember their reminders."""
        for event in events:
            if isinstance(event, (ReminderScheduled, ReminderCancelled)):
                self.reminders.append(event)
            elif isinstance(event, BotUttered):
                output.send(self.tracker.sender_id, response_of(event))

    # --------------------------------------------------------------- sessions

    def update_session(self, output: Output, metadata: Mapping[str, Any] | None = None) -> None:
        """Start a session if the conversation is new or the last session has expired."""
        if not self.tracker.applied_events() or self._has_expired():
            self._start_session(output, metadata)

    def begin(self, output: Output) -> None:
        """Start the first session of a conversation that has no events yet."""
        if not self.tracker.events:
            self._start_session(output, None)

    def _start_session(self, output: Output, metadata: Mapping[str, Any] | None) -> None:
        if metadata:
            self.tracker.apply(SlotSet(SESSION_START_METADATA_SLOT, dict(metadata)))
        action = self.actions.find(ACTION_SESSION_START)
        self._run(action, _certain(ACTION_SESSION_START, None, 1.0), output)

    def _has_expired(self) -> bool:
        limit_minutes = self.bot.domain.session_expiration_minutes
        last = self.tracker.now.message
        if limit_minutes <= 0 or last.is_empty():
            return False
        return (time.time() - last.timestamp) / 60 > limit_minutes


def _executed(action: Action, prediction: Prediction) -> ActionExecuted:
    if prediction.action_text is not None:
        return ActionExecuted(
            None,
            prediction.policy,
            prediction.confidence,
            prediction.action_text,
            prediction.hide_rule_turn,
        )
    return ActionExecuted(action.name, prediction.policy, prediction.confidence, None, prediction.hide_rule_turn)


def _certain(action: str, policy: str | None, confidence: float | None) -> Prediction:
    """A prediction that no policy made."""
    return Prediction(action, confidence, policy, 0, {action: 1.0})  # type: ignore[arg-type]
