"""The clinic's own fallbacks: rasa-sdk trackers in, events and messages out."""

from __future__ import annotations

from rasa_sdk import Action
from rasa_sdk.events import Restarted, SlotSet, UserUtteranceReverted


class CallNurse(Action):
    """What runs when nobody knows what to do; it takes the message back, but the slot stays."""

    def name(self):
        return "action_call_nurse"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text=f"Nurse! ({tracker.latest_message['intent'].get('name')})")
        return [UserUtteranceReverted(), SlotSet("nurse_called", True)]


class GiveUp(Action):
    """In place of the default fallback."""

    def name(self):
        return "action_default_fallback"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="Nobody understands you.")
        return [UserUtteranceReverted()]


class AskAffirmation(Action):
    def name(self):
        return "action_default_ask_affirmation"

    def run(self, dispatcher, tracker, domain):
        names = [found["name"] for found in tracker.latest_message.get("intent_ranking", [])[1:3]]
        dispatcher.utter_message(
            text=f"Is '{tracker.latest_message['text']}' about pain? {names}",
            buttons=[{"title": "Yes", "payload": "/pain"}, {"title": "No", "payload": "/out_of_scope"}],
        )
        return []


class Restart(Action):
    """In place of the default restart: says so, and starts over."""

    def name(self):
        return "action_restart"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(response="utter_restart")
        return [Restarted()]
