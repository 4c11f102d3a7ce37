"""Measures a served bot, alone or beside a Rasa executable: command line options in, one table of figures out.

Run it as `scripts/bench/all [--peer PATH/TO/rasa] [--seconds 5]`.
Alone it serves the starter bot. With a peer both serve the project that the peer's `init` writes, trained by each,
in alternating runs; the figures are medians and stand beside each other with their ratio.
"""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from load import Connection, measure, measure_parses, turn
from servers import Running, run, serving

HERE = Path(__file__).parent
BOTAPI = [sys.executable, "-m", "botapi"]
SERVE = ["run", "--enable-api", "--port", "{port}"]
STARTER_MESSAGES = ["hello", "how much is a flat tyre", "where are you", "bye"]
PEER_MESSAGES = ["hello", "I am sad", "yes", "bye"]
EVENTS_SHORT, EVENTS_LONG = 40, 4000
# Figures of one server: name -> value; a name ends with its unit.
Figures = dict[str, float]


def main() -> None:
    options = arguments()
    folder = Path(tempfile.mkdtemp(prefix="botapi-bench-"))
    try:
        if options.peer:
            beside(options.peer, folder, options.runs, options.seconds)
        else:
            alone(folder, options.runs, options.seconds)
        if shutil.which("wrk"):
            show("GET /version a second, botapi and a bare WSGI function", *version_rates(folder, options.seconds))
        else:
            print("GET /version: not measured, wrk is not installed.")
        show("one conversation, ms a turn at event 4,000 and at event 40", *long_conversation(folder))
    finally:
        shutil.rmtree(folder)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench/all", description=__doc__)
    parser.add_argument("--peer", metavar="PATH", help="executable of Rasa 3.6 to measure beside")
    parser.add_argument("--runs", type=int, default=3, help="runs of each server (3)")
    parser.add_argument("--seconds", type=float, default=5, help="length of each load (5)")
    return parser.parse_args()


def alone(folder: Path, runs: int, seconds: float) -> None:
    project = folder / "botapi"
    run([*BOTAPI, "init", "--no-prompt", "--init-dir", str(project)], folder)
    training = train([*BOTAPI, "train"], project)
    found = [training | serve(BOTAPI, project, STARTER_MESSAGES, seconds) for _ in range(runs)]
    print(f"{'the starter bot, median of ' + str(runs):44}{'botapi':>12}")
    for name, value in medians(found).items():
        print(f"{name:44}{value:12.2f}")


def beside(peer: str, folder: Path, runs: int, seconds: float) -> None:
    ours, theirs = folder / "botapi", folder / "peer"
    theirs.mkdir()
    say("the peer writes its project and trains it")
    # NOTE: the peer's `init` trains what it wrote, so that one command is its training.
    its_training = train([peer, "init", "--no-prompt", "--init-dir", str(theirs)], theirs)
    shutil.copytree(theirs, ours, ignore=shutil.ignore_patterns("models", ".rasa"))
    training = [train([*BOTAPI, "train"], ours), its_training]
    found: list[list[Figures]] = [[], []]
    for _ in range(runs):
        found[0].append(training[0] | serve(BOTAPI, ours, PEER_MESSAGES, seconds))
        found[1].append(training[1] | serve([peer], theirs, PEER_MESSAGES, seconds))
    print(f"{'the project of `rasa init`, median of ' + str(runs):44}{'botapi':>12}{'peer':>12}{'ratio':>10}")
    mine, its = medians(found[0]), medians(found[1])
    for name in mine:
        print(f"{name:44}{mine[name]:12.2f}{its[name]:12.2f}{mine[name] / its[name]:10.4g}")


def train(command: list[str], project: Path) -> Figures:
    """Run a command that leaves an archive in the project's folder `models`."""
    seconds = run(command, project)
    archive = max((project / "models").iterdir(), key=lambda file: file.stat().st_mtime)
    return {"training, s": seconds, "model archive, MiB": archive.stat().st_size / 2**20}


