"""The custom actions of this bot, found by `python -m rasa_sdk --actions actions`."""
