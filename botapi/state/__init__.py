"""Pure data, no I/O: events in, the state of a conversation out."""
