"""The desk begins sessions itself: trackers of rasa-sdk in, the events of a new session out."""

from rasa_sdk import Action
from rasa_sdk.events import ActionExecuted, SessionStarted, SlotSet


class StartSession(Action):
    """Counts visits, keeps the note only, and takes what the channel knows about the customer.

    In conversations whose id says so it goes wrong on purpose.
    """

    def name(self):
        return "action_session_start"

    def run(self, dispatcher, tracker, domain):
        metadata = tracker.get_slot("session_started_metadata") or {}
        if "fails" in tracker.sender_id:
            raise RuntimeError("no session today")
        if "without-listening" in tracker.sender_id:
            return [SessionStarted()]
        if "without-events" in tracker.sender_id:
            return []
        events = [SessionStarted(), SlotSet("visits", tracker.get_slot("visits") + 1)]
        if tracker.get_slot("note"):
            events.append(SlotSet("note", tracker.get_slot("note")))
        if metadata:
            events.append(SlotSet("customer", metadata.get("customer")))
        dispatcher.utter_message(text="The desk is open.")
        return [*events, ActionExecuted("action_listen")]
