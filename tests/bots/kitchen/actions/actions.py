"""Custom actions of the kitchen: trackers of rasa-sdk in, events and messages of every kind out."""

from rasa_sdk import Action, FormValidationAction, ValidationAction
from rasa_sdk.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    AllSlotsReset,
    BotUttered,
    ConversationPaused,
    ConversationResumed,
    FollowupAction,
    Restarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from rasa_sdk.interfaces import ActionExecutionRejection


def wish(tracker):
    """The value of the entity `note` of the last message, which chooses what an action does."""
    return next(tracker.get_latest_entity_values("note"), None)


class Greet(Action):
    def name(self):
        return "action_greet"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="Welcome to the kitchen.")
        dispatcher.utter_message(text="First line\n\nSecond line")
        return [SlotSet("table", "7")]


class Weigh(Action):
    """Sets slots of every type, with values that fit and values that don't."""

    def name(self):
        return "action_weigh"

    def run(self, dispatcher, tracker, domain):
        if wish(tracker) == "odd":
            return [
                SlotSet("grams", "a lot"),
                SlotSet("season", "monsoon"),
                SlotSet("paid", "maybe"),
                SlotSet("extras", "salt"),
                SlotSet("unknown_slot", 1),
            ]
        return [
            SlotSet("grams", 250),
            SlotSet("season", "summer"),
            SlotSet("paid", False),
            SlotSet("extras", ["salt", "pepper"]),
            SlotSet("anything", {"nested": [1, None, {"deep": 2.5}]}),
            SlotSet("table", None),
        ]


class Show(Action):
    """Says what a message can carry, all at once or one kind a message."""

    def name(self):
        return "action_show"

    async def run(self, dispatcher, tracker, domain):
        buttons = [{"title": "Soup", "payload": '/inform{"dish": "soup"}'}, {"title": "No", "payload": "/stop"}]
        elements = [
            {"title": "Soup", "subtitle": "hot", "buttons": [{"title": "Take", "payload": "/cook"}]},
            {"title": "Salad", "subtitle": "cold"},
        ]
        if wish(tracker) == "apart":
            dispatcher.utter_message(image="https://img.example/soup.png")
            dispatcher.utter_message(json_message={"kind": "menu", "items": ["soup", {"name": "stew"}]})
            dispatcher.utter_message(attachment="menu.pdf")
            dispatcher.utter_message(text="Choose", buttons=buttons)
            dispatcher.utter_message(elements=elements[:1])
        elif wish(tracker) == "odd":
            dispatcher.utter_message()
            dispatcher.utter_message(text="", custom_key="kept")
            dispatcher.utter_message(text="Quick", quick_replies=[{"title": "A", "payload": "/greet"}])
            dispatcher.utter_message(attachment={"type": "video", "payload": {"src": "https://v.example/1"}})
        else:
            dispatcher.utter_message(
                text="All of it",
                image="https://img.example/menu.png",
                json_message={"kind": "menu"},
                attachment="menu.pdf",
                buttons=buttons,
                elements=elements,
                mood="sunny",
            )
        return []


class Named(Action):
    """Says responses of the domain: with variables, more buttons, a text of its own, and one that is missing."""

    def name(self):
        return "action_named"

    def run(self, dispatcher, tracker, domain):
        if wish(tracker) == "odd":
            dispatcher.utter_message(response="utter_absent")
            dispatcher.utter_message(response="utter_lonely")
            dispatcher.utter_message(response="utter_lonely", nobody=None)
            dispatcher.utter_message(template="utter_welcome")
            return []
        dispatcher.utter_message(response="utter_named", who="Ann")
        dispatcher.utter_message(response="utter_named", who="Bob", dish="nothing")
        dispatcher.utter_message(response="utter_dessert", buttons=[{"title": "No", "payload": "/stop"}])
        dispatcher.utter_message(response="utter_welcome", text="Replaced", image="https://img.example/x.png")
        dispatcher.utter_message(response="utter_picture", json_message={"kind": "mine"})
        return []


class Follow(Action):
    def name(self):
        return "action_follow"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="Following.")
        found = wish(tracker)
        if found == "twice":
            return [FollowupAction("utter_dessert"), FollowupAction("utter_after")]
        if found == "form":
            return [FollowupAction("cook_form")]
        if found == "odd":
            return [FollowupAction("action_nowhere")]
        if found == "listen":
            return [FollowupAction("action_listen")]
        return [FollowupAction("utter_dessert"), SlotSet("table", "9")]


class Refuse(Action):
    """Rejects to run: by the exception, or by the event."""

    def name(self):
        return "action_refuse"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="Not me.")
        if wish(tracker) == "event":
            return [ActionExecutionRejected("action_refuse", "RulePolicy", 0.5), SlotSet("table", "refused")]
        raise ActionExecutionRejection(self.name(), "the kitchen is closed")


class Fail(Action):
    def name(self):
        return "action_fail"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="never heard")
        if wish(tracker) == "nothing":
            return None
        if wish(tracker) == "odd":
            return [{"event": "explosion"}]
        raise RuntimeError("the stove is broken")


class Clean(Action):
    def name(self):
        return "action_clean"

    def run(self, dispatcher, tracker, domain):
        return [AllSlotsReset(), SlotSet("table", "clean"), BotUttered("All clean.", {"image": "broom.png"})]


class Pause(Action):
    def name(self):
        return "action_pause"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="A break.")
        return [ConversationPaused()]


class Resume(Action):
    def name(self):
        return "action_resume"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="Back again.")
        return [ConversationResumed()]


