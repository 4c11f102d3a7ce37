"""Measures chat while models are swapped: nothing in; failed, mixed and lost turns, and times with and without, out.

Run it as `python scripts/bench/swap.py [--seconds 60] [--every 5] [--connections 8] [--intents 150]`. Two bots answer a
greeting with two messages each, in other words; `PUT /model` loads one after the other while all connections chat.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

# The project is found whether it is installed or not.
sys.path.insert(0, str(Path(__file__).parents[2]))

from load import TURNS_A_CONVERSATION, Connection, turn
from servers import run, serving

BOTAPI = [sys.executable, "-m", "botapi"]
NAMES = ("red", "blue")
EXAMPLES = 50


@dataclass
class Found:
    """What one connection saw: the seconds of each turn, what went wrong, and how many turns each conversation had."""

    took_s: list[float] = field(default_factory=list)
    failed: int = 0
    mixed: int = 0
    turns: dict[str, int] = field(default_factory=dict)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("seconds", 60.0), ("every", 5.0), ("connections", 8), ("intents", 150)):
        parser.add_argument(f"--{name}", type=type(default), default=default)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="botapi-bench-") as folder:
        project = Path(folder)
        for name in NAMES:
            write(project, name, options.intents)
            run([*BOTAPI, "train", "--force", "--fixed-model-name", name], project)
        command = [*BOTAPI, "run", "--enable-api", "-p", "{port}", "-m", f"models/{NAMES[0]}.tar.gz"]
        with serving(command, project) as server:
            report("without swaps", *measure(server.port, options, swaps=False))
            report(f"a swap every {options.every:g} s", *measure(server.port, options, swaps=True))


def write(project: Path, name: str, intents: int) -> None:
    """A bot that greets in words of its own, and knows `intents` more."""
    nlu = ["- intent: greet\n  examples: |\n    - hello\n    - good morning"]
    rules = ["- {rule: greet, steps: [{intent: greet}, {action: utter_first}, {action: utter_second}]}"]
    for number in range(intents):
        lines = "".join(f"    - what about thing{number} and part{count}\n" for count in range(EXAMPLES))
        nlu.append(f"- intent: ask_{number}\n  examples: |\n{lines}")
        rules.append(f"- {{rule: ask {number}, steps: [{{intent: ask_{number}}}, {{action: utter_first}}]}}")
    names = ", ".join(["greet", *(f"ask_{number}" for number in range(intents))])
    responses = f"utter_first: [{{text: first {name}}}], utter_second: [{{text: second {name}}}]"
    (project / "domain.yml").write_text(f"intents: [{names}]\nresponses: {{{responses}}}\n")
    (project / "config.yml").write_text("language: en\n")
    (project / "data").mkdir(exist_ok=True)
    (project / "data" / "nlu.yml").write_text("nlu:\n" + "\n".join(nlu))
    (project / "data" / "rules.yml").write_text("rules:\n" + "\n".join(rules))


def measure(port: int, options: argparse.Namespace, *, swaps: bool) -> tuple[list[Found], list[float], int]:
    """What all connections saw, the seconds of each swap, and how many turns the stored conversations lack."""
    context = multiprocessing.get_context("fork")
    results: multiprocessing.Queue[Found] = context.Queue()
    mark, end = time.time_ns(), time.perf_counter() + options.seconds
    clients = [
        context.Process(target=chat, args=(port, f"{mark}-{number}", end, results))
        for number in range(options.connections)
    ]
    with started(clients):
        swapped = swap(port, end, options.every) if swaps else []
        found = [results.get(timeout=options.seconds + 60) for _ in clients]
    connection = Connection(port)
    lost = sum(turns - stored(connection, sender) for one in found for sender, turns in one.turns.items())
    return found, swapped, lost


@contextmanager
def started(clients: list[multiprocessing.process.BaseProcess]) -> Iterator[None]:
    for client in clients:
        client.start()
    yield
    for client in clients:
        client.join()


def chat(port: int, name: str, end: float, results: multiprocessing.Queue[Found]) -> None:
    """Greet again and again, a few times in each conversation."""
    connection, found = Connection(port), Found()
    complete = [[f"{part} {name}" for part in ("first", "second")] for name in NAMES]
    while (began := time.perf_counter()) < end:
        sender = f"{name}-{len(found.took_s) // TURNS_A_CONVERSATION}"
        try:
            said = [message["text"] for message in turn(connection, sender, "hello")]
        except (OSError, ValueError):
            found.failed += 1
            connection = Connection(port)
            continue
        found.took_s.append(time.perf_counter() - began)
        found.mixed += said not in complete
        found.turns[sender] = found.turns.get(sender, 0) + 1
    results.put(found)


def swap(port: int, end: float, every_s: float) -> list[float]:
    """Load one model after the other until the end; the seconds of each."""
    took: list[float] = []
    while time.perf_counter() + every_s < end:
        time.sleep(every_s)
        began = time.perf_counter()
        body = json.dumps({"model_file": f"models/{NAMES[(len(took) + 1) % 2]}.tar.gz"}).encode()
        connection = Connection(port)
        connection.request("PUT", "/model", body, status=204)
        took.append(time.perf_counter() - began)
    return took


def stored(connection: Connection, sender: str) -> int:
    """How many turns of a conversation are complete in the store."""
    tracker = json.loads(connection.request("GET", f"/conversations/{sender}/tracker?include_events=ALL", b""))
    kinds = [event["event"] for event in tracker["events"]]
    return min(kinds.count("user"), kinds.count("bot") // 2)


def report(title: str, found: list[Found], swaps: list[float], lost: int) -> None:
    took_ms = sorted(1000 * one for each in found for one in each.took_s)
    figures = {
        "turns": len(took_ms),
        "failed": sum(one.failed for one in found),
        "mixed": sum(one.mixed for one in found),
        "lost": lost,
        "p50 ms": statistics.median(took_ms),
        "p99 ms": took_ms[int(0.99 * (len(took_ms) - 1))],
        "longest ms": took_ms[-1],
        "swaps": len(swaps),
        "longest swap ms": 1000 * max(swaps, default=0.0),
    }
    print(f"{title}: " + ", ".join(f"{name} {value:.5g}" for name, value in figures.items()), flush=True)


if __name__ == "__main__":
    main()
