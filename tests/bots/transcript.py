"""Conversations as lists of steps: steps in, HTTP requests out; answers in, what two servers must agree on out.

Shared by scripts/record, which plays them to a reference server, and by the test, which plays them to ours.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from botapi import yamlfile

BOTS = Path(__file__).parent
POINTS = ("forms", "slots", "stories", "fallbacks", "actions", "responses", "reminders", "sessions", "events")
AWAIT_S = 15.0
# What a step may hold beside its kind.
OPTIONS = {"query", "metadata", "input_channel", "differs"}
QUIET = {"include_events": "NONE"}
EVERYTHING = {"tracker": {"include_events": "ALL"}}


@dataclass(frozen=True)
class Request:
    """One HTTP request; `body` is sent as JSON where it is not None."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None

    @property
    def target(self) -> str:
        return self.path + ("?" + urlencode(self.query) if self.query else "")


# Sends a request and gives the status and the decoded body: JSON, or text.
Send = Callable[[Request], tuple[int, Any]]


@dataclass(frozen=True)
class Conversation:
    """What happens in one conversation of a bot; `point` is the part of the engine that it is about."""

    bot: str
    name: str
    point: str
    steps: list[dict[str, Any]]

    @property
    def sender(self) -> str:
        return self.name.replace(" ", "-")

    @property
    def user_turns(self) -> int:
        return sum(1 for step in self.steps if not step.keys().isdisjoint(("say", "message", "trigger")))


def bots() -> list[str]:
    """Names of all bots that have conversations."""
    return sorted(path.parent.name for path in BOTS.glob("*/conversations.yml"))


def conversations(bot: str) -> list[Conversation]:
    """The conversations of a bot; each ends with a look at all events."""
    found = []
    for item in yamlfile.load_file(BOTS / bot / "conversations.yml"):
        conversation = Conversation(bot, item["name"], item["point"], [*item["steps"], EVERYTHING])
        if set(item) != {"name", "point", "steps"} or item["point"] not in POINTS:
            raise ValueError(f"{bot}: {item['name']!r} needs a name, steps and a point of {', '.join(POINTS)}")
        for step in conversation.steps:
            kind_of(step)
        found.append(conversation)
    return found


def digest(bot: str) -> str:
    """Changes with whatever a recording depends on: the bot's files and its conversations."""
    folder = BOTS / bot
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".yml", ".py") and path.is_file())
    found = hashlib.sha256()
    for path in files:
        if path.name != "conversations.yml":
            found.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    for conversation in conversations(bot):
        steps = [{key: value for key, value in step.items() if key != "differs"} for step in conversation.steps]
        found.update(json.dumps([conversation.name, steps]).encode())
    return found.hexdigest()[:16]


# ------------------------------------------------------------------ playing


def kind_of(step: Mapping[str, Any]) -> str:
    """The one key of a step that says what it does; ValueError when it has none, two or an unknown one."""
    kinds = set(step) - OPTIONS
    if len(kinds) != 1 or not kinds <= set(_REQUESTS):
        raise ValueError(f"{dict(step)!r} is no step; expected one key of {', '.join(_REQUESTS)}")
    return kinds.pop()


def play(conversation: Conversation, send: Send) -> list[dict[str, Any]]:
    """Send every step of a conversation; what came back, normalised: a list of {"status", "body"}."""
    found = []
    for step in conversation.steps:
        kind = kind_of(step)
        request = _REQUESTS[kind](step[kind], step, f"/conversations/{conversation.sender}", conversation.sender)
        if kind == "until":
            found.append(_await(step["until"], request, send))
        else:
            status, body = send(request)
            found.append({"status": status, "body": normalised(kind, status, body)})
    return found


def _await(wanted: Mapping[str, Any], request: Request, send: Send) -> dict[str, Any]:
    """Ask for the events until one of them holds what is wanted; the status is 408 when it never comes."""
    deadline = time.monotonic() + AWAIT_S
    while time.monotonic() < deadline:
        status, body = send(request)
        if status == 200 and any(wanted.items() <= event.items() for event in body["events"]):
            return {"status": 200, "body": None}
        time.sleep(0.05)
    return {"status": 408, "body": None}


def _say(text: str, step: Mapping[str, Any], path: str, sender: str) -> Request:
    more = {key: step[key] for key in ("metadata", "input_channel") if key in step}
    body = {"sender": sender, "message": text, **more}
    return Request("POST", "/webhooks/rest/webhook", step.get("query", {}), body)


def _to(method: str, where: str) -> Callable[..., Request]:
    """A step whose value is the request's body."""

    def request(value: Any, step: Mapping[str, Any], path: str, sender: str) -> Request:
        return Request(method, f"{path}/{where}", {**QUIET, **step.get("query", {})}, value)

    return request


def _message(value: Mapping[str, Any], step: Mapping[str, Any], path: str, sender: str) -> Request:
    query = {**QUIET, **step.get("query", {})}
    return Request("POST", f"{path}/messages", query, {"sender": "user", **value})


def _predict(value: Any, step: Mapping[str, Any], path: str, sender: str) -> Request:
    return Request("POST", f"{path}/predict", step.get("query", {}))


def _look(where: str) -> Callable[..., Request]:
    """A step whose value is the query, or true."""

    def request(value: Any, step: Mapping[str, Any], path: str, sender: str) -> Request:
        return Request("GET", f"{path}/{where}", {} if value is True else value)

    return request


def _until(value: Any, step: Mapping[str, Any], path: str, sender: str) -> Request:
    return Request("GET", f"{path}/tracker", {"include_events": "ALL"})


