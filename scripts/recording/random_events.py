"""Random conversations: a seed in, tests/state/golden_trackers.json.gz out, with Rasa's tracker after every event.

Run by a Python that has Rasa: PATH/TO/python scripts/recording/random_events.py
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import warnings
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from rasa import __version__
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event
from rasa.shared.core.trackers import DialogueStateTracker, EventVerbosity

OUTPUT = Path(__file__).resolve().parents[2] / "tests" / "state" / "golden_trackers.json.gz"
SLOTS: dict[str, dict[str, Any]] = {
    "name": {"type": "text"},
    "agreed": {"type": "bool", "initial_value": False},
    "age": {"type": "float", "initial_value": 1.5, "max_value": 10},
    "size": {"type": "categorical", "values": ["small", "large"], "initial_value": "small"},
    "likes": {"type": "list", "initial_value": ["tea"]},
    "thing": {"type": "any"},
    "requested_slot": {"type": "text"},
}
LOOPS = ("form_a", "form_b")
ACTIONS = (
    "action_listen",
    "action_listen",
    "utter_x",
    "action_y",
    *LOOPS,
    *LOOPS,
    "action_restart",
    "action_session_start",
)
VALUES = (None, "text", "small", "huge", 0, 3, -1.5, True, False, [], ["a", 1], {"deep": {"er": None}})
ENTITIES = (
    {"entity": "city", "value": "Rome"},
    {"entity": "city", "value": "Oslo", "role": "to"},
    {"entity": "number", "value": 4, "start": 0, "end": 1, "group": "1"},
)


class Author:
    """Makes up events; half of them follow the pattern of a real conversation, the others follow no pattern."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.messages = 0

    def conversation(self, length: int) -> list[dict[str, Any]]:
        """A list of event objects; each has its index, counted from 1, as its time."""
        events: list[dict[str, Any]] = []
        while len(events) < length:
            events += self.pattern() if self.dice.random() < 0.5 else [self.anything()]
        return [{**event, "timestamp": float(index)} for index, event in enumerate(events[:length], start=1)]

    def pattern(self) -> list[dict[str, Any]]:
        """What a turn looks like: listen, a message, an action or a run of a form, what follows from it."""
        loop = self.dice.choice(LOOPS)
        turn = [self.action("action_listen"), self.user(), {"event": "user_featurization", **self.featurization()}]
        begin = [*turn, self.action(loop), {"event": "active_loop", "name": loop}, self.slot("requested_slot")]
        go_on = [*turn, self.action(loop), self.slot(), self.slot("requested_slot")]
        end = [*turn, self.action(loop), {"event": "slot", "name": "requested_slot", "value": None}]
        rejected = {"event": "action_execution_rejected", "name": loop, "policy": "RulePolicy", "confidence": 1.0}
        interrupted = [*turn, rejected, self.action("utter_x"), self.action(loop), self.slot("requested_slot")]
        back = [*turn, self.action("action_y"), {"event": "rewind"}, {"event": "rewind"}]
        plain = [*turn, self.action("utter_x"), self.bot()]
        end.append({"event": "active_loop", "name": None})
        return self.dice.choice([begin, begin, go_on, go_on, go_on, end, interrupted, interrupted, plain, back])

    def anything(self) -> dict[str, Any]:
        return self.dice.choice(list(self.every_kind()))

    def every_kind(self) -> Iterator[dict[str, Any]]:
        dice = self.dice
        yield from (self.user(), self.bot(), self.slot(), self.slot(), self.action(dice.choice(ACTIONS)))
        yield self.action(dice.choice(ACTIONS))
        yield {"event": "agent", "text": "a human", "data": None}
        yield {"event": "active_loop", "name": dice.choice((*LOOPS, None))}
        yield {"event": "form", "name": dice.choice((*LOOPS, None))}
        yield {"event": "loop_interrupted", "is_interrupted": dice.random() < 0.5}
        yield {"event": "form_validation", "validate": dice.random() < 0.5}
        yield {"event": "action_execution_rejected", "name": dice.choice(ACTIONS), "policy": None, "confidence": None}
        yield {"event": "entities", "entities": dice.sample(ENTITIES, dice.randint(0, 2))}
        yield {"event": "user_featurization", **self.featurization()}
        yield {"event": "followup", "name": dice.choice(ACTIONS)}
        yield {
            "event": "reminder",
            "intent": "x",
            "date_time": "2099-01-01T00:00:00",
            "name": "r",
            "kill_on_user_msg": True,
        }
        yield {"event": "cancel_reminder", "name": "r", "intent": None, "entities": None}
        for name in (
            "session_started",
            "restart",
            "rewind",
            "rewind",
            "undo",
            "undo",
            "reset_slots",
            "pause",
            "resume",
        ):
            yield {"event": name}

    def user(self) -> dict[str, Any]:
        self.messages += 1
        text = self.dice.choice((f"message {self.messages}", f"message {self.messages}", "", None))
        intent = self.dice.choice(("greet", "inform", "restart", None))
        parse_data = {
            "text": text,
            "intent": {"name": intent, "confidence": 0.5},
            "entities": self.dice.sample(ENTITIES, self.dice.randint(0, 2)),
        }
        channel = self.dice.choice(("rest", "slack", None))
        return {"event": "user", "text": text, "parse_data": parse_data, "input_channel": channel, "message_id": "m"}

    def bot(self) -> dict[str, Any]:
        return {"event": "bot", "text": "said", "data": {}}

    def slot(self, name: str | None = None) -> dict[str, Any]:
        return {
            "event": "slot",
            "name": name or self.dice.choice((*SLOTS, "unknown")),
            "value": self.dice.choice(VALUES),
        }

    def action(self, name: str) -> dict[str, Any]:
        if name == "utter_x" and self.dice.random() < 0.2:
            return {"event": "action", "name": None, "action_text": "said in full", "policy": None, "confidence": None}
        return {"event": "action", "name": name, "policy": "RulePolicy", "confidence": 1.0}

    def featurization(self) -> dict[str, Any]:
        return {"use_text_for_featurization": self.dice.choice((True, False, None))}


