"""Custom actions of the diary: trackers of rasa-sdk in; reminders, cancellations and follow-ups out."""

from datetime import datetime, timedelta, timezone

from rasa_sdk import Action
from rasa_sdk.events import ActionExecuted, FollowupAction, ReminderCancelled, ReminderScheduled, SlotSet

# Far enough away never to be due while a test runs.
FAR = datetime(2099, 5, 4, 9, 30)


def how(tracker):
    """The value of the entity `how` of the last message, which chooses what an action does."""
    return next(tracker.get_latest_entity_values("how"), None)


def later(seconds):
    return datetime.now() + timedelta(seconds=seconds)


def reminder(kind):
    if kind == "tea":
        return ReminderScheduled("EXTERNAL_tea", FAR, entities=[{"entity": "sugar", "value": "two"}], name="tea")
    if kind == "insistent":
        return ReminderScheduled("EXTERNAL_time", FAR, name="insistent", kill_on_user_message=False)
    if kind == "soon":
        return ReminderScheduled("EXTERNAL_time", later(0.5), {"what": "the bus"}, name="soon")
    if kind == "insistent soon":
        due = later(1)
        return ReminderScheduled(
            "EXTERNAL_time", due, {"what": "the train"}, name="insistent", kill_on_user_message=False
        )
    if kind == "zoned":
        there = timezone(timedelta(hours=2))
        return ReminderScheduled("EXTERNAL_time", FAR.replace(tzinfo=there), name="zoned")
    return ReminderScheduled("EXTERNAL_time", FAR, entities={"what": "the dentist"}, name="time")


class Remind(Action):
    def name(self):
        return "action_remind"

    def run(self, dispatcher, tracker, domain):
        kind = how(tracker)
        dispatcher.utter_message(text=f"I will remind you ({kind}).")
        if kind == "both":
            return [reminder("tea"), reminder(None)]
        return [reminder(kind)]


class Forget(Action):
    def name(self):
        return "action_forget"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="I will not.")
        found = how(tracker)
        if found in ("tea", "soon"):
            return [ReminderCancelled(name=found)]
        if found == "intent":
            return [ReminderCancelled(intent_name="EXTERNAL_time")]
        if found == "entities":
            return [ReminderCancelled(entities=[{"entity": "sugar", "value": "two"}])]
        return [ReminderCancelled()]


class Agenda(Action):
    """Counts the reminders of the conversation; needs the domain."""

    def name(self):
        return "action_agenda"

    def run(self, dispatcher, tracker, domain):
        names = [event["name"] for event in tracker.events if event["event"] == "reminder"]
        cancelled = sum(event["event"] == "cancel_reminder" for event in tracker.events)
        dispatcher.utter_message(text=f"{names}, {cancelled} cancelled, {len(domain['intents'])} intents")
        return []


class Ring(Action):
    def name(self):
        return "action_ring"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text=f"It is time for {tracker.get_slot('what')}.")
        return [SlotSet("rings", (tracker.get_slot("rings") or 0) + 1)]


class Plan(Action):
    """Follow-ups of many kinds."""

    def name(self):
        return "action_plan"

    def run(self, dispatcher, tracker, domain):
        found = how(tracker)
        if found == "ring":
            return [FollowupAction("action_ring")]
        if found == "chain":
            return [FollowupAction("action_remind"), reminder("tea")]
        if found == "tea":
            dispatcher.utter_message(text="First the tea.")
            return [FollowupAction("utter_tea")]
        if found == "restart":
            return [FollowupAction("action_restart")]
        if found == "back":
            return [FollowupAction("action_back")]
        if found == "fallback":
            return [FollowupAction("action_default_fallback")]
        if found == "listen":
            return [SlotSet("what", "listening"), ActionExecuted("action_listen"), FollowupAction("utter_bye")]
        return []