def serve(program: list[str], project: Path, messages: list[str], seconds: float) -> Figures:
    with serving([*program, *SERVE], project) as server:
        say(f"{Path(program[0]).name} serves after {server.first_answer_s:.2f} s")
        figures = {"start to first answer, s": server.first_answer_s}
        for connections in (1, 8):
            load = measure(server.port, connections, messages, seconds)
            figures |= {
                f"turns a second, {connections} connection(s)": load.per_second,
                f"turn p50, {connections} connection(s), ms": load.p50_ms,
                f"turn p99, {connections} connection(s), ms": load.p99_ms,
            }
        for apart in (False, True):
            load = measure_parses(server.port, messages, seconds, apart=apart)
            how = ", head and body apart" if apart else ""
            figures |= {f"parses a second{how}": load.per_second, f"parse p50{how}, ms": load.p50_ms}
        return figures | {"resident memory after that, MiB": server.resident_mib()}


def medians(runs: list[Figures]) -> Figures:
    return {name: statistics.median(one[name] for one in runs) for name in runs[0]}


def version_rates(folder: Path, seconds: float) -> tuple[float, float]:
    """(botapi's, a bare WSGI function's) answers a second, by wrk, under the same server and settings."""
    commands: list[Callable[[], AbstractContextManager[Running]]] = [
        lambda: serving([*BOTAPI, *SERVE], folder / "botapi"),
        lambda: serving([sys.executable, str(HERE / "bare.py"), "{port}"], folder / "botapi"),
    ]
    rates: list[list[float]] = [[], []]
    for _ in range(3):
        for kept, start in zip(rates, commands, strict=True):
            with start() as server:
                kept.append(wrk(server.port, seconds))
    return statistics.median(rates[0]), statistics.median(rates[1])


def wrk(port: int, seconds: float) -> float:
    command = ["wrk", "-t1", "-c8", f"-d{max(1, round(seconds))}s", f"http://127.0.0.1:{port}/version"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if not found or "Non-2xx" in output:
        raise RuntimeError(f"wrk found no answers, or wrong ones: {output}")
    return float(found[1])


def long_conversation(folder: Path) -> tuple[float, float]:
    """Median milliseconds of a turn near event 4,000 and near event 40, with the default store."""
    with serving([*BOTAPI, *SERVE], folder / "botapi") as server:
        connection = Connection(server.port)
        per_turn = events_a_turn(connection, server.port)
        short: list[float] = []
        for number in range(20):
            near = range(EVENTS_SHORT - 2 * per_turn, EVENTS_SHORT + 2 * per_turn)
            short += timed_turns(connection, f"short-{number}", per_turn, near)
        long = timed_turns(connection, "long", per_turn, range(EVENTS_LONG - 250, EVENTS_LONG + 250))
        return 1000 * statistics.median(long), 1000 * statistics.median(short)


def events_a_turn(connection: Connection, port: int) -> int:
    """How many events one more turn adds to a conversation that has begun."""
    before, after = (count_events(connection, port, "count", turns) for turns in (1, 5))
    return round((after - before) / 5)


def count_events(connection: Connection, port: int, sender: str, turns: int) -> int:
    for _ in range(turns):
        turn(connection, sender, "hello")
    tracker = connection.request("GET", f"/conversations/{sender}/tracker?include_events=ALL", b"")
    return tracker.count(b'"event":')


def timed_turns(connection: Connection, sender: str, per_turn: int, events: range) -> list[float]:
    """Seconds of those turns of a new conversation that fall between two numbers of events."""
    took = []
    for first_event in range(0, events.stop, per_turn):
        started = time.perf_counter()
        turn(connection, sender, "hello")
        if first_event in events:
            took.append(time.perf_counter() - started)
    return took


def say(step: str) -> None:
    print(f"[{step}]", file=sys.stderr, flush=True)


def show(name: str, ours: float, yardstick: float) -> None:
    print(f"{name}: {ours:.3f} and {yardstick:.3f}, ratio {ours / yardstick:.3f}")


if __name__ == "__main__":
    main()
