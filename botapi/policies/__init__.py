"""Deciding: tracker and domain in, a prediction of the next action out."""
