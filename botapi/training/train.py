"""Training: a project's data in, a model archive on disk out, or the old one where nothing changed."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Any

from botapi import model
from botapi.data.project import Project
from botapi.data.unroll import training_trackers
from botapi.errors import DataError, ModelError
from botapi.nlu.catalogue import default_pipeline
from botapi.nlu.pipeline import Pipeline
from botapi.policies.ensemble import Ensemble
from botapi.progress import Progress, part, untold
from botapi.training.fingerprint import digest, fingerprints

logger = logging.getLogger(__name__)

SEED = 42
AUGMENTATION = 50
# Beginnings of the names of archives that hold one half only.
PREFIXES = {"full": "", "nlu": "nlu-", "core": "core-"}
Report = Callable[[str], None]


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
    finetune: model.Archive | None = None,
    epoch_fraction: float = 1.0,
    report: Report = logger.info,
    progress: Progress = untold,
) -> Result:
    """Train `project` into an archive in `out_dir`.

    `kind` is full, nlu or core; a project that has data for one half only gets that half for full. Nothing is trained
    if the newest model of its kind was made from the same inputs; of a half with the same inputs, what was learned is
    taken over. `force` trains all the same. With `finetune`, learned intents go on from that model, for
    `epoch_fraction` of the usual epochs; all else is trained anew. `fixed_name` names the archive in place of the time.
    The same project, seed and kind give the same members, byte for byte. `report` gets a line for each step, `progress`
    how far it is.
    Raises DataError for data that can't be trained on, ConfigError for the pipeline and the policies.
    """
    started = time.monotonic()
    kind = possible_kind(project, kind, report)
    inputs = fingerprints(project, kind, augmentation, seed)
    earlier = _earlier(finetune, project) if finetune and kind != "core" else {}
    if finetune and kind != "core":
        # Later trainings shall not take it for what these inputs alone give.
        inputs["nlu"] = digest([inputs.get("nlu"), finetune.metadata.model_id, epoch_fraction])
    old = None if force else newest_of_kind(out_dir, kind, fixed_name)
    if old is not None and old.metadata.fingerprints == inputs:
        now_ns = time.time_ns()
        os.utime(old.path, ns=(now_ns, now_ns))  # whoever serves the folder's newest archive shall get this one
        report(f"Nothing changed. You can use the old model stored at '{old.path}'.")
        return Result(Path(old.path), False, (), time.monotonic() - started)
    warnings: list[str] = []
    course = Course(augmentation, seed, earlier, epoch_fraction)
    members = learn(project, kind, course, taken_over(old, inputs), warnings.append, progress)
    path = Path(out_dir) / f"{fixed_name}.tar.gz" if fixed_name else new_path(out_dir, PREFIXES[kind])
    config = project.config
    about = {"kind": kind, "fingerprints": inputs, "language": config.language, "assistant_id": config.assistant_id}
    model.pack(path, members, about)
    for warning in warnings:
        report(warning)
    report(f"Your botapi model is trained and saved at '{path}'.")
    return Result(path, True, tuple(warnings), time.monotonic() - started)


@dataclass(frozen=True)
class Course:
    """How to train: see `train`; `earlier` are the members of the understanding to go on from."""

    augmentation: int = AUGMENTATION
    seed: int = SEED
    earlier: Mapping[str, bytes] = field(default_factory=dict)
    epoch_fraction: float = 1.0


def _earlier(archive: model.Archive, project: Project) -> dict[str, bytes]:
    """The members to go on from; DataError for a model whose pipeline was another, as in Rasa, or that has none."""
    members = archive.part("nlu/")
    if not members:
        raise DataError(f"The model {archive.path} has no understanding to go on from; train without --finetune.")
    pipelines = (archive.json("config.json").get("pipeline"), _configured(project)["pipeline"])
    before, now = (_without_epochs(pipeline) for pipeline in pipelines)
    if before != now:
        raise DataError(
            f"The model {archive.path} was trained with another pipeline, so training can't go on from it; "
            "only `epochs` may differ. Train without --finetune."
        )
    return dict(members)


def _configured(project: Project) -> dict[str, Any]:
    """The configuration with a pipeline, for models to load by though the default one may change."""
    config = asdict(project.config)
    if config["pipeline"] is None:
        config["pipeline"] = default_pipeline(project.config.language)
    return config


def _without_epochs(pipeline: Any) -> Any:
    return pipeline and [{key: value for key, value in item.items() if key != "epochs"} for item in pipeline]


def new_path(out_dir: str | Path, before: str = "", after: str = "") -> Path:
    """A path for an archive, named by the time; none that is there is written over."""
    name = f"{before}{time.strftime('%Y%m%d-%H%M%S')}{after}"
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(path for name in names if not (path := Path(out_dir) / f"{name}.tar.gz").exists())


def is_current(
    project: Project, out_dir: str | Path, *, augmentation: int = AUGMENTATION, kind: str = "full", seed: int = SEED
) -> bool:
    """Whether `train` with the same arguments would find nothing to do."""
    kind = possible_kind(project, kind, logger.debug)
    old = newest_of_kind(out_dir, kind, None)
    return old is not None and old.metadata.fingerprints == fingerprints(project, kind, augmentation, seed)


def possible_kind(project: Project, kind: str, report: Report) -> str:
    """`kind`, or for full the one half that there is data for; raises DataError where there is none."""
    has_nlu, has_core = bool(project.nlu.examples), bool(project.stories) and not project.domain.is_empty
    if kind == "full" and has_nlu and not has_core:
        report("No stories, rules or domain found: only an NLU model is trained.")
        return "nlu"
    if kind == "full" and has_core and not has_nlu:
        report("No examples for understanding found: only a dialogue model is trained.")
        return "core"
    if kind != "core" and not has_nlu:
        raise DataError("There are no NLU examples to train on; expected a file with `nlu:` in the folder data.")
    if kind != "nlu" and not has_core:
        raise DataError("There are no stories or rules, or there is no domain; expected both to train the dialogue on.")
    return kind


def learn(
    project: Project,
    kind: str,
    course: Course,
    known: Mapping[str, bytes],
    report: Report,
    progress: Progress,
) -> dict[str, bytes]:
    """All members of the archive; `known` are those of halves that need no training."""
    config = _configured(project)
    members = dict(known)
    if kind != "core" and not has_part(members, "nlu/"):
        language, done = project.config.language, part(progress, 0.1, 0.6)
        pipeline = Pipeline.train(
            config["pipeline"],
            language,
            project.nlu,
            seed=course.seed,
            report=report,
            progress=done,
            earlier=course.earlier,
            epoch_fraction=course.epoch_fraction,
        )
        members |= {f"nlu/{name}": data for name, data in pipeline.save().items()}
    if kind != "nlu" and not has_part(members, "policies/"):
        trackers = training_trackers(project.stories, project.domain, course.augmentation)
        done = part(progress, 0.6, 0.9)
        ensemble = Ensemble.train(config["policies"], trackers, project.domain, report=report, progress=done)
        members |= {f"policies/{name}": data for name, data in ensemble.save().items()}
    members["config.json"] = as_json(config)
    members["domain.json"] = as_json(project.domain.as_dict())
    return members


def taken_over(old: model.Archive | None, inputs: Mapping[str, str]) -> dict[str, bytes]:
    """Members of the old model's halves whose inputs have not changed."""
    if old is None:
        return {}
    same = [
        half for half in ("nlu", "policies") if half in inputs and old.metadata.fingerprints.get(half) == inputs[half]
    ]
    return {name: data for name, data in old.members.items() if name.split("/")[0] in same}


def newest_of_kind(out_dir: str | Path, kind: str, fixed_name: str | None) -> model.Archive | None:
    """The newest model of a kind in a folder, or that of a fixed name; what is no model of ours is passed over."""
    folder = Path(out_dir)
    files = (
        [folder / f"{fixed_name}.tar.gz"] if fixed_name else sorted(folder.glob("*.tar.gz"), key=written, reverse=True)
    )
    for file in files:
        try:
            archive = model.open_model(file)
        except ModelError as error:
            logger.debug("%s", error)
            continue
        if archive.metadata.kind == kind:
            return archive
    return None


def written(file: Path) -> int:
    return file.stat().st_mtime_ns


def has_part(members: Mapping[str, bytes], prefix: str) -> bool:
    return any(name.startswith(prefix) for name in members)


def as_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()
