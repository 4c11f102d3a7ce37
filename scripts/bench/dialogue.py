"""Measures dialogue of a large made-up bot beside the starter bot: nothing in, a table of times and memory out.

Run it as `python scripts/bench/dialogue.py [--stories 300] [--intents 60] [--slots 40]`. Each project is trained by
`botapi train` in a process of its own, as users do, and once more without numpy; then conversations are held in one.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# The project is found whether it is installed or not.
sys.path.insert(0, str(Path(__file__).parents[2]))

import largeproject

from botapi import model
from botapi.agent.agent import Agent
from botapi.data.project import read_folder
from botapi.policies.ensemble import Ensemble
from botapi.state.domain import Domain
from botapi.state.events import ActionExecuted, Rewound, UserUttered
from botapi.state.messages import UserMessage
from botapi.state.tracker import Tracker

ROOT = Path(__file__).resolve().parents[2]
TURNS = 500
# As if numpy were not installed: from here on, looking for it finds nothing.
NO_NUMPY = "import sys; sys.modules['numpy'] = None; "
TRAIN = "from botapi.cli.main import console; sys.argv = ['botapi', 'train', '--force']; console()"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("stories", 300), ("intents", 60), ("slots", 40)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="botapi-bench-") as folder:
        starter, large = Path(folder, "starter"), Path(folder, "large")
        run([sys.executable, "-m", "botapi", "init", "--no-prompt", "--init-dir", str(starter)], Path(folder))
        largeproject.write(large, options.stories, options.intents, options.slots)
        figures = [measure(starter), measure(large)]
    print(f"{'':44}{'starter':>12}{'large':>12}{'ratio':>10}")
    for name, value in figures[0].items():
        print(f"{name:44}{value:12.3f}{figures[1][name]:12.3f}{figures[1][name] / value:10.2f}")


def measure(project: Path) -> dict[str, float]:
    found = {}
    for name, before in (("", "import sys; "), (" without numpy", NO_NUMPY)):
        took_s, mib = run([sys.executable, "-c", before + TRAIN], project)
        found |= {f"training{name}, s": took_s, f"training{name}, MiB": mib}
    archive = model.open_model(max((project / "models").iterdir(), key=lambda file: file.stat().st_mtime))
    domain = Domain.from_dict(json.loads(archive.members["domain.json"]))
    members = {name[len("policies/") :]: data for name, data in archive.members.items() if name.startswith("policies/")}
    started = time.perf_counter()
    ensemble = Ensemble.load(json.loads(archive.members["config.json"])["policies"], members, domain)
    found["loading policies, s"] = time.perf_counter() - started
    intents = sorted({step.intent for story in read_folder(project).stories for step in story.steps if is_said(step)})
    return found | talk(ensemble, domain, intents) | whole_turns(Path(archive.path), intents)


def is_said(step: Any) -> bool:
    return bool(getattr(step, "intent", None))


def talk(ensemble: Ensemble, domain: Domain, intents: Sequence[str]) -> dict[str, float]:
    """Median microseconds of a prediction and of deciding a turn, at the beginning and after TURNS turns."""
    chance = random.Random(5)
    tracker = Tracker("bench", domain.slots)
    tracker.apply(ActionExecuted("action_listen"))
    predictions_us, turns_us = [], []
    for _ in range(TURNS):
        intent = chance.choice(intents)
        turn_us = 0.0
        tracker.apply(UserUttered(f"/{intent}", {"intent": {"name": intent, "confidence": 1.0}, "entities": []}))
        for _ in range(10):
            started = time.perf_counter()
            found = ensemble.predict(tracker)
            predictions_us.append((time.perf_counter() - started) * 1e6)
            turn_us += predictions_us[-1]
            tracker.apply_all(found.events)
            tracker.apply(ActionExecuted(found.action, found.policy, found.confidence, None, found.hide_rule_turn))
            if found.action == "action_default_fallback":  # takes the message back, and listens again
                tracker.apply(Rewound())
            if found.action in ("action_listen", "action_default_fallback"):
                break
        turns_us.append(turn_us)
    first, last = turns_us[: TURNS // 5], turns_us[-TURNS // 5 :]
    return {
        "prediction p50, us": statistics.median(predictions_us),
        "decisions of a turn p50, first 100, us": statistics.median(first),
        "decisions of a turn p50, last 100, us": statistics.median(last),
    }


def whole_turns(path: Path, intents: Sequence[str]) -> dict[str, float]:
    """Median microseconds of whole turns in one conversation, heard, decided, said and stored."""
    logging.disable(logging.CRITICAL)  # custom actions have no server here
    chance = random.Random(5)
    agent = Agent()
    agent.load_model(path)
    turns_us = []
    for _ in range(TURNS):
        message = UserMessage(f"/{chance.choice(intents)}", "bench")
        started = time.perf_counter()
        agent.handle(message)
        turns_us.append((time.perf_counter() - started) * 1e6)
    agent.close()
    return {
        "whole turn p50, first 100, us": statistics.median(turns_us[: TURNS // 5]),
        "whole turn p50, last 100, us": statistics.median(turns_us[-TURNS // 5 :]),
    }


def run(command: list[str], folder: Path) -> tuple[float, float]:
    """Run a command to its end: (seconds, MiB of memory at most). Raises CalledProcessError, its output printed."""
    started = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    output = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        print(output)
        raise subprocess.CalledProcessError(process.returncode, command)
    return time.perf_counter() - started, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
