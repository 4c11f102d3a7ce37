"""The runner of jobs: outcomes, errors, limits, cancelling, what is kept; small programs stand for a training."""

from __future__ import annotations

import json
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

import pytest

from botapi.errors import Busy, ConfigError, NotFound, Timeout
from botapi.jobs import local, process
from botapi.jobs.job import Cancelled, Job, JobError
from botapi.jobs.local import LocalRunner, read_runner
from tests.jobs.programs import COMMAND, FOR_EVER, GO_ON, children, is_running, submit, wait_until


@pytest.fixture
def runner() -> Iterator[LocalRunner]:
    made = LocalRunner(workers=1, queue=1, command=COMMAND)
    yield made
    made.close()


def said(job: Job) -> object:
    """What the child answered."""
    outcome = job.wait(20)
    assert outcome == job.folder / "answer.json"
    return json.loads(outcome.read_bytes())


def at_once(job: object) -> None:
    """Work that is nothing."""


def test_document_and_options_go_in_and_an_answer_comes_out(runner: LocalRunner, tmp_path: Path) -> None:
    program = "answer({'task': request['task'], 'options': request['options']})"
    job = submit(runner, program, tmp_path, options={"force": True, "augmentation": 7})
    assert said(job) == {"task": "train", "options": {"force": True, "augmentation": 7}}
    assert (runner.active, job.status.state, job.progress, job.status.error) == (0, "done", 1.0, None)


def test_child_is_alone_and_uses_one_thread(
    runner: LocalRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "json.py").write_text("raise SystemExit('imported from the project')")
    program = (
        "import botapi\n"
        "names = 'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'\n"
        "answer({'threads': [os.environ[name] for name in names], 'at_home': os.getcwd() == str(folder.resolve())})"
    )
    assert said(submit(runner, program, tmp_path)) == {"threads": ["1", "1", "1"], "at_home": True}


def test_work_knows_what_its_caller_knew(runner: LocalRunner) -> None:
    who: ContextVar[str] = ContextVar("who", default="nobody")
    token = who.set("the caller")
    job = runner.submit("train", Path.touch, lambda job: Path(who.get()))
    who.reset(token)
    assert job.wait(20) == Path("the caller")


def test_error_of_the_child_is_raised_here_each_time(runner: LocalRunner, tmp_path: Path) -> None:
    fault = {"message": "No.", "status": 400, "reason": "BadRequest", "details": {"line": 3}}
    job = submit(runner, f"fail({json.dumps(fault)})", tmp_path)
    for _ in range(2):
        with pytest.raises(JobError) as caught:
            job.wait(20)
        error = caught.value
        assert len(traceback.extract_tb(error.__traceback__)) == 2 and error.__context__ is None
        assert (error.message, error.status, error.reason, error.details) == ("No.", 400, "BadRequest", {"line": 3})
    assert job.status.state == "failed"


def test_only_trainings_count_as_trainings(runner: LocalRunner, tmp_path: Path) -> None:
    submit(runner, GO_ON, tmp_path, "test_stories")
    assert (runner.active, runner.trainings) == (1, 0)
    submit(runner, GO_ON, tmp_path, "finetune")
    assert (runner.active, runner.trainings) == (2, 1)
    (tmp_path / "go").touch()
    wait_until(lambda: runner.active == 0)


@pytest.mark.parametrize(
    ("program", "code"),
    [("raise ValueError('secret path')", 1), ("sys.exit(3)", 3), ("os.kill(os.getpid(), signal.SIGKILL)", -9)],
)
@pytest.mark.parametrize(("task", "work"), [("train", "Training"), ("test_stories", "Testing")])
def test_child_that_dies_is_an_error_and_what_it_said_is_in_the_servers_log(
    runner: LocalRunner, tmp_path: Path, program: str, code: int, task: str, work: str, caplog: pytest.LogCaptureFixture
) -> None:
    job = submit(runner, program, tmp_path, task)
    with pytest.raises(JobError, match=rf"{work} ended unexpectedly \(exit code {code}\)") as caught:
        job.wait(20)
    assert (caught.value.status, caught.value.reason) == (500, f"{work}Error")
    assert "secret" not in caught.value.message and job.log == []
    assert ("ValueError: secret path" in caplog.text) == ("secret" in program)


