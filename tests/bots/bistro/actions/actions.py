"""Questions and validation of the bistro's forms: rasa-sdk trackers in, slots and messages out."""

from __future__ import annotations

from rasa_sdk import Action, FormValidationAction
from rasa_sdk.events import SlotSet
from rasa_sdk.interfaces import ActionExecutionRejection


class AskOutdoor(Action):
    def name(self):
        return "action_ask_outdoor"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(
            text=f"Outdoor, for {tracker.get_slot('num_people')}?",
            buttons=[{"title": "Yes", "payload": "/affirm"}, {"title": "No", "payload": "/deny"}],
        )
        return []


class AskAddress(Action):
    def name(self):
        return "action_ask_delivery_form_address"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="Where do you live?")
        return []


class ForgetCuisine(Action):
    def name(self):
        return "action_forget_cuisine"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text=f"No {tracker.get_slot('cuisine')} then.")
        return [SlotSet("cuisine", None)]


class ValidateTableForm(FormValidationAction):
    """Knows three cuisines and tables for ten; the number 99 is refused in a way that makes room for others."""

    def name(self):
        return "validate_table_form"

    def validate_cuisine(self, value, dispatcher, tracker, domain):
        if value in ("french", "thai", "italian"):
            return {"cuisine": value.title()}
        if value in ("French", "Thai", "Italian"):
            return {"cuisine": value}
        dispatcher.utter_message(text=f"No {value} here.")
        return {"cuisine": None}

    def validate_num_people(self, value, dispatcher, tracker, domain):
        count = int(value)
        if count == 99:
            raise ActionExecutionRejection("validate_table_form", "nobody can seat 99")
        if count == 77:
            return {"num_people": count, "outdoor": True}
        if not 1 <= count <= 10:
            dispatcher.utter_message(text="Ten at most.")
            return {"num_people": None}
        return {"num_people": count}


class ValidateDeliveryForm(FormValidationAction):
    """Asks for the floor in a house with flats, and for the bell above the third floor; `nowhere` ends the form."""

    def name(self):
        return "validate_delivery_form"

    async def required_slots(self, domain_slots, dispatcher, tracker, domain):
        more = []
        if "flat" in (tracker.get_slot("address") or ""):
            more.append("floor")
            if str(tracker.get_slot("floor") or "0").isdigit() and int(tracker.get_slot("floor") or 0) > 3:
                more.append("doorbell")
        return domain_slots + more

    def validate_address(self, value, dispatcher, tracker, domain):
        if value == "nowhere":
            return {"address": "nowhere", "requested_slot": None}
        if len(value) < 4:
            dispatcher.utter_message(text="That is too short.")
            return {"address": None}
        return {"address": value}