class StartOver(Action):
    def name(self):
        return "action_start_over"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="From the beginning.")
        if wish(tracker) == "form":
            return [Restarted(), FollowupAction("cook_form")]
        return [Restarted()]


class ForgetThat(Action):
    def name(self):
        return "action_forget_that"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="Forgotten.")
        return [UserUtteranceReverted()]


class Pretend(Action):
    """Puts words into the user's mouth."""

    def name(self):
        return "action_pretend"

    def run(self, dispatcher, tracker, domain):
        parse_data = {
            "intent": {"name": "thanks", "confidence": 1.0},
            "entities": [{"entity": "dish", "value": "stew"}],
            "text": "thanks for the stew",
        }
        said = UserUttered("thanks for the stew", parse_data)
        return [ActionExecuted("action_listen"), said]


class Raw(Action):
    """Events that rasa-sdk has no function for, as they travel."""

    def name(self):
        return "action_raw"

    def run(self, dispatcher, tracker, domain):
        return [
            {"event": "agent", "text": "A cook takes over.", "data": {"cook": "Ann"}},
            {"event": "entities", "entities": [{"entity": "dish", "value": "salad"}]},
            {"event": "loop_interrupted", "is_interrupted": True},
            {"event": "export"},
            {"event": "slot", "name": "table", "value": "raw", "metadata": {"from": "raw"}},
            {"event": "bot", "text": "Raw words.", "data": {"buttons": [{"title": "Ok", "payload": "/thanks"}]}},
        ]


class Order(Action):
    def name(self):
        return "action_order"

    def run(self, dispatcher, tracker, domain):
        return [SlotSet("paid", wish(tracker) == "cash")]


class Look(Action):
    """Tells what it was sent."""

    def name(self):
        return "action_look"

    def run(self, dispatcher, tracker, domain):
        seen = {
            "slots": tracker.slots,
            "intent": tracker.latest_message["intent"].get("name"),
            "text": tracker.latest_message.get("text"),
            "entities": [(entity["entity"], entity["value"]) for entity in tracker.latest_message["entities"]],
            "kinds": [event["event"] for event in tracker.events],
            "applied": [event["event"] for event in tracker.applied_events()],
            "latest_action_name": tracker.latest_action_name,
            "loop": tracker.active_loop.get("name"),
            "followup": tracker.followup_action,
            "channel": tracker.get_latest_input_channel(),
            "paused": tracker.is_paused(),
            "forms": sorted(domain["forms"]),
            "responses": sorted(domain["responses"]),
            "session": domain["session_config"],
        }
        return [SlotSet("anything", seen)]


class Quiet(Action):
    def name(self):
        return "action_quiet"

    def run(self, dispatcher, tracker, domain):
        return []


class Serve(Action):
    def name(self):
        return "action_serve"

    def run(self, dispatcher, tracker, domain):
        slots = tracker.slots
        how = "spicy" if slots["spicy"] else "mild"
        dispatcher.utter_message(text=f"Here is your {how} {slots['dish']}, {slots['grams']} g.")
        return [SlotSet(name, None) for name in ("dish", "grams", "spicy")]


class Season(Action):
    """Fills a slot with a custom mapping; the follow-up counts for nothing here."""

    def name(self):
        return "action_season"

    def run(self, dispatcher, tracker, domain):
        text = tracker.latest_message.get("text") or ""
        if "autumn" in text:
            return [SlotSet("season", "autumn"), FollowupAction("utter_dessert")]
        if "never" in text:
            raise RuntimeError("no season")
        return []


class StopCooking(Action):
    def name(self):
        return "action_stop_cooking"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="Stopped.")
        return [ActiveLoop(None), SlotSet("requested_slot", None), AllSlotsReset()]


class AskGrams(Action):
    def name(self):
        return "action_ask_grams"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text=f"How many grams of {tracker.get_slot('dish')}?")
        return [SlotSet("table", "asked")]


class ValidateMappings(ValidationAction):
    """Knows no salad outside of the form, and fills extras from anything that begins with +."""

    def validate_dish(self, value, dispatcher, tracker, domain):
        if value == "salad" and tracker.active_loop_name is None:
            dispatcher.utter_message(text="No salad today.")
            return {"dish": None}
        return {"dish": value}


class ValidateCookForm(FormValidationAction):
    """Nothing above a kilo; soup is never spicy, ragout needs extras, and `later` ends the form."""

    def name(self):
        return "validate_cook_form"

    async def required_slots(self, domain_slots, dispatcher, tracker, domain):
        if tracker.get_slot("dish") == "soup":
            return [slot for slot in domain_slots if slot != "spicy"]
        return domain_slots

    def validate_dish(self, value, dispatcher, tracker, domain):
        if value == "salad":
            dispatcher.utter_message(text="Salad is not cooked.")
            return {"dish": None}
        return {"dish": value}

    async def validate_grams(self, value, dispatcher, tracker, domain):
        if float(value) > 1000:
            dispatcher.utter_message(text="The pot is too small.")
            return {"grams": None}
        return {"grams": float(value), "table": "weighed"}

    async def run(self, dispatcher, tracker, domain):
        text = tracker.latest_message.get("text") or ""
        if "later" in text:
            return [SlotSet("requested_slot", None)]
        if "reject" in text:
            return [ActionExecutionRejected("cook_form")]
        if "explode" in text:
            raise RuntimeError("pressure cooker")
        return await super().run(dispatcher, tracker, domain)
