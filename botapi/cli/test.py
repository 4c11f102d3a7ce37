"""Test a trained bot on conversations and examples that it should get right: file names in, reports and files out.

`test core` tests the dialogue alone, `test nlu` the understanding alone. What went wrong is written into the folder
results; the exit code is 0 all the same, unless --fail-on-prediction-errors is given.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from botapi.agent.bot import Bot, Services, load_bot
from botapi.cli import options
from botapi.data.project import Project, read_folder
from botapi.data.steps import Story
from botapi.errors import ConfigError
from botapi.model import find, open_model
from botapi.training import evaluate_nlu, evaluate_stories
from botapi.training.reports import CALIBRATION_ERROR, table

logger = logging.getLogger(__name__)

MODELS, DATA, TESTS, RESULTS = "models", "data", "tests", "results"
# Which keys of a prediction hold what was expected and what was found.
COMPARED = {
    "intent": ("intent", "predicted"),
    "response_selection": ("intent_response_key_target", "intent_response_key_prediction"),
}
# Flags of Rasa 3.6 that change nothing here: (flag, takes a value, why).
WITHOUT_EFFECT: tuple[tuple[str, bool, str], ...] = (
    ("--endpoints", True, "testing asks no other server"),
    ("--no-plot", False, "there are no plots"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", nargs="?", choices=["core", "nlu"], help="test this half only")
    parser.add_argument("-m", "--model", default=MODELS, metavar="PATH", help="an archive, or a folder (models)")
    parser.add_argument("--out", default=RESULTS, metavar="FOLDER", help="where reports go (results)")
    parser.add_argument("--successes", action="store_true", help="write down what went right, too")
    parser.add_argument("--no-errors", action="store_true", help="don't write down what went wrong")
    parser.add_argument("--no-warnings", action="store_true", help="nor stories with messages found unlikely")
    core = parser.add_argument_group("dialogue")
    core.add_argument("-s", "--stories", metavar="PATH", help="test stories (tests; for `test core` data)")
    core.add_argument("--max-stories", type=options.positive, metavar="N", help="take so many stories only")
    core.add_argument(
        "--e2e",
        "--end-to-end",
        action="store_true",
        help="messages have to be understood (off for `test core` alone)",
    )
    core.add_argument("--fail-on-prediction-errors", action="store_true", help="exit code 1 if a story fails")
    nlu = parser.add_argument_group("understanding")
    nlu.add_argument("-u", "--nlu", metavar="PATH", help="examples (data)")
    nlu.add_argument("-d", "--domain", metavar="PATH", help="domain, a file or folder (domain.yml)")
    nlu.add_argument("--cross-validation", action="store_true", help="train and test on parts of the examples")
    nlu.add_argument("-f", "--folds", type=options.positive, default=5, metavar="N", help="how many parts (5)")
    nlu.add_argument("-c", "--config", metavar="FILE", help="pipeline for --cross-validation (config.yml)")
    for flag, takes_value, _ in WITHOUT_EFFECT:
        kind = {"nargs": "?", "const": ""} if takes_value else {"action": "store_true"}
        parser.add_argument(flag, help=argparse.SUPPRESS, **kind)  # type: ignore[arg-type]
    options.logging_flags(parser)


def run(arguments: argparse.Namespace) -> int:
    for flag, _, why in WITHOUT_EFFECT:
        if getattr(arguments, flag.strip("-").replace("-", "_")) not in (None, False):
            logger.warning("%s has no effect: %s.", flag, why)
    needs_model = arguments.kind != "nlu" or not arguments.cross_validation
    bot = load_bot(open_model(find(arguments.model)), Services()) if needs_model else None
    out = Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    failed = 0
    if arguments.kind != "nlu" and is_able(bot and bot.ensemble, "dialogue", arguments.kind == "core"):
        assert bot is not None
        failed = judge_dialogue(bot, arguments, out)
    if arguments.kind != "core" and (
        arguments.cross_validation or is_able(bot and bot.pipeline, "understanding", arguments.kind == "nlu")
    ):
        judge_understanding(bot, arguments, out)
    print(f"Reports are in '{out}'.")
    return 1 if failed and arguments.fail_on_prediction_errors else 0


def is_able(half: object, name: str, is_wanted: bool) -> bool:
    """Whether the model has a half; ConfigError where it lacks the one that is to be tested."""
    if half is None and is_wanted:
        raise ConfigError(f"The model was trained without {name}. Name another one with --model.")
    if half is None:
        print(f"The model was trained without {name}, which is not tested.")
    return half is not None


def judge_dialogue(bot: Bot, arguments: argparse.Namespace, out: Path) -> int:
    """Replay the test stories; gives how many failed."""
    e2e = arguments.e2e or arguments.kind is None
    stories = told(arguments.stories, DATA if arguments.kind else TESTS, e2e)
    found = evaluate_stories.evaluate(bot, stories, e2e=e2e, max_stories=arguments.max_stories)
    failed, total = found.failed, len(found.replays)
    right = total - len(failed)
    report = found.as_dict()["report"]
    report["conversation_accuracy"] = {
        "accuracy": right / total if total else 0.0,
        "correct": right,
        "with_warnings": len(found.with_warnings),
        "total": total,
    }
    write(out / "story_report.json", report)
    print(f"Stories: {right} of {total} as they are written.")
    show("Actions, intents and entities" if e2e else "Actions", report)
    good = [replay for replay in found.replays if not replay.has_failed]
    for is_wanted, name, replays in (
        (not arguments.no_errors, "failed_test_stories.yml", failed),
        (arguments.successes, "successful_test_stories.yml", good),
        (not arguments.no_warnings, "stories_with_warnings.yml", found.with_warnings),
    ):
        if is_wanted:
            (out / name).write_text(evaluate_stories.stories_with_remarks(replays), encoding="utf-8")
    for replay in failed:
        print(f"Failed: {replay.name}")
    return len(failed)


def told(path: str | None, default: str, e2e: bool) -> list[Story]:
    """The stories of a path; to test messages only those of test files, unless one file is named."""
    if path is None and not Path(default).exists():
        print(f"There is no folder '{default}', so no story is tested; name one with --stories.")
        return []
    project = read_folder(data=path or default, environment=os.environ)
    if e2e and not (path and Path(path).is_file()):
        return project.tests
    return [*project.stories, *project.tests]


def judge_understanding(bot: Bot | None, arguments: argparse.Namespace, out: Path) -> None:
    """Parse the examples with the model, or train and test on parts of them, and report what was understood."""
    project = read_folder(
        config=arguments.config, domain=arguments.domain, data=arguments.nlu or DATA, environment=os.environ
    )
    results = understood(bot, project, arguments.folds if arguments.cross_validation else None)
    found = evaluate_nlu.evaluation(results)
    parts: dict[str, Any] = {
        "intent": found["intent_evaluation"],
        "response_selection": found["response_selection_evaluation"],
        **(found["entity_evaluation"] or {}),
    }
    if results.entities and not found["entity_evaluation"]:
        print("Entities: the examples have some, and none was found.")
    for name, part in parts.items():
        if part is not None:
            save(name, part, arguments, out)


def understood(bot: Bot | None, project: Project, folds: int | None) -> evaluate_nlu.Results:
    data = project.nlu
    if folds is not None or bot is None:
        return evaluate_nlu.cross_validate(project, folds or 0)
    return evaluate_nlu.collect(bot.parse, data.examples, evaluate_nlu.subjects_of(data))


def save(name: str, part: Mapping[str, Any], arguments: argparse.Namespace, out: Path) -> None:
    """Write one evaluation, and print its report."""
    write(out / f"{name}_report.json", part["report"])
    if not arguments.no_errors:
        write(out / f"{name}_errors.json", part["errors"])
    if arguments.successes and name in COMPARED:
        target, predicted = COMPARED[name]
        right = [one for one in part["predictions"] if one[target] == one[predicted]]
        write(out / f"{name}_successes.json", right)
    show(name, part["report"])


def show(title: str, report: Mapping[str, Any]) -> None:
    if "accuracy" in report:
        print(f"\n{title}: {report['accuracy']:.1%} right\n{table(dict(report))}")
        if CALIBRATION_ERROR in report:
            print(f"confidences are {report[CALIBRATION_ERROR]:.1%} off on average (expected calibration error)")
        print()


def write(file: Path, value: Mapping[str, Any] | Sequence[Any]) -> None:
    file.write_text(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n", encoding="utf-8")