def test_work_that_fails_otherwise_is_told_and_frees_its_place(
    runner: LocalRunner, caplog: pytest.LogCaptureFixture
) -> None:
    job = runner.submit("train", Path.touch, lambda job: Path(str(1 / 0)))
    with pytest.raises(JobError, match="the server's log says why") as caught:
        job.wait(20)
    assert (caught.value.status, job.status.state, runner.active) == (500, "failed", 0)
    assert "ZeroDivisionError" in caplog.text


def test_who_waits_too_long_is_told_the_job_which_goes_on(runner: LocalRunner, tmp_path: Path) -> None:
    job = submit(runner, GO_ON, tmp_path)
    with pytest.raises(Timeout, match="Training takes longer than 0.01 s. It goes on as job") as caught:
        job.wait(0.01)
    assert caught.value.details == {"job": job.id}
    assert runner.active == 1
    (tmp_path / "go").touch()
    assert said(job) == "done"


def test_full_queue_is_busy(runner: LocalRunner, tmp_path: Path) -> None:
    jobs = [submit(runner, GO_ON, tmp_path) for _ in range(2)]
    with pytest.raises(Busy, match="2 trainings or tests run or wait") as caught:
        submit(runner, GO_ON, tmp_path)
    assert caught.value.retry_after_s > 0
    assert len(children(tmp_path)) <= 1
    (tmp_path / "go").touch()
    for job in jobs:
        job.wait(20)
    assert submit(runner, GO_ON, tmp_path).wait(20)


def test_document_that_can_not_be_written_leaves_nothing(runner: LocalRunner) -> None:
    def write(path: Path) -> None:
        path.write_text("half a document")
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        runner.submit("train", write, at_once)
    assert (runner.active, runner.all()) == (0, [])


def test_jobs_are_found_by_id_and_listed_newest_first(runner: LocalRunner, tmp_path: Path) -> None:
    first = submit(runner, GO_ON, tmp_path)
    second = submit(runner, GO_ON, tmp_path)
    assert runner.all() == [second, first]
    assert runner.get(first.id) is first
    wait_until(lambda: first.status.state == "running")
    assert (second.status.state, second.status.started_at, second.progress) == ("queued", None, 0.0)
    (tmp_path / "go").touch()
    second.wait(20)
    assert runner.all() == [second, first]
    one, two = first.status, second.status
    assert first.created_at <= (one.started_at or 0) <= (one.ended_at or 0) <= (two.ended_at or 0)
    with pytest.raises(NotFound, match="There is no job 'x'"):
        runner.get("x")


def test_progress_and_log_are_what_the_child_writes(runner: LocalRunner, tmp_path: Path) -> None:
    program = (
        "log = Path(request['log.txt'])\n"
        "log.write_text('an old line\\n' * 1000 + 'fold 2\\n' + 'fold 3')\n"
        "Path(request['progress']).write_text('0.25')\n" + GO_ON
    )
    job = submit(runner, program, tmp_path)
    wait_until(lambda: len(children(tmp_path)) == 1)
    assert (job.progress, job.log[-2:]) == (0.25, ["fold 2", "fold 3"])
    (tmp_path / "go").touch()
    job.wait(20)
    assert job.progress == 1.0
    assert set(job.log[:-2]) == {"an old line"} and job.log[-2:] == ["fold 2", "fold 3"]
    assert job.size_bytes < 5000


# ------------------------------------------------------------------------------------------ cancelling


def test_cancelling_ends_the_child(runner: LocalRunner, tmp_path: Path) -> None:
    job = submit(runner, FOR_EVER, tmp_path)
    wait_until(lambda: len(children(tmp_path)) == 1)
    runner.drop(job.id)
    with pytest.raises(Cancelled, match="was cancelled") as caught:
        job.wait(20)
    assert (caught.value.status, job.status.state, runner.active) == (409, "cancelled", 0)
    assert not is_running(children(tmp_path)[0])


