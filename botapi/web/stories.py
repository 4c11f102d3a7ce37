"""Conversations as test stories: an agent and a conversation's id in, YAML text out."""

from __future__ import annotations

from itertools import takewhile

from botapi.agent.agent import Agent
from botapi.data.write import story_yaml


def get_test_stories(
    processor: Agent, conversation_id: str, until_time: float | None, fetch_all_sessions: bool = False
) -> str:
    """The conversation as a test story, or one story for each session; only the latest unless `fetch_all_sessions`.

    With `until_time` (seconds since 1970) only events up to the first that is later count, and sessions without any
    are left out.
    """
    sessions = processor.sessions(conversation_id, all_sessions=fetch_all_sessions)
    if until_time is not None:
        sessions = [list(takewhile(lambda event: event.timestamp <= until_time, events)) for events in sessions]
        sessions = [events for events in sessions if events]
    if len(sessions) == 1:
        names = [conversation_id]
    else:
        names = [f"{conversation_id}, story {number}" for number in range(1, len(sessions) + 1)]
    return story_yaml(sessions, names)
