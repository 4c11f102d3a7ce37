"""What learning policies see of a conversation: its last turns in, newest first, and a list of features out.

A feature is a tuple: what kind it is, then names and distances. Turns are counted as policies count them (each action
is one), and messages apart, so that "the question before the last message" is the same however much was said since.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from botapi.names import ACTION_LISTEN
from botapi.policies.features import Seen, State
from botapi.policies.learner import Feature

WORD = re.compile(r"\w+|[^\w\s]")
# How far back distances count; beyond, only that something happened does.
NEAR_ACTIONS, NEAR_MESSAGES = 6, 4
# The message and the action that just came count as much as so many other features.
NOW_COUNTS = 4
# Parts of a number between 0 and 1 that are told apart.
STEPS = 5


def window(seen: Seen | None, size: int) -> list[State]:
    """The last turns up to `seen`, newest first; an unlikely intent was none of the stories' turns."""
    found: list[State] = []
    while seen is not None and len(found) < size:
        if not seen.is_unlikely:
            found.append(seen.state)
        seen = seen.before
    return found


def clues(turns: Sequence[State]) -> list[Feature]:
    """The features of some turns, newest first, of which there is at least one; always in the same order."""
    actions = [action_of(turn) for turn in turns]
    newest, last = turns[0], actions[0]
    previous = actions[1] if len(actions) > 1 else None
    found: list[Feature] = [("action", back, action) for back, action in enumerate(actions[:NEAR_ACTIONS])]
    found += [("any action", action) for action in dict.fromkeys(actions)]
    messages = [back for back, action in enumerate(actions) if action == ACTION_LISTEN or back == len(actions) - 1]
    intents = [_intent(turns[back]) for back in messages]
    for number, back in enumerate(messages[:NEAR_MESSAGES]):
        found.append(("intent", number, intents[number]))
        if user := turns[back].get("user"):
            found += [("entity", number, label) for label in user.get("entities", ())]
            if "text" in user:
                found += _text_clues(number, user["text"])
    found += [("any intent", intent) for intent in dict.fromkeys(intents)]
    intent = _intent(newest)
    # What the bot did last before the message, and how many actions ago that message came.
    asked = actions[messages[0] + 1] if messages[0] + 1 < len(actions) else None
    loop = newest["active_loop"]["name"] if "active_loop" in newest else None
    found += [
        ("actions since", min(messages[0], 3)),
        ("asked", asked),
        *[("intent, action", intent, last)] * NOW_COUNTS,
        ("actions", last, previous),
        ("intent, action, asked", intent, last, asked),
        ("intents, action", intent, last, intents[1] if len(intents) > 1 else None),
        ("loop", loop),
        ("loop, action", loop, last),
    ]
    if slots := newest.get("slots"):
        found += _slot_clues(slots.items())
    return found


def gist(turns: Sequence[State]) -> list[Feature]:
    """The features of the newest turn alone, without slots: what can be said whatever came before."""
    return clues([{part: values for part, values in turns[0].items() if part != "slots"}])


def what_happened(turn: State) -> list[Feature]:
    """Those features of the newest turn of which one at least must be known, or nothing can be said about it."""
    if action_of(turn) != ACTION_LISTEN:
        return [("action", 0, action_of(turn))]
    user = turn.get("user", {})
    if "text" in user:
        return _text_clues(0, user["text"])
    return [("intent, action", user.get("intent"), ACTION_LISTEN)]


def action_of(turn: State) -> str | None:
    previous = turn.get("prev_action")
    return (previous.get("action_name") or previous.get("action_text")) if previous else None


def _intent(turn: State) -> str | None:
    return turn["user"].get("intent") if "user" in turn else None


def _text_clues(number: int, text: str) -> list[Feature]:
    words = dict.fromkeys(WORD.findall(text.lower()))
    return [("text", number, text), *(("word", number, word) for word in words)]


def _slot_clues(slots: Iterable[tuple[str, Sequence[float] | str]]) -> Iterator[Feature]:
    for name, values in slots:
        if isinstance(values, str):
            yield ("slot", name, values)
            continue
        yield from (("slot", name, place) for place, value in enumerate(values) if value)
        if len(values) == 2 and values[0] == 1.0:
            # A number between 0 and 1 is known to be below some steps; `false` and "other" come along as 0.
            yield from (("slot below", name, step) for step in range(int(values[1] * STEPS) + 1, STEPS + 1))
