"""Small programs in place of a training: how the runner's tests speak with their children."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from botapi.jobs.job import Job
from botapi.jobs.local import LocalRunner, Work

# Does what the job's document says; `out` is where it may tell of itself.
PROGRAM = """
import json, os, signal, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
request = json.loads((folder / "request.json").read_text())
out = Path(request.get("out_dir", "."))
def made(path):
    (folder / "result.json").write_text(json.dumps({"path": str(path)}))
def answer(value):
    Path(request["answer.json"]).write_text(json.dumps(value))
    made(request["answer.json"])
def fail(error):
    (folder / "result.json").write_text(json.dumps({"error": error}))
def begun():
    (out / f"{os.getpid()}.part").touch()
    (out / f"{os.getpid()}.part").rename(out / f"{os.getpid()}.pid")
exec(Path(request["document"]).read_text())
"""
COMMAND = (sys.executable, "-c", PROGRAM)
GO_ON = "begun()\nwhile not (out / 'go').exists(): time.sleep(0.005)\nanswer('done')"
# Short sleeps: a signal that comes between two instructions does not end a sleep that begins after it.
FOR_EVER = "begun()\nwhile True: time.sleep(0.02)"


def child(options: Mapping[str, Any]) -> Work:
    """Work that is one child process in a folder of its own."""

    def work(job: Job) -> Path:
        with TemporaryDirectory() as folder:
            return job.run(Path(folder), options)

    return work


def submit(runner: LocalRunner, program: str, out: Path, task: str = "train", **options: Any) -> Job:
    """A job that runs a program, which knows the folder `out`."""
    options = {"out_dir": str(out), **options}
    return runner.submit(task, lambda path: path.write_text(program), child(options))


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
