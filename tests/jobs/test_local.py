"""The runner of child processes: results, errors, limits, cancelling; with small programs in place of a training."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from botapi.errors import Busy, Timeout
from botapi.jobs import local
from botapi.jobs.local import JobError, LocalRunner

# A program in place of the child. It tells of itself in the folder that the model would go to, then does what the
# "YAML" says.
PROGRAM = """
import json, os, signal, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
request = json.loads((folder / "request.json").read_text())
out = Path(request["out_dir"])
def answer(value):
    (folder / "result.json").write_text(json.dumps(value))
def begun():
    (out / f"{os.getpid()}.part").touch()
    (out / f"{os.getpid()}.part").rename(out / f"{os.getpid()}.pid")
exec((folder / "project.yml").read_text())
"""
GO_ON = "begun()\nwhile not (out / 'go').exists(): time.sleep(0.005)\nanswer({'path': str(out / 'm.tar.gz')})"
FOR_EVER = "begun()\ntime.sleep(60)"


@pytest.fixture
def runner() -> Iterator[LocalRunner]:
    made = LocalRunner(workers=1, queue=1, command=(sys.executable, "-c", PROGRAM))
    yield made
    made.close()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def children(folder: Path) -> list[int]:
    return [int(file.stem) for file in folder.glob("*.pid")]


def is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_body_and_options_go_in_and_a_path_comes_out(runner: LocalRunner, tmp_path: Path) -> None:
    yaml = "assert request['options'] == {'force': True, 'augmentation': 7}\nanswer({'path': str(out / 'ü.tar.gz')})"
    path = runner.train(yaml.encode(), {"force": True, "augmentation": 7}, tmp_path)
    assert path == tmp_path / "ü.tar.gz"
    assert runner.active == 0


def test_child_is_alone_and_uses_one_thread(
    runner: LocalRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "json.py").write_text("raise SystemExit('imported from the project')")
    yaml = (
        "import botapi\n"
        "names = 'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'\n"
        "assert [os.environ[name] for name in names] == ['1', '1', '1']\n"
        "assert os.getcwd() == str(folder.resolve())\n"
        "answer({'path': sys.executable})"
    )
    assert runner.train(yaml.encode(), {}, ".") == Path(sys.executable)


def test_error_of_the_child_is_raised_here(runner: LocalRunner, tmp_path: Path) -> None:
    fault = {"message": "No.", "status": 400, "reason": "BadRequest", "details": {"line": 3}}
    with pytest.raises(JobError) as caught:
        runner.train(f"answer({{'error': {json.dumps(fault)}}})".encode(), {}, tmp_path)
    error = caught.value
    assert (error.message, error.status, error.reason, error.details) == ("No.", 400, "BadRequest", {"line": 3})


def test_tests_give_what_the_child_answered_and_have_errors_of_their_own(runner: LocalRunner) -> None:
    program = b"answer({'task': request['task'], 'e2e': request['e2e']})"
    # The program wants a folder for a model, which tests have not.
    assert runner.evaluate("test_stories", program, {"e2e": True, "out_dir": "."}) == {
        "task": "test_stories",
        "e2e": True,
    }
    with pytest.raises(JobError, match="Testing ended unexpectedly") as caught:
        runner.evaluate("test_stories", b"sys.exit(3)", {"out_dir": "."})
    assert caught.value.reason == "TestingError"


def test_only_trainings_count_as_trainings(runner: LocalRunner, tmp_path: Path) -> None:
    with pytest.raises(Timeout, match="Testing takes longer"):
        runner.evaluate("test_stories", GO_ON.encode(), {"out_dir": str(tmp_path)}, timeout_s=0.01)
    assert (runner.active, runner.trainings) == (1, 0)
    with pytest.raises(Timeout, match="Training takes longer"):
        runner.train(GO_ON.encode(), {}, tmp_path, timeout_s=0.01)
    assert (runner.active, runner.trainings) == (2, 1)
    (tmp_path / "go").touch()
    wait_until(lambda: runner.active == 0)


@pytest.mark.parametrize(
    ("yaml", "code"),
    [("raise ValueError('secret path')", 1), ("sys.exit(3)", 3), ("os.kill(os.getpid(), signal.SIGKILL)", -9)],
)
def test_child_that_dies_is_an_error_and_its_log_is_kept(
    runner: LocalRunner, tmp_path: Path, yaml: str, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(JobError, match=rf"ended unexpectedly \(exit code {code}\)") as caught:
        runner.train(yaml.encode(), {}, tmp_path)
    assert (caught.value.status, caught.value.reason) == (500, "TrainingError")
    assert "secret" not in caught.value.message
    assert ("ValueError: secret path" in caplog.text) == ("secret" in yaml)


def test_who_waits_too_long_is_told_the_job_which_goes_on(runner: LocalRunner, tmp_path: Path) -> None:
    with pytest.raises(Timeout, match="goes on as job") as caught:
        runner.train(GO_ON.encode(), {}, tmp_path, timeout_s=0.01)
    assert len(caught.value.details["job"]) == 32
    assert runner.active == 1
    (tmp_path / "go").touch()
    wait_until(lambda: runner.active == 0)


def test_full_queue_is_busy(runner: LocalRunner, tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(Timeout):
            runner.train(GO_ON.encode(), {}, tmp_path, timeout_s=0.01)
    with pytest.raises(Busy, match="2 trainings or tests run or wait") as caught:
        runner.train(GO_ON.encode(), {}, tmp_path)
    assert caught.value.retry_after_s > 0
    assert len(children(tmp_path)) <= 1
    (tmp_path / "go").touch()
    wait_until(lambda: runner.active == 0)
    assert runner.train(GO_ON.encode(), {}, tmp_path) == tmp_path / "m.tar.gz"


def test_cancel_ends_the_child(runner: LocalRunner, tmp_path: Path) -> None:
    with pytest.raises(Timeout) as caught:
        runner.train(FOR_EVER.encode(), {}, tmp_path, timeout_s=0.01)
    wait_until(lambda: len(children(tmp_path)) == 1)
    assert runner.cancel(caught.value.details["job"]) is True
    wait_until(lambda: runner.active == 0)
    assert not is_running(children(tmp_path)[0])
    assert runner.cancel(caught.value.details["job"]) is False


def test_waiting_caller_is_told_of_the_cancelling(runner: LocalRunner, tmp_path: Path) -> None:
    def cancel() -> None:
        wait_until(lambda: len(children(tmp_path)) == 1)
        runner.cancel(next(iter(runner._jobs)))

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(JobError, match="was cancelled"):
        runner.train(FOR_EVER.encode(), {}, tmp_path)
    thread.join()


def test_child_that_ignores_sigterm_is_killed(
    runner: LocalRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "TERMINATION_S", 0.2)
    yaml = f"signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{FOR_EVER}"
    with pytest.raises(Timeout) as caught:
        runner.train(yaml.encode(), {}, tmp_path, timeout_s=0.01)
    wait_until(lambda: len(children(tmp_path)) == 1)
    start = time.monotonic()
    runner.cancel(caught.value.details["job"])
    wait_until(lambda: runner.active == 0)
    assert 0.2 <= time.monotonic() - start
    assert not is_running(children(tmp_path)[0])


def test_close_ends_what_runs_and_what_waits(tmp_path: Path) -> None:
    runner = LocalRunner(workers=1, queue=1, command=(sys.executable, "-c", PROGRAM))
    for _ in range(2):
        with pytest.raises(Timeout):
            runner.train(FOR_EVER.encode(), {}, tmp_path, timeout_s=0.01)
    wait_until(lambda: len(children(tmp_path)) == 1)
    runner.close()
    assert runner.active == 0
    assert [is_running(child) for child in children(tmp_path)] == [False]


def test_a_closed_runner_takes_nothing(tmp_path: Path) -> None:
    runner = LocalRunner(workers=1, queue=1, command=(sys.executable, "-c", PROGRAM))
    runner.close()
    with pytest.raises(Busy, match="The server stops"):
        runner.train(GO_ON.encode(), {}, tmp_path)
    assert runner.active == 0


def test_who_has_the_answer_finds_the_place_free(tmp_path: Path) -> None:
    runner = LocalRunner(workers=1, queue=0, command=(sys.executable, "-c", "import sys; sys.exit(1)"))
    for _ in range(5):
        with pytest.raises(JobError):
            runner.train(b"", {}, tmp_path)
        assert runner.active == 0
    runner.close()


def test_job_folder_is_removed(runner: LocalRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    where = runner.train(b"answer({'path': str(folder)})", {}, tmp_path)
    assert where.parent == tmp_path / "tmp"
    assert not where.exists()
