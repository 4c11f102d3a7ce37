"""A loaded model, ready to talk: a text in, parse data out; its domain, policies and actions for conversations."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botapi import telemetry
from botapi.actions.action import Runner, Say
from botapi.actions.builtin import Actions
from botapi.errors import BotError, ModelError
from botapi.model import Archive, Metadata
from botapi.nlu import intentsyntax
from botapi.nlu.pipeline import Pipeline
from botapi.policies.ensemble import Ensemble
from botapi.state.domain import Domain

log = logging.getLogger(__name__)

MAX_REASON = 500  # characters


@dataclass(frozen=True)
class Services:
    """What a bot calls elsewhere: who runs custom actions, and what words responses; None: nobody."""

    action_server: Runner | None = None
    generate: Say | None = None


@dataclass(frozen=True)
class Bot:
    """Everything that one model brings; `pipeline` or `ensemble` is None where the model has no such half."""

    domain: Domain
    pipeline: Pipeline | None
    ensemble: Ensemble | None
    actions: Actions
    metadata: Metadata
    path: Path
    # What `/intent{"entity": …}` may name; None, without a domain: everything.
    known_intents: frozenset[str] | None = None
    known_entities: frozenset[str] | None = None

    def parse(self, text: str) -> dict[str, Any]:
        """What a text means: {"text", "intent": {"name", "confidence"}, "entities": […], "intent_ranking": […], …}."""
        with telemetry.parse_s.time():
            found = intentsyntax.read(text, self.known_intents, self.known_entities)
            if found is not None:
                return found
            if self.pipeline is None:
                return {"text": text, "intent": {"name": None, "confidence": 0.0}, "entities": []}
            return self.pipeline.parse(text)


def load_bot(archive: Archive, services: Services) -> Bot:
    """The bot of an opened model; ModelError when its parts don't fit together, or need what is not installed."""
    with telemetry.model_load_s.attempt():
        return _checked(archive, services)


def _checked(archive: Archive, services: Services) -> Bot:
    try:
        return _assembled(archive, services)
    except BotError as error:
        raise _refused(archive, error.message) from error
    except _MISSHAPEN as error:
        log.warning("The model %s does not load", archive.path, exc_info=True)
        found = f"its parts are not as training makes them ({type(error).__name__}: {error})."
        raise _refused(archive, found) from error


def _refused(archive: Archive, why: str) -> ModelError:
    # What doesn't fit is named in the message, and may be as long as the archive's author likes.
    short = why if len(why) <= MAX_REASON else f"{why[:MAX_REASON]}…"
    return ModelError(f"The model {archive.path} is refused: {short}")


# SECURITY: what comes of JSON of another shape than ours. Digests keep nobody from packing an archive of his own.
_MISSHAPEN = (AttributeError, LookupError, TypeError, ValueError, ArithmeticError, RecursionError)


def _assembled(archive: Archive, services: Services) -> Bot:
    config = archive.json("config.json")
    domain = Domain.from_dict(archive.json("domain.json"))
    nlu, policies = archive.part("nlu/"), archive.part("policies/")
    kind = archive.metadata.kind
    return Bot(
        domain,
        Pipeline.load(config.get("pipeline"), nlu) if kind in ("full", "nlu") else None,
        Ensemble.load(config.get("policies"), policies, domain) if kind in ("full", "core") else None,
        Actions(domain, generate=services.generate, server=services.action_server),
        archive.metadata,
        Path(archive.path),
        None if domain.is_empty else frozenset(domain.intents),
        None if domain.is_empty else frozenset(domain.entities),
    )
