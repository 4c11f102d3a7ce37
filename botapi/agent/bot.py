"""A loaded model, ready to talk: a text in, parse data out; its domain, policies and actions for conversations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botapi.actions.builtin import Actions
from botapi.model import Metadata
from botapi.nlu import intentsyntax
from botapi.nlu.pipeline import Pipeline
from botapi.policies.ensemble import Ensemble
from botapi.state.domain import Domain


@dataclass(frozen=True)
class Bot:
    """Everything that one model brings; `pipeline` or `ensemble` is None where the model has no such half."""

    domain: Domain
    pipeline: Pipeline | None
    ensemble: Ensemble | None
    actions: Actions
    metadata: Metadata
    path: Path

    def parse(self, text: str) -> dict[str, Any]:
        """What a text means: {"text", "intent": {"name", "confidence"}, "entities": […], "intent_ranking": […], …}."""
        found = intentsyntax.read(text, self.domain.intents, self.domain.entities)
        if found is None:
            if self.pipeline is not None:
                found = self.pipeline.parse(text)
            else:
                found = {"text": text, "intent": {"name": None, "confidence": 0.0}, "entities": []}
        _name_response(found)
        return found


def _name_response(parse_data: dict[str, Any]) -> None:
    """Put the full name of a retrieval intent, such as faq/ask_price, beside the intent."""
    selected = parse_data.get("response_selector") or {}
    intent = parse_data["intent"]
    if intent.get("name") in selected.get("all_retrieval_intents", ()):
        response = selected.get(intent["name"], {}).get("response", {})
        intent["full_retrieval_intent_name"] = response.get("intent_response_key")
