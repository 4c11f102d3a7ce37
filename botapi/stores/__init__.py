"""Keeping: events of conversations, locks and brokers behind small protocols."""
