"""Random conversations, replayed: after every event the tracker's state is the one that Rasa 3.6's tracker had."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from botapi.state.domain import Domain
from botapi.state.events import EVENTS, LEGACY_NAMES, from_dict
from botapi.state.tracker import Tracker, Verbosity

GOLDEN = json.loads(gzip.decompress((Path(__file__).parent / "golden_trackers.json.gz").read_bytes()))
SLOTS = Domain.from_dict({"slots": {name: {**slot, "mappings": []} for name, slot in GOLDEN["slots"].items()}}).slots
# Rasa writes a file for it.
NOT_RECORDED = {"export"}
PARTS = 20


def state_of(tracker: Tracker) -> dict[str, Any]:
    """The same choice as scripts/recording/random_events.py makes; events are named by their times."""
    state = tracker.current_state(Verbosity.APPLIED)
    message, loop = tracker.latest_message, state["active_loop"]
    return {
        "applied": [int(event["timestamp"]) for event in state["events"]],
        "after_restart": len(tracker.events_of(Verbosity.AFTER_RESTART)),
        "slots": {name: state["slots"][name] for name in tracker.slot_types},
        "latest_action": state["latest_action"],
        "latest_action_name": state["latest_action_name"],
        "active_loop": {**loop, "trigger_message": (loop["trigger_message"] or {}).get("text")} if loop else {},
        "paused": state["paused"],
        "followup_action": state["followup_action"],
        "latest_input_channel": state["latest_input_channel"],
        "message": [message.text, message.intent_name, message.entities, message.use_text_for_featurization],
    }


def as_text(state: dict[str, Any]) -> dict[str, str]:
    """Each part as JSON, so that true is not 1."""
    return {key: json.dumps(value, sort_keys=True) for key, value in state.items()}


def test_the_recording_has_every_event_type():
    seen = {event["event"] for conversation in GOLDEN["conversations"] for event in conversation["events"]}
    assert {*EVENTS, *LEGACY_NAMES} - NOT_RECORDED == seen
    assert GOLDEN["rasa"].startswith("3.6.") and GOLDEN["date"] and len(GOLDEN["conversations"]) >= 300


@pytest.mark.parametrize("part", range(PARTS))
def test_our_state_is_rasas_after_every_event(part):
    for number, conversation in enumerate(GOLDEN["conversations"][part::PARTS]):
        tracker = Tracker("anna", SLOTS)
        expected: dict[str, Any] = {}
        for event, change in zip(conversation["events"], conversation["states"], strict=True):
            tracker.apply(from_dict(event))
            expected.update(change)
            found = state_of(tracker)
            found["slots"] = {name: value for name, value in found["slots"].items() if name in expected["slots"]}
            assert as_text(found) == as_text(expected), f"conversation {number * PARTS + part}, after {event}"


@pytest.mark.parametrize("part", range(PARTS))
def test_replaying_what_was_written_gives_the_same_tracker(part):
    for conversation in GOLDEN["conversations"][part::PARTS]:
        tracker = Tracker("anna", SLOTS)
        tracker.apply_all(map(from_dict, conversation["events"]))
        written = json.loads(json.dumps([event.as_dict() for event in tracker.events]))
        again = Tracker("anna", SLOTS)
        again.apply_all(map(from_dict, written))
        assert again.current_state(Verbosity.ALL) == tracker.current_state(Verbosity.ALL)
        assert again.applied_events() == tracker.applied_events()
