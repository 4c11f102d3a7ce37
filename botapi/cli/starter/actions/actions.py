"""The workshop's own actions, run by an action server: a tracker comes in, events for the bot go out.

Start it in the bot's folder: `pip install rasa-sdk`, then `python -m rasa_sdk --actions actions`.
"""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

# The workshop's book; a real one would be asked here.
REPAIRS = {"1041": "ready", "1042": "in work", "1043": "ready"}


class ActionRepairStatus(Action):
    """Looks a repair number up and remembers what the book says."""

    def name(self) -> str:
        return "action_repair_status"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        number = tracker.get_slot("repair_number")
        return [SlotSet("repair_status", REPAIRS.get(str(number), "not found"))]
