"""Learning on: a trained archive and a conversation in; another archive, whose learned policy knows it as well, out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from botapi import model
from botapi.errors import ConfigError, DataError
from botapi.policies.ensemble import Ensemble
from botapi.state.domain import Domain
from botapi.state.events import ActionExecuted, Event
from botapi.state.tracker import Tracker
from botapi.training.fingerprint import digest
from botapi.training.train import new_path


def finetune(archive: model.Archive, events: Sequence[Event], out_dir: str | Path, *, rounds: int) -> Path:
    """Let the policy that learns from stories go on learning, from the actions of one conversation.

    It goes through them `rounds` times at most, fewer where they fit. All else of the model stays as it is. Raises
    DataError for actions that the domain lacks, or none to learn from; ConfigError for a model without such a policy.
    """
    domain = Domain.from_dict(archive.json("domain.json"))
    ensemble = Ensemble.load(archive.json("config.json").get("policies"), archive.part("policies/"), domain)
    _check_actions(events, domain)
    tracker = Tracker("finetune", domain.slots)
    tracker.apply_all(events)
    if not ensemble.can_learn_on:
        raise ConfigError("The model has no policy that can learn on. Train one with TEDPolicy in its policies.")
    if not ensemble.learn_on(tracker, rounds):
        raise DataError("The events hold no action to learn from: expected messages, and what the bot did after them.")
    members = {**archive.members, **{f"policies/{name}": data for name, data in ensemble.save().items()}}
    about = archive.metadata
    known = dict(about.fingerprints)
    # What differs from the inputs of a training is trained again.
    for part in ("policies", "model"):
        known[part] = digest([known.get(part), [event.as_dict() for event in events], rounds])
    path = new_path(out_dir, after="-finetuned")
    same = {"kind": about.kind, "language": about.language, "assistant_id": about.assistant_id}
    model.pack(path, members, {**same, "fingerprints": known})
    return path


def _check_actions(events: Sequence[Event], domain: Domain) -> None:
    for event in events:
        if isinstance(event, ActionExecuted) and (event.name or event.action_text) not in domain.action_index:
            raise DataError(
                f"The events have the action {(event.name or event.action_text)!r}, which the domain does not have."
            )
