"""Measures understanding on labelled sentences: folders of data in, accuracy, times, sizes and memory of each out.

Run it as `python scripts/bench/nlu.py FOLDER… [--no-numpy]`. A folder has train.yml (NLU training data) and
test.jsonl (one {"text", "intent"} a line). Each is trained and asked in a process of its own, by the default pipeline.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

# The project is found whether it is installed or not.
sys.path.insert(0, str(Path(__file__).parents[2]))

from botapi.data import nlu
from botapi.nlu.pipeline import Pipeline

COLUMNS = ("accuracy %", "training s", "training MiB", "model MB", "load ms", "serving MiB", "parse p50 ms", "p99 ms")


def main() -> None:
    options = arguments()
    if options.no_numpy:
        # As if it were not installed: from here on, looking for it finds nothing.
        sys.modules["numpy"] = None  # type: ignore[assignment]
    if options.step == "train":
        train(options.folders[0], options.model)
    elif options.step == "ask":
        ask(options.folders[0], options.model)
    else:
        print(f"{'':24}" + "".join(f"{column:>14}" for column in COLUMNS))
        for folder in options.folders:
            print(f"{folder.name:24}" + "".join(f"{value:14.2f}" for value in measure(folder, options.no_numpy)))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--no-numpy", action="store_true", help="train as if numpy were not installed")
    parser.add_argument("--step", choices=["train", "ask"], help=argparse.SUPPRESS)
    parser.add_argument("--model", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(folder: Path, no_numpy: bool) -> list[float]:
    """The values of COLUMNS for one folder."""
    model = Path(subprocess.check_output(["mktemp"], text=True).strip())
    flags = ["--no-numpy"] if no_numpy else []
    try:
        trained, asked = (
            json.loads(
                subprocess.check_output(
                    [sys.executable, __file__, str(folder), "--step", step, "--model", str(model), *flags], text=True
                )
            )
            for step in ("train", "ask")
        )
    finally:
        model.unlink()
    return [{**trained, **asked}[column] for column in COLUMNS]


def train(folder: Path, model: Path) -> None:
    started = time.perf_counter()
    data = nlu.read((folder / "train.yml").read_text("utf-8"))
    members = Pipeline.train(None, "en", data).save()
    report({"training s": time.perf_counter() - started, "training MiB": peak_mib()})
    model.write_text(json.dumps({name: body.hex() for name, body in members.items()}))


def ask(folder: Path, model: Path) -> None:
    members = {name: bytes.fromhex(body) for name, body in json.loads(model.read_text()).items()}
    started = time.perf_counter()
    pipeline = Pipeline.load(None, members)
    loaded_ms = (time.perf_counter() - started) * 1000
    lines = [json.loads(line) for line in (folder / "test.jsonl").read_text("utf-8").splitlines()]
    right, times_ms = 0, []
    for line in lines:
        started = time.perf_counter()
        found = pipeline.parse(line["text"])
        times_ms.append((time.perf_counter() - started) * 1000)
        # The fallback classifier stands in front of what the classifier found.
        names = [entry["name"] for entry in found["intent_ranking"] if entry["name"] != "nlu_fallback"]
        right += names[0] == line["intent"]
    report(
        {
            "accuracy %": 100 * right / len(lines),
            "model MB": sum(map(len, members.values())) / 1e6,
            "load ms": loaded_ms,
            "serving MiB": peak_mib(),
            "parse p50 ms": statistics.median(times_ms),
            "p99 ms": statistics.quantiles(times_ms, n=100)[-1],
        }
    )


def report(values: dict[str, Any]) -> None:
    print(json.dumps(values))


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