def states(events: list[dict[str, Any]], domain: Domain) -> Iterator[dict[str, Any]]:
    """Rasa's state after each event: of each only what is not as it was after the event before."""
    tracker = DialogueStateTracker("anna", domain.slots)
    before: dict[str, Any] = {}
    for event in events:
        tracker.update(Event.from_parameters(json.loads(json.dumps(event))))
        state = state_of(tracker)
        yield {key: value for key, value in state.items() if key not in before or differ(before[key], value)}
        before = state


def differ(one: Any, other: Any) -> bool:
    return json.dumps(one) != json.dumps(other)  # 1 is not true here


def state_of(tracker: DialogueStateTracker) -> dict[str, Any]:
    """What is compared; events are named by their times."""
    state = tracker.current_state(EventVerbosity.APPLIED)
    message, loop = tracker.latest_message, state["active_loop"]
    found = {
        "applied": [int(event["timestamp"]) for event in state["events"]],
        "after_restart": len(tracker.events_after_latest_restart()),
        "slots": state["slots"],
        "latest_action": state["latest_action"],
        "latest_action_name": state["latest_action_name"],
        "active_loop": {**loop, "trigger_message": (loop["trigger_message"] or {}).get("text")} if loop else {},
        "paused": state["paused"],
        "followup_action": state["followup_action"],
        "latest_input_channel": state["latest_input_channel"],
        "message": [message.text, message.intent_name, message.entities, message.use_text_for_featurization],
    }
    return json.loads(json.dumps(found))  # a copy: an `entities` event changes the message in place


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=400, help="conversations (default: 400)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    domain = Domain.from_dict({"slots": {name: {**slot, "mappings": []} for name, slot in SLOTS.items()}})
    conversations = []
    for seed in range(options.seed, options.seed + options.count):
        author = Author(seed)
        events = author.conversation(author.dice.randint(5, 40))
        conversations.append({"events": events, "states": list(states(events, domain))})
    golden = {
        "recorded_by": "scripts/recording/random_events.py",
        "date": date.today().isoformat(),
        "rasa": __version__,
        "slots": SLOTS,
        "conversations": conversations,
    }
    data = json.dumps(golden, separators=(",", ":")).encode()
    OUTPUT.write_bytes(gzip.compress(data, mtime=0))
    print(f"{len(conversations)} conversations, {sum(len(c['events']) for c in conversations)} events in {OUTPUT}")


if __name__ == "__main__":
    main()
