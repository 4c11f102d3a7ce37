"""Made-up bots of any size for tests: the generator of scripts/bench in, domain and training trackers out."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

from botapi import yamlfile
from botapi.data import stories
from botapi.data.unroll import TrainingTracker, training_trackers
from botapi.state.domain import Domain
from botapi.state.events import ActionExecuted
from botapi.state.tracker import Tracker

SCRIPT = Path(__file__).parents[2] / "scripts" / "bench" / "largeproject.py"


def large_bot(
    learned: int, unseen: int, intents: int, slots: int
) -> tuple[Domain, list[TrainingTracker], list[TrainingTracker]]:
    """(domain, trackers to learn from, others of the same bot)."""
    spec = importlib.util.spec_from_file_location("largeproject", SCRIPT)
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    topics = generator.topics_of(intents, slots)
    domain = Domain.from_dict(generator.domain(topics, intents))
    found = []
    for number, seed, augmentation in ((learned, 1, 20), (unseen, 77, 0)):
        told = [
            {"story": f"{seed}, {n}", "steps": walk} for n, walk in enumerate(generator.walks(topics, number, seed))
        ]
        read = stories.read(yamlfile.dump({"version": "3.1", "stories": told}))
        found.append(training_trackers(read, domain, augmentation))
    return domain, *found


def replayed(story: TrainingTracker, domain: Domain) -> Iterator[tuple[Tracker, str]]:
    """(the conversation so far, the action that follows) for each action of a story after the first."""
    tracker = Tracker(story.name, domain.slots)
    for event in story.tracker.applied_events():
        if isinstance(event, ActionExecuted) and tracker.events:
            yield tracker, event.name
        tracker.apply(event)
