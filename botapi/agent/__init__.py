"""The running bot: UserMessage in, events stored and responses sent out."""