def test_child_that_ignores_sigterm_is_killed_within_five_seconds(
    runner: LocalRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert process.TERMINATION_S < 5
    monkeypatch.setattr(process, "TERMINATION_S", 0.2)
    job = submit(runner, f"signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{FOR_EVER}", tmp_path)
    wait_until(lambda: len(children(tmp_path)) == 1)
    start = time.monotonic()
    runner.drop(job.id)
    runner.drop(job.id)
    with pytest.raises(Cancelled):
        job.wait(20)
    assert 0.2 <= time.monotonic() - start < 5
    assert not is_running(children(tmp_path)[0])


def test_job_that_waits_is_cancelled_at_once(runner: LocalRunner, tmp_path: Path) -> None:
    first, second = (submit(runner, GO_ON, tmp_path) for _ in range(2))
    wait_until(lambda: first.status.state == "running")
    runner.drop(second.id)
    with pytest.raises(Cancelled):
        second.wait(0)
    assert (runner.active, first.status.state) == (1, "running")
    (tmp_path / "go").touch()
    first.wait(20)
    assert len(children(tmp_path)) == 1


def test_child_is_stopped_by_sigterm_first(runner: LocalRunner, tmp_path: Path) -> None:
    program = f"signal.signal({int(signal.SIGTERM)}, lambda *_: ((out / 'told').touch(), sys.exit(1)))\n{FOR_EVER}"
    job = submit(runner, program, tmp_path)
    wait_until(lambda: len(children(tmp_path)) == 1)
    runner.drop(job.id)
    with pytest.raises(Cancelled):
        job.wait(20)
    assert (tmp_path / "told").exists()


def test_close_ends_what_runs_and_what_waits(tmp_path: Path) -> None:
    runner = LocalRunner(workers=1, queue=1, command=COMMAND)
    jobs = [submit(runner, FOR_EVER, tmp_path) for _ in range(2)]
    wait_until(lambda: len(children(tmp_path)) == 1)
    runner.close()
    assert ([job.status.state for job in jobs], runner.active) == (["cancelled", "cancelled"], 0)
    assert [is_running(child) for child in children(tmp_path)] == [False]
    assert not jobs[0].folder.parent.exists()


def test_a_closed_runner_takes_nothing() -> None:
    runner = LocalRunner()
    runner.close()
    with pytest.raises(Busy, match="The server stops"):
        runner.submit("train", Path.touch, at_once)
    assert runner.active == 0


def test_who_has_the_answer_finds_the_place_free(tmp_path: Path) -> None:
    runner = LocalRunner(workers=1, queue=0, command=(sys.executable, "-c", "import sys; sys.exit(1)"))
    for _ in range(5):
        job = submit(runner, "", tmp_path)
        with pytest.raises(JobError):
            job.wait(20)
        assert runner.active == 0
    runner.close()


# ------------------------------------------------------------------------------------------ what is kept


def result_of(size_bytes: int):
    """Work that leaves a file of a size in the job's folder."""

    def work(job):
        (job.folder / "m.tar.gz").write_bytes(bytes(size_bytes))
        return job.folder / "m.tar.gz"

    return work


def ended(runner: LocalRunner, size_bytes: int = 0):
    job = runner.submit("train", Path.touch, result_of(size_bytes))
    job.wait(20)
    return job


def test_result_is_kept_and_the_document_is_not(runner: LocalRunner) -> None:
    job = ended(runner, 10)
    assert [file.name for file in job.folder.iterdir()] == ["m.tar.gz"]
    assert job.wait(0) == job.folder / "m.tar.gz"
    assert job.size_bytes == 10


def test_ended_job_is_forgotten_when_it_is_dropped(runner: LocalRunner) -> None:
    job = ended(runner)
    runner.drop(job.id)
    with pytest.raises(NotFound):
        runner.get(job.id)
    assert not job.folder.exists()


@pytest.mark.parametrize(("limit", "value"), [("KEPT_JOBS", 2), ("KEPT_BYTES", 25), ("KEPT_S", -1.0)])
def test_no_more_than_the_limits_is_kept(
    runner: LocalRunner, limit: str, value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [ended(runner, 10) for _ in range(4)]
    monkeypatch.setattr(local, limit, value)
    kept = [] if limit == "KEPT_S" else [jobs[3], jobs[2]]
    assert runner.all() == kept
    wait_until(lambda: [job for job in reversed(jobs) if job.folder.exists()] == kept)


def test_newest_result_is_kept_however_large(runner: LocalRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "KEPT_BYTES", 5)
    jobs = [ended(runner, 10) for _ in range(2)]
    assert runner.all() == jobs[1:]


# ------------------------------------------------------------------------------------------ configuration


def test_endpoints_file_says_how_many_run_and_wait() -> None:
    assert read_runner(None).places == 9
    assert read_runner({"type": "local", "workers": 2, "queue": 0}).places == 2


@pytest.mark.parametrize(
    "section", [{"type": "celery"}, {"workers": 0}, {"queue": -1}, {"workers": True}, {"workers": "2"}, {"color": 1}]
)
def test_a_senseless_section_is_refused(section: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="jobs"):
        read_runner(section)
