"""Whole conversations with whole bots: what Rasa 3.6 answered, as recorded by scripts/record, is what we answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

import pytest

from botapi import names, yamlfile
from botapi.data.project import read_folder
from botapi.state.events import EVENTS, LEGACY_NAMES
from botapi.training.train import train
from botapi.wsgi import create_app
from tests.bots import transcript
from tests.bots.servers import companions
from tests.strict import client

ALL = [conversation for bot in transcript.bots() for conversation in transcript.conversations(bot)]
MAPPING_TYPES = {"from_entity", "from_text", "from_intent", "from_trigger_intent", "custom"}
# Never an event of its own: it runs within the turn, and is seen by the slots that it changes.
NOT_RECORDED = {"action_validate_slot_mappings", "..."}


@pytest.fixture(scope="session")
def talking(tmp_path_factory):
    """Gives a bot's `send`: trains it, starts its companions and serves it, once in a session."""
    served = {}
    with ExitStack() as started:

        def send_to(bot: str) -> transcript.Send:
            if bot not in served:
                folder = transcript.BOTS / bot
                work = tmp_path_factory.mktemp(bot)
                environment = started.enter_context(companions(folder, work))
                endpoints = folder / "endpoints.yml"
                sections = yamlfile.load_file(endpoints, environment=environment) if endpoints.exists() else {}
                app = create_app(endpoints=sections)
                started.callback(app.close)
                started.callback(app.api.agent.close)
                app.api.agent.load_model(train(read_folder(folder), work).path)
                served[bot] = sender(client(app))
            return served[bot]

        yield send_to


def sender(web) -> transcript.Send:
    def send(request: transcript.Request):
        body = b"" if request.body is None else json.dumps(request.body).encode()
        answer = web.request(
            request.target,
            method=request.method,
            body=body,
            headers={"Content-Type": "application/json"} if body else {},
            expect_errors=True,
        )
        return answer.status_int, answer.json if "json" in answer.content_type else answer.text

    return send


@pytest.mark.parametrize("conversation", [pytest.param(c, id=f"{c.bot}/{c.name}") for c in ALL])
def test_we_answer_as_rasa_does(conversation, talking):
    expected = transcript.golden(conversation.bot)["conversations"][conversation.name]
    found = transcript.play(conversation, talking(conversation.bot))
    problems = []
    for number, (step, want, got) in enumerate(zip(conversation.steps, expected, found, strict=True), start=1):
        lines = list(transcript.differences(want, got))
        if "differs" in step:
            assert lines, f"step {number} is said to differ, and does not: {step}"
        else:
            problems += [f"step {number} {short(step)} {line}" for line in lines]
    assert not problems, "\n".join(problems[:20])


def short(step: dict) -> str:
    text = json.dumps(step)
    return text if len(text) < 80 else text[:77] + "..."


@pytest.mark.parametrize("bot", transcript.bots())
def test_recordings_are_of_the_bots_as_they_are_now(bot):
    recorded = transcript.golden(bot)
    assert recorded["recorded_by"] == "scripts/record" and recorded["rasa"].startswith("3.6.") and recorded["date"]
    assert recorded["digest"] == transcript.digest(bot), f"record again: scripts/record {bot} --rasa …"


# ----------------------------------------------------------------- coverage


def recorded_events() -> Iterator[dict]:
    for bot in transcript.bots():
        for answers in transcript.golden(bot)["conversations"].values():
            yield from answers[-1]["body"]["events"] or ()


def posted_events() -> Iterator[dict]:
    for conversation in ALL:
        for step in conversation.steps:
            posted = step.get("post") or step.get("put") or []
            yield from (event for event in (posted if isinstance(posted, list) else [posted]) if "event" in event)


def test_every_event_type_occurs_in_a_conversation():
    seen = {event["event"] for event in recorded_events()} | {event["event"] for event in posted_events()}
    assert {*EVENTS, *LEGACY_NAMES} - seen == set()


def test_every_default_action_occurs_in_a_conversation():
    seen = {event["name"] for event in recorded_events() if event["event"] == "action"}
    executed = {step["execute"]["name"] for c in ALL for step in c.steps if "execute" in step}
    assert set(names.DEFAULT_ACTIONS) - seen - executed - NOT_RECORDED == set()


def test_every_mapping_type_fills_a_slot_in_a_conversation():
    seen = set()
    for bot in transcript.bots():
        slots = yamlfile.load_file(transcript.BOTS / bot / "domain.yml").get("slots") or {}
        answers = transcript.golden(bot)["conversations"].values()
        events = [event for found in answers for event in found[-1]["body"]["events"] or ()]
        filled = {event["name"] for event in events if event["event"] == "slot" and event["value"] is not None}
        seen |= {mapping["type"] for name in filled & slots.keys() for mapping in slots[name].get("mappings") or ()}
    assert MAPPING_TYPES - seen == set()


@pytest.mark.parametrize("point", transcript.POINTS)
def test_every_point_has_a_dozen_conversations(point):
    assert len([conversation for conversation in ALL if conversation.point == point]) >= 12


def test_conversations_are_many_and_long_enough():
    assert len(ALL) >= 150 and len(transcript.bots()) >= 6
    assert median(conversation.user_turns for conversation in ALL) >= 5
