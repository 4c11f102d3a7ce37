"""What a model was trained from, in short: a project in, {part: SHA-256 of all that part depends on} out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from typing import Any

from botapi import __version__
from botapi.data.project import Project

# Where something stood doesn't change what it says: a comment more in a file is no reason to train.
PLACES = ("file", "line")


def fingerprints(project: Project, kind: str, augmentation: int, seed: int) -> dict[str, str]:
    """{"nlu", "policies", "model": 64 hex digits}; of the first two only what `kind` (full, nlu, core) has.

    `nlu` and `policies` cover what their training sees; `model` covers all that is packed beside them.
    """
    config, domain = project.config, project.domain
    found = {"model": digest([__version__, config, domain.as_dict()])}
    if kind != "core":
        found["nlu"] = digest([__version__, seed, config.language, config.pipeline, project.nlu])
    if kind != "nlu":
        # Policies see which responses there are, not what they say.
        seen = {key: value for key, value in domain.as_dict().items() if key != "responses"} | {
            "names": domain.action_names
        }
        found["policies"] = digest([__version__, augmentation, config.policies, seen, project.stories])
    return found


def digest(value: Any) -> str:
    """SHA-256 of plain values and of dataclasses that hold them."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        content = {field.name: getattr(value, field.name) for field in fields(value) if field.name not in PLACES}
        return [type(value).__name__, content]
    return repr(value)
