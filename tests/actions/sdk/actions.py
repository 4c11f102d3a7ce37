"""Custom actions that the tests run on a real action server: trackers of rasa-sdk in, its events and messages out."""

from __future__ import annotations

from rasa_sdk import Action, FormValidationAction, ValidationAction
from rasa_sdk.events import ActionExecutionRejected, AllSlotsReset, FollowupAction, SlotSet
from rasa_sdk.interfaces import ActionExecutionRejection


class Hello(Action):
    def name(self):
        return "action_hello"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text=f"Hello {tracker.sender_id}")
        return [SlotSet("size", "small"), FollowupAction("utter_bye")]


class Everything(Action):
    """Says all that a message can carry."""

    def name(self):
        return "action_everything"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(
            text="All",
            image="i.png",
            json_message={"kind": "carousel"},
            attachment="a.pdf",
            buttons=[{"title": "Yes", "payload": "/yes"}],
            elements=[{"title": "Mug"}],
            mood="sunny",
        )
        return []


class NamedResponses(Action):
    """Says responses of the domain: with variables, with more buttons, and one that does not exist."""

    def name(self):
        return "action_named_responses"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(response="utter_named", who="Ann")
        dispatcher.utter_message(response="utter_ask_size", buttons=[{"title": "Huge", "payload": "/huge"}])
        dispatcher.utter_message(response="utter_missing")
        dispatcher.utter_message(response="utter_bye", text="Replaced")
        return []


class Look(Action):
    """Puts what it was sent into a slot."""

    def name(self):
        return "action_look"

    def run(self, dispatcher, tracker, domain):
        seen = {
            "sender_id": tracker.sender_id,
            "slots": tracker.slots,
            "intent": tracker.latest_message["intent"].get("name"),
            "events": [event["event"] for event in tracker.events],
            "latest_action_name": tracker.latest_action_name,
            "active_loop": tracker.active_loop_name,
            "domain_has_forms": "forms" in (domain or {}),
        }
        return [SlotSet("note", seen)]


class LookSelectively(Look):
    """Another name for the same, which the domain marks with send_domain."""

    def name(self):
        return "action_look_with_domain"


class Refuse(Action):
    def name(self):
        return "action_refuse"

    def run(self, dispatcher, tracker, domain):
        raise ActionExecutionRejection(self.name(), "not today")


class Fail(Action):
    def name(self):
        return "action_fail"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="never heard")
        raise RuntimeError("the database is gone")


class EndSession(Action):
    """Answers an event that only newer versions of rasa-sdk know."""

    def name(self):
        return "action_end_session"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="Over")
        return [{"event": "session_ended", "timestamp": None, "metadata": None}, AllSlotsReset()]


class Price(Action):
    """Fills a slot with a custom mapping; the followup must be left out."""

    def name(self):
        return "action_price"

    def run(self, dispatcher, tracker, domain):
        if tracker.latest_message["text"] == "no price":
            raise RuntimeError("no price")
        return [SlotSet("price", 12.5), FollowupAction("utter_bye")]


class ValidateMappings(ValidationAction):
    """Shouts every size, and knows no size `nothing`."""

    def validate_size(self, value, dispatcher, tracker, domain):
        return {"size": None if value == "nothing" else str(value).upper()}


class ValidateOrder(FormValidationAction):
    """Takes three sizes only; a gift needs a card; `skip` ends the form, `reject` makes room for others."""

    def name(self):
        return "validate_order_form"

    async def required_slots(self, domain_slots, dispatcher, tracker, domain):
        return domain_slots + ["card"] if tracker.get_slot("gift") else domain_slots

    def validate_size(self, value, dispatcher, tracker, domain):
        if value in ("small", "medium", "large"):
            return {"size": value}
        dispatcher.utter_message(text=f"There is no {value}.")
        return {"size": None}

    def validate_qty(self, value, dispatcher, tracker, domain):
        return {"requested_slot": None} if value == "skip" else {"qty": value}

    async def extract_card(self, dispatcher, tracker, domain):
        if tracker.get_slot("requested_slot") == "card" and tracker.latest_message["intent"]["name"] == "inform":
            return {"card": tracker.latest_message["text"]}
        return {}

    async def run(self, dispatcher, tracker, domain):
        if tracker.latest_message["text"] == "reject":
            return [ActionExecutionRejected("order_form")]
        return await super().run(dispatcher, tracker, domain)


class AskQuantity(Action):
    def name(self):
        return "action_ask_order_form_qty"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text=f"How many {tracker.get_slot('size')} ones?")
        return []
