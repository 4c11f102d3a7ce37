"""Train a bot from its files into a model archive: file names in, the archive's path on stdout out.

`train nlu` trains the understanding alone, `train core` the dialogue alone. When nothing changed since the newest
model of its kind, nothing is trained.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from typing import Any

from botapi.cli import options
from botapi.cli.progressbar import ProgressBar
from botapi.data.check import check
from botapi.data.project import Project, read_folder
from botapi.errors import DataError
from botapi.model import find, open_model
from botapi.names import DEFAULT_INTENTS
from botapi.training.train import is_current, train

logger = logging.getLogger(__name__)

MOST_FINDINGS = 20
# Exit codes of --dry-run, as in Rasa 3.6.
UNCHANGED, WOULD_TRAIN, FORCED = 0, 1, 8
# Flags of Rasa 3.6 that change nothing here: (flag, takes a value, why).
WITHOUT_EFFECT: tuple[tuple[str, bool, str], ...] = (
    ("--validation-max-history", True, "the check of stories against each other is part of training"),
    ("--num-threads", True, "training uses one thread"),
    ("--debug-plots", False, "there are no plots"),
    ("--persist-nlu-data", False, "an archive holds no training data"),
    ("--endpoints", True, "training asks no other server"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", nargs="?", choices=["core", "nlu"], help="train this half only")
    options.project_flags(parser)
    target = parser.add_argument_group("archive")
    target.add_argument("-o", "--out", default="models", metavar="FOLDER", help="where the archive goes (models)")
    target.add_argument("--fixed-model-name", metavar="NAME", help="name of the archive, instead of the time")
    how = parser.add_argument_group("training")
    how.add_argument("--force", action="store_true", help="train even if nothing changed")
    how.add_argument("--dry-run", action="store_true", help="only say, by exit code 0, 1 or 8, whether it would train")
    how.add_argument(
        "--augmentation", type=options.not_negative, default=50, metavar="N", help="how much stories are joined (50)"
    )
    how.add_argument("--seed", type=int, default=42, metavar="N", help="same data and seed, same model (42)")
    how.add_argument(
        "--finetune", nargs="?", const="", metavar="MODEL", help="go on from a model, or from the newest one in --out"
    )
    how.add_argument(
        "--epoch-fraction", type=options.positive_part, metavar="N", help="with --finetune: part of the epochs (1.0)"
    )
    how.add_argument("--skip-validation", action="store_true", help="don't check the files against each other")
    how.add_argument(
        "--fail-on-validation-warnings", action="store_true", help="don't train if the check finds anything"
    )
    for flag, takes_value, _ in WITHOUT_EFFECT:
        kind = {"nargs": "?", "const": ""} if takes_value else {"action": "store_true"}
        parser.add_argument(flag, help=argparse.SUPPRESS, **kind)  # type: ignore[arg-type]
    options.logging_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    for flag, _, why in WITHOUT_EFFECT:
        if getattr(arguments, flag.strip("-").replace("-", "_")) not in (None, False):
            logger.warning("%s has no effect: %s.", flag, why)
    project = read_folder(config=arguments.config, domain=arguments.domain, data=arguments.data, environment=os.environ)
    what: dict[str, Any] = {
        "kind": arguments.kind or "full",
        "augmentation": arguments.augmentation,
        "seed": arguments.seed,
    }
    if arguments.dry_run:
        return dry_run(arguments.force, is_current(project, arguments.out, **what))
    if not arguments.skip_validation and has_domain(project, what["kind"]):
        validate(project, arguments.fail_on_validation_warnings)
    if arguments.finetune is not None:
        what["finetune"] = open_model(find(arguments.finetune or arguments.out))
        what["epoch_fraction"] = arguments.epoch_fraction or 1.0
    fixed_name, bar = arguments.fixed_model_name, ProgressBar(sys.stderr)
    train(project, arguments.out, fixed_name=fixed_name, force=arguments.force, report=print, progress=bar, **what)
    bar.close()
    return 0


def has_domain(project: Project, kind: str) -> bool:
    """Whether there is something to check examples against; for `train nlu`, responses beside them are not enough."""
    if kind == "nlu":
        return not set(project.domain.intents) <= {*DEFAULT_INTENTS, *project.nlu.retrieval_intents}
    return not project.domain.is_empty


def validate(project: Project, must_be_clean: bool) -> None:
    """Log what the check of the files finds; raises DataError for any finding if they must be clean."""
    findings = check(project)
    for finding in findings[:MOST_FINDINGS]:
        logger.warning("%s", finding)
    if findings[MOST_FINDINGS:]:
        logger.warning("… and %d more: see `botapi data validate`.", len(findings) - MOST_FINDINGS)
    if findings and must_be_clean:
        raise DataError(f"The check of the files found {len(findings)} faults, so nothing is trained; mend them first.")


def dry_run(is_forced: bool, is_unchanged: bool) -> int:
    if is_forced:
        print("The training was forced.")
        return FORCED
    print("No training of components required." if is_unchanged else "The model needs to be trained.")
    return UNCHANGED if is_unchanged else WOULD_TRAIN
