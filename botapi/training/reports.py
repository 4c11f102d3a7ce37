"""Scores of predictions: expected and predicted labels in; precision, recall and F1 of each label, as JSON, out.

A report has Rasa 3.6's keys, which are those of scikit-learn's `classification_report`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

# How many of the labels that one is most often mistaken for are looked at, the right one among them.
CANDIDATES = 3
CALIBRATION_ERROR = "expected_calibration_error"
CONFIDENCE_BINS = 10
AVERAGES = ("micro avg", "macro avg", "weighted avg")


@dataclass(frozen=True)
class Scores:
    """How well predictions fit.

    `report` is {label: {"precision", "recall", "f1-score", "support", …}}, with the rows "micro avg", "macro avg" and
    "weighted avg" and the number "accuracy"; {} where nothing was expected. `precision` and `f1` are weighted by how
    often a label was expected. All are from 0 to 1; what can't be computed is 0.
    """

    report: dict[str, Any]
    precision: float
    f1: float
    accuracy: float


def score(targets: Sequence[str | None], predictions: Sequence[str | None], *, without: str | None = None) -> Scores:
    """Scores of pairs in order; None counts as the label "".

    A label that was predicted but never expected has no row. Nor has the label `without`, which averages leave out,
    too; the accuracy is that of all pairs.
    """
    pairs = [(target or "", prediction or "") for target, prediction in zip(targets, predictions, strict=True)]
    expected = Counter(target for target, _ in pairs)
    predicted = Counter(prediction for _, prediction in pairs)
    right = Counter(target for target, prediction in pairs if target == prediction)
    labels = sorted(label for label in expected if label != without)
    if not labels:
        return Scores({}, 0.0, 0.0, 0.0)
    rows = {label: _row(right[label], predicted[label], expected[label]) for label in labels}
    support = sum(expected[label] for label in labels)
    micro = _row(sum(right[label] for label in labels), sum(predicted[label] for label in labels), support)
    weighted = _average(rows, {label: expected[label] / support for label in labels}, support)
    accuracy = right.total() / len(pairs)
    report: dict[str, Any] = {
        **rows,
        "accuracy": accuracy,
        "micro avg": micro,
        "macro avg": _average(rows, dict.fromkeys(labels, 1 / len(labels)), support),
        "weighted avg": weighted,
    }
    return Scores(report, weighted["precision"], weighted["f1-score"], accuracy)


def add_confusions(
    report: dict[str, Any], targets: Iterable[str | None], predictions: Iterable[str | None], without: str | None = None
) -> None:
    """Give each label of a report "confused_with": {wrong label: how often}, of the most frequent ones."""
    given: dict[str, Counter[str]] = {}
    for target, prediction in zip(targets, predictions, strict=True):
        given.setdefault(target or "", Counter())[prediction or ""] += 1
    for label, answers in given.items():
        if isinstance(report.get(label), dict):
            most = sorted(answers.items(), key=lambda item: (-item[1], item[0]))[:CANDIDATES]
            report[label]["confused_with"] = {name: count for name, count in most if name not in (label, without)}


def calibration_error(answers: Sequence[tuple[float, bool]]) -> float:
    """How far confidences (0 to 1) are from how often they are right, for (confidence, is it right) of each answer.

    The expected calibration error (Guo, Pleiss, Sun and Weinberger, 2017): answers fall into ten equal bins by
    confidence; of each bin the distance of mean confidence and share of right answers, averaged by size. 0.0 for none.
    """
    # Of the answers in a bin the distance of both means, times their number, is the distance of both sums.
    gaps = [0.0] * CONFIDENCE_BINS
    for confidence, is_right in answers:
        gaps[min(int(confidence * CONFIDENCE_BINS), CONFIDENCE_BINS - 1)] += confidence - is_right
    return _ratio(sum(map(abs, gaps)), len(answers))


def table(report: dict[str, Any]) -> str:
    """A report as text for people: a line for each label, then the averages."""
    labels = [
        label for label, row in report.items() if isinstance(row, dict) and "support" in row and label not in AVERAGES
    ]
    width = max((len(label) for label in (*labels, *AVERAGES)), default=0)
    head = " ".join([" " * width, *(f"{name:>9}" for name in ("precision", "recall", "f1-score", "support"))])
    lines = [_line(label.ljust(width), report[label]) for label in labels]
    lines += ["", *(_line(name.ljust(width), report[name]) for name in AVERAGES if name in report)]
    return "\n".join([head, *lines])


def _line(name: str, row: dict[str, Any]) -> str:
    numbers = " ".join(f"{row[key]:9.3f}" for key in ("precision", "recall", "f1-score"))
    return f"{name} {numbers} {row['support']:9d}"


def _row(right: int, predicted: int, expected: int) -> dict[str, Any]:
    precision, recall = _ratio(right, predicted), _ratio(right, expected)
    f1 = _ratio(2 * right, predicted + expected)
    return {"precision": precision, "recall": recall, "f1-score": f1, "support": expected}


def _average(rows: dict[str, dict[str, Any]], weights: dict[str, float], support: int) -> dict[str, Any]:
    names = ("precision", "recall", "f1-score")
    mean: dict[str, Any] = {name: sum(row[name] * weights[label] for label, row in rows.items()) for name in names}
    return {**mean, "support": support}


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
