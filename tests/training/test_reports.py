"""Scores: expected and predicted labels in, numbers that were worked out by hand (and by scikit-learn 1.1) out."""

from __future__ import annotations

import pytest

from botapi.training.reports import Scores, add_confusions, calibration_error, score, table

TARGETS = ["a", "a", "a", "b", "b", "c"]
PREDICTED = ["a", "a", "b", "b", "d", "a"]


def row(precision, recall, f1, support):
    numbers = {"precision": precision, "recall": recall, "f1-score": f1}
    return {name: pytest.approx(number) for name, number in numbers.items()} | {"support": support}


def test_scores_of_each_label_and_their_averages():
    found = score(TARGETS, PREDICTED)
    assert found.report == {
        "a": row(2 / 3, 2 / 3, 2 / 3, 3),
        "b": row(0.5, 0.5, 0.5, 2),
        "c": row(0.0, 0.0, 0.0, 1),
        "accuracy": 0.5,
        "micro avg": row(3 / 5, 3 / 6, 6 / 11, 6),
        "macro avg": row(7 / 18, 7 / 18, 7 / 18, 6),
        "weighted avg": row(0.5, 0.5, 0.5, 6),
    }
    assert (found.precision, found.f1, found.accuracy) == pytest.approx((0.5, 0.5, 0.5))


def test_all_right_is_one_everywhere():
    found = score(["x", "y"], ["x", "y"])
    rows = [found.report[name] for name in ("x", "y", "micro avg", "macro avg", "weighted avg")]
    assert {number for one in rows for key, number in one.items() if key != "support"} == {1.0}
    assert found.report["accuracy"] == 1.0


def test_a_label_can_be_left_out_of_everything_but_the_accuracy():
    found = score(["no", "no", "no", "city"], ["no", "city", "no", "city"], without="no")
    assert found.report["city"] == row(0.5, 1.0, 2 / 3, 1)
    assert "no" not in found.report
    assert found.report["micro avg"] == found.report["weighted avg"] == row(0.5, 1.0, 2 / 3, 1)
    assert found.accuracy == 0.75


@pytest.mark.parametrize(
    "targets, predictions, without", [([], [], None), (["no"], ["city"], "no")], ids=["no pair", "no label left"]
)
def test_without_anything_expected_the_report_is_empty(targets, predictions, without):
    assert score(targets, predictions, without=without) == Scores({}, 0.0, 0.0, 0.0)


def test_nothing_counts_as_an_empty_label():
    found = score(["a", None], [None, None])
    assert found.report[""] == row(0.5, 1.0, 2 / 3, 1)


def test_confusions_name_the_most_frequent_wrong_labels():
    targets = ["a"] * 10
    predicted = ["a"] * 4 + ["b"] * 3 + ["c"] * 2 + ["d"]
    report = score(targets, predicted).report
    add_confusions(report, targets, predicted)
    assert report["a"]["confused_with"] == {"b": 3, "c": 2}


def test_confusions_leave_out_what_has_no_row():
    targets, predicted = ["no", "city", "city"], ["city", "no", "day"]
    report = score(targets, predicted, without="no").report
    add_confusions(report, targets, predicted, "no")
    assert report["city"]["confused_with"] == {"day": 1}


def test_the_calibration_error_is_the_mean_distance_of_confidence_and_truth_by_ten_bins():
    answers = [(0.95, True), (0.9, False), (1.0, True), (0.55, True), (0.51, False), (0.0, False), (0.3, True)]
    of_bins = {
        0.9: 3 * abs(2.85 / 3 - 2 / 3),
        0.5: 2 * abs(1.06 / 2 - 1 / 2),
        0.0: 1 * abs(0.0 - 0.0),
        0.3: 1 * abs(0.3 - 1.0),
    }
    assert calibration_error(answers) == pytest.approx(sum(of_bins.values()) / 7)
    assert calibration_error(answers[::-1]) == pytest.approx(0.23)


def test_without_answers_there_is_no_calibration_error():
    assert calibration_error([]) == 0.0


def test_an_intent_may_have_the_name_of_an_average():
    targets = predicted = ["accuracy", "b"]
    report = score(targets, predicted).report
    add_confusions(report, targets, predicted)
    assert report["accuracy"] == 1.0
    assert "accuracy" not in table(report)


def test_the_table_has_a_line_for_each_label_and_average():
    lines = table(score(TARGETS, PREDICTED).report).splitlines()
    assert lines[0].split() == ["precision", "recall", "f1-score", "support"]
    assert lines[1].split() == ["a", "0.667", "0.667", "0.667", "3"]
    assert [line.rsplit(maxsplit=4)[0] for line in lines[5:]] == ["micro avg", "macro avg", "weighted avg"]
    assert len({len(line) for line in lines if line}) == 1
