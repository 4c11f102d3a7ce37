"""Training: a project's data in, a model archive on disk out, or the old one where nothing changed."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from botapi import model
from botapi.data.project import Project
from botapi.data.unroll import training_trackers
from botapi.errors import InputError, ModelError
from botapi.nlu.pipeline import Pipeline
from botapi.policies.ensemble import Ensemble
from botapi.training.fingerprint import fingerprints

logger = logging.getLogger(__name__)

SEED = 42
AUGMENTATION = 50
# Beginnings of the names of archives that hold one half only.
PREFIXES = {"full": "", "nlu": "nlu-", "core": "core-"}
Report = Callable[[str], None]
Members = dict[str, bytes]


@dataclass(frozen=True)
class Result:
    """A model at `path`; `trained` is False where it is an old one that was made from the same inputs."""

    path: Path
    trained: bool
    warnings: tuple[str, ...]
    seconds: float


def train(
    project: Project,
    out_dir: str | Path,
    *,
    fixed_name: str | None = None,
    force: bool = False,
    augmentation: int = AUGMENTATION,
    kind: str = "full",
    seed: int = SEED,
    report: Report = logger.info,
) -> Result:
    """Train `project` into an archive in `out_dir`.

    Nothing is trained if the newest model of its kind there was made from the same inputs; of a half that has the same
    inputs, what was learned is taken over. `force` trains all the same. `fixed_name` names the archive in place of the
    time. The same project, seed and kind give the same members, byte for byte. `report` gets a line for each step.
    Raises DataError for data that can't be trained on, ConfigError for the pipeline and the policies.
    """
    started = time.monotonic()
    inputs = fingerprints(project, kind, augmentation, seed)
    old = None if force else newest_of_kind(out_dir, kind, fixed_name)
    if old is not None and old.metadata.fingerprints == inputs:
        report(f"Nothing changed. You can use the old model stored at '{old.path}'.")
        return Result(Path(old.path), False, (), time.monotonic() - started)
    warnings: list[str] = []
    members = frame(project)
    if kind != "core":
        members |= taken_over(old, inputs, "nlu") or understanding(project, seed, warnings.append)
    if kind != "nlu":
        members |= taken_over(old, inputs, "policies") or dialogue(project, augmentation, warnings.append)
    path = Path(out_dir) / f"{fixed_name or name_now(kind)}.tar.gz"
    model.pack(
        path,
        members,
        {
            "kind": kind,
            "fingerprints": inputs,
            "language": project.language,
            "assistant_id": project.assistant_id,
        },
    )
    for warning in warnings:
        report(warning)
    report(f"Your botapi model is trained and saved at '{path}'.")
    return Result(path, True, tuple(warnings), time.monotonic() - started)


def would_train(project: Project, out_dir: str | Path, **same: object) -> bool: ...


def name_now(kind: str) -> str:
    return PREFIXES[kind] + time.strftime("%Y%m%d-%H%M%S")
