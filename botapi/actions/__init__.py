"""Acting: tracker and domain in, events and bot responses out."""
