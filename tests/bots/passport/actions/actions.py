"""What fills the passport's custom slots: rasa-sdk trackers in, slots out."""

from __future__ import annotations

from rasa_sdk import Action, ValidationAction
from rasa_sdk.events import BotUttered, FollowupAction, SlotSet


class Price(Action):
    """A price for every number in a text of more than two words; the follow-up does not count here."""

    def name(self):
        return "action_price"

    def run(self, dispatcher, tracker, domain):
        words = (tracker.latest_message.get("text") or "").split()
        numbers = [word for word in words if word.isdigit()]
        if len(words) < 3 or not numbers:
            return []
        if numbers[0] == "13":
            dispatcher.utter_message(text="Thirteen is no price.")
            return [SlotSet("price", None), BotUttered("Never said.")]
        return [SlotSet("price", float(numbers[0])), SlotSet("tags", ["priced"]), FollowupAction("utter_noted")]


class CountVisit(Action):
    def name(self):
        return "action_count_visit"

    def run(self, dispatcher, tracker, domain):
        return [SlotSet("visits", tracker.get_slot("visits") + 1), SlotSet("no_such_slot", "x")]


class ValidateMappings(ValidationAction):
    """Carla is nobody; Bob is written large and makes VIPs; ages are whole numbers."""

    def validate_name(self, value, dispatcher, tracker, domain):
        if value == "Carla":
            dispatcher.utter_message(text="Carla? Never heard.")
            return {"name": None}
        return {"name": value.upper(), "vip": value != "Bob"} if value in ("Bob", "Anna") else {"name": value}

    async def validate_age(self, value, dispatcher, tracker, domain):
        return {"age": int(value) if int(value) < 150 else None}