_REQUESTS: dict[str, Callable[..., Request]] = {
    "say": _say,
    "post": _to("POST", "tracker/events"),
    "put": _to("PUT", "tracker/events"),
    "execute": _to("POST", "execute"),
    "trigger": _to("POST", "trigger_intent"),
    "message": _message,
    "predict": _predict,
    "tracker": _look("tracker"),
    "story": _look("story"),
    "until": _until,
}

# -------------------------------------------------------------- normalising

# Differ from run to run: times, and ids of models, assistants and messages.
_PASSING = ("timestamp", "latest_event_time", "model_id", "assistant_id", "message_id")
_ID = re.compile(r"\b[0-9a-f]{32}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
# Kept by us and lost by Rasa 3.6: what a cancellation means and, as metadata of a user's event, which reminder it is.
_OURS = {"cancel_reminder": ("name", "intent", "entities")}
# Which keys of an error object are a contract; its texts are not.
_ERROR = ("status", "reason", "code")


def normalised(kind: str, status: int, body: Any) -> Any:
    """The part of an answer that is the same in every run of the same server."""
    if status >= 400:
        return {key: body.get(key) for key in _ERROR} if isinstance(body, dict) else None
    if kind == "predict":
        best = max(score["score"] for score in body["scores"])
        body = {
            "best": sorted(score["action"] for score in body["scores"] if best and score["score"] == best),
            "policy": body["policy"],
            "confidence": body["confidence"],
        }
    elif kind == "execute":
        body = {"messages": body["messages"]}  # Rasa's tracker here is the one before the action
    elif kind == "trigger":
        body = {"messages": body["messages"], "tracker": body["tracker"]}
    return _scrubbed(body)


def _scrubbed(value: Any) -> Any:
    if isinstance(value, dict):
        ours = _OURS.get(value.get("event"), ())
        kept = {
            str(key): _scrubbed_item(key, item)
            for key, item in value.items()
            if key not in _PASSING and key not in ours and key != "reminder"
        }
        if kept.get("metadata") == {}:  # held nothing but ids
            del kept["metadata"]
        return kept
    if isinstance(value, list):
        return [_scrubbed(item) for item in value]
    if isinstance(value, float):
        return round(value, 3)
    return _ID.sub("<id>", value) if isinstance(value, str) else value


def _scrubbed_item(key: str, value: Any) -> Any:
    if key == "date_time" and isinstance(value, str) and not value.startswith("209"):
        return "<time>"
    return _scrubbed(value)


# ---------------------------------------------------------------- comparing


def differences(want: Any, got: Any, where: str = "") -> Iterator[str]:
    """What differs between a recorded answer and ours, one line each; `policy` is a name that may differ."""
    if isinstance(want, dict) and isinstance(got, dict):
        for key in [*want, *(key for key in got if key not in want)]:
            if key == "policy":
                continue
            if key not in got or key not in want:
                yield f"{where}.{key}: {'missing' if key in want else 'unexpected'} {want.get(key, got.get(key))!r}"
            else:
                yield from differences(want[key], got[key], f"{where}.{key}")
    elif isinstance(want, list) and isinstance(got, list):
        if where.endswith(".events"):
            got = _same_sessions(want, got)
        for index in range(max(len(want), len(got))):
            at = f"{where}[{index}]"
            if index >= len(got):
                yield f"{at}: missing {want[index]!r}"
            elif index >= len(want):
                yield f"{at}: unexpected {got[index]!r}"
            else:
                yield from differences(want[index], got[index], at)
    elif want != got and not _same_story(want, got):
        yield f"{where}: expected {want!r}, found {got!r}"


def _same_sessions(want: list[Any], got: list[Any]) -> list[Any]:
    """Our events without those of sessions that the recording lacks: Rasa's memory forgets all but the latest."""
    starts = [index for index, event in enumerate(got) if event.get("name") == "action_session_start"]
    begin = len(got) - len(want)
    return got[begin:] if begin > 0 and begin in starts else got


def _same_story(want: Any, got: Any) -> bool:
    """Stories are YAML: how they are quoted doesn't matter."""
    if not (isinstance(want, str) and isinstance(got, str) and want.startswith("version:")):
        return False
    return yamlfile.load(want) == yamlfile.load(got)


# -------------------------------------------------------------------- files


def golden_path(bot: str) -> Path:
    return BOTS / bot / "golden.json"


def golden(bot: str) -> dict[str, Any]:
    """What was recorded: {"recorded_by", "date", "rasa", "rasa_sdk", "digest", "conversations": {name: [answers]}}."""
    return json.loads(golden_path(bot).read_text())


def write_golden(bot: str, about: Mapping[str, Any], answers: Mapping[str, list[dict[str, Any]]]) -> None:
    """Write a recording so that it can be read and compared line by line: an event a line."""
    head = json.dumps(about, indent=1)[:-2]
    parts = [f"  {json.dumps(name)}: [\n" + ",\n".join(map(_line, found)) + "\n  ]" for name, found in answers.items()]
    golden_path(bot).write_text(f'{head},\n "conversations": {{\n' + ",\n".join(parts) + "\n }\n}\n")


def _line(answer: dict[str, Any]) -> str:
    body = answer["body"]
    if not (isinstance(body, dict) and body.get("events")):
        return "   " + json.dumps(answer)
    rest = json.dumps({**answer, "body": {**body, "events": None}})
    events = ",\n".join("     " + json.dumps(event) for event in body["events"])
    return "   " + rest.replace('"events": null', '"events": [\n' + events + "\n   ]")
