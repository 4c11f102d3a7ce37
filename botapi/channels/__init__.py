"""Chat channels: each turns its own requests into UserMessage and responses into its own replies."""
