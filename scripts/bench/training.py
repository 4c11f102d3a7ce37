"""Measures chat while a training runs over HTTP: how many examples in; the p99 of chat turns without and with it out.

Run it as `python scripts/bench/training.py [--examples 10000] [--intents 77] [--seconds 4] [--runs 5]`. Loads without
and with a training take turns, on one connection; each training covers its whole load, and is cancelled after it.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

from load import Load, measure
from servers import run, serving

BOTAPI = [sys.executable, "-m", "botapi"]
MESSAGES = ["hello", "how much is a flat tyre", "where are you", "bye"]
# Words of an intent's own, and words that all share: about as hard to tell apart as real ones.
OWN_WORDS, COMMON_WORDS, WORDS_A_SENTENCE = 30, 2000, 11


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=10_000, help="NLU examples to train on (10,000)")
    parser.add_argument("--intents", type=int, default=77, help="intents they are of (77)")
    parser.add_argument("--seconds", type=float, default=4, help="length of each load (4)")
    parser.add_argument("--runs", type=int, default=5, help="loads without and with a training, in turn (5)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="botapi-bench-"))
    document = nlu_data(options.examples, options.intents).encode()
    try:
        run([*BOTAPI, "init", "--no-prompt", "--init-dir", str(folder)], folder)
        run([*BOTAPI, "train"], folder)
        with serving([*BOTAPI, "run", "--enable-api", "--port", "{port}"], folder) as server:
            measure(server.port, 1, MESSAGES, 1)
            compare(server.port, document, options.seconds, options.runs)
            print(f"the training of {options.examples} examples: {whole_training(server.port, document):.1f} s")
    finally:
        shutil.rmtree(folder)


def compare(port: int, document: bytes, seconds: float, runs: int) -> None:
    loads: list[tuple[Load, Load]] = []
    for _ in range(runs):
        loads.append((measure(port, 1, MESSAGES, seconds), during_training(port, document, seconds)))
    for name in ("p99_ms", "p50_ms", "per_second"):
        idle, busy = (statistics.median(getattr(pair[at], name) for pair in loads) for at in (0, 1))
        print(f"chat {name}: {idle:.2f} alone, {busy:.2f} during a training, ratio {busy / idle:.2f}")


def during_training(port: int, document: bytes, seconds: float) -> Load:
    """A load in whose first moments a training begins; raises RuntimeError if that ends before the load does."""
    places: list[str] = []
    begin = threading.Timer(0.2, lambda: places.append(begun(port, document)))
    begin.start()
    load = measure(port, 1, MESSAGES, seconds)
    begin.join()
    state = call(port, "GET", places[0])["state"]
    if state != "running":
        raise RuntimeError(f"The training was {state} before the load had ended: give more --examples, less --seconds.")
    call(port, "DELETE", places[0])
    while call(port, "GET", places[0])["ended_at"] is None:
        time.sleep(0.05)
    return load


def whole_training(port: int, document: bytes) -> float:
    """Seconds of a training that nobody chats beside."""
    place = begun(port, document)
    while (job := call(port, "GET", place))["ended_at"] is None:
        time.sleep(0.1)
    if job["state"] != "done":
        raise RuntimeError(f"The training failed: {job['error']}")
    return float(job["ended_at"] - job["started_at"])


def begun(port: int, document: bytes) -> str:
    """Begin a training; the path of its job."""
    path = "/model/train?save_to_default_model_directory=false"
    return f"/jobs/{call(port, 'POST', path, document)['id']}"


def call(port: int, method: str, path: str, body: bytes | None = None) -> Any:
    """The JSON of an answer, None where it has no body."""
    headers = {"Prefer": "respond-async", "Content-Type": "application/x-yaml"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        content = answer.read()
    return json.loads(content) if content else None


def nlu_data(examples: int, intents: int) -> str:
    """Made-up sentences as YAML, the same each time."""
    chance = random.Random(1)
    lines = ["nlu:"]
    for intent in range(intents):
        lines += [f"- intent: intent_{intent}", "  examples: |"]
        own = [word(chance) for _ in range(OWN_WORDS)]
        common = [f"common{number}" for number in chance.choices(range(COMMON_WORDS), k=OWN_WORDS)]
        for _ in range(examples // intents + (intent < examples % intents)):
            lines.append(f"    - {' '.join(chance.choices(own, k=3) + chance.choices(common, k=WORDS_A_SENTENCE - 3))}")
    return "\n".join(lines) + "\n"


def word(chance: random.Random) -> str:
    return "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(3, 9)))


if __name__ == "__main__":
    main()
