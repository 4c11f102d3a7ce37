"""Nothing outside is touched: every attack that names a file or module runs in a process whose every step is seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attackedbot import archive
from tests.untouched import CONTROL

ROOT = Path(__file__).parent.parent
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
CHANGING = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.chmod", "os.link", "os.symlink", "os.truncate")


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """(what the attacked server and its children did, what was done for comparison, the folder of it all).

    Both are lists of [event, arguments].
    """
    base = tmp_path_factory.mktemp("attacked")
    project, outside, log = base / "project", base / "outside", base / "audit"
    (project / "models").mkdir(parents=True)
    (outside / "bait").mkdir(parents=True)
    (outside / "bait.tar.gz").write_bytes(archive().read_bytes())
    (outside / "bait_module.py").write_text("Component = Policy = Slot = Action = Importer = X = dict\nrun = print\n")
    paths = [ROOT / "tests" / "audit", outside, ROOT]
    (base / "temporary").mkdir()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "AUDIT_LOG": str(log)}
    environment |= {"TMPDIR": str(base / "temporary"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "tests.untouched", str(outside)]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    events = [json.loads(line) for line in log.read_text().splitlines()]
    end = next(number for number, (_, told) in enumerate(events) if CONTROL in map(str, told))
    return events[:end], events[end:], base


def baits(events):
    """Those events in whose arguments a bait stands, other than as a whole list of folders that Python looks into."""
    return [one for one in events if "bait" in json.dumps(one[1]) or "outside/" in json.dumps(one[1])]


def changed(events):
    """The paths that were written, made, moved or removed."""
    for event, told in events:
        if event == "open" and len(told) > 2 and isinstance(told[2], int) and told[2] & WRITING:
            yield from told[:1] if isinstance(told[0], str) else ()  # a number is what was opened before
        elif event in CHANGING:
            yield from (path for path in told if isinstance(path, str))


def test_the_watcher_sees_what_is_touched(seen):
    _, control, _ = seen
    touched = {event for event, _ in baits(control)}
    assert {"open", "import", "os.listdir"} <= touched or {"open", "import", "os.scandir"} <= touched
    assert any(str(path).endswith("outside/written") for path in changed(control))


def test_nothing_that_a_request_names_is_opened_listed_imported_or_run(seen):
    attacked, _, _ = seen
    assert baits(attacked) == []


def test_only_the_project_and_temporary_folders_are_written_to(seen):
    attacked, _, base = seen
    allowed = (f"{base}/project", f"{base}/temporary", "/dev/null", "/proc/self/oom_score_adj")
    paths = set(changed(attacked))
    assert {path for path in paths if os.path.isabs(path) and not path.startswith(allowed)} == set()
    assert {path for path in paths if ".." in Path(path).parts} == set()


def test_children_are_watched_and_nothing_else_is_started(seen):
    attacked, _, _ = seen
    started = [told[1] for event, told in attacked if event == "subprocess.Popen"]
    assert started
    assert all("botapi.jobs.child" in str(words) for words in started)
