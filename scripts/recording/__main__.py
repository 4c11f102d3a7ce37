"""The recorder: names of bots and a Rasa executable in, tests/bots/BOT/golden.json out."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.bots import transcript  # noqa: E402
from tests.bots.servers import companions, free_port, running  # noqa: E402

QUIET = {
    "RASA_TELEMETRY_ENABLED": "false",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "PYTHONWARNINGS": "ignore",
}


def main() -> None:
    options = arguments()
    python = options.sdk_python or str(Path(options.rasa).parent / "python")
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(options.work or scratch)
        for bot in options.bots or transcript.bots():
            record(bot, options.rasa, python, work / bot)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/record", description=__doc__)
    parser.add_argument("bots", nargs="*", metavar="BOT", help="folders in tests/bots (default: all)")
    parser.add_argument("--rasa", required=True, help="the Rasa executable")
    parser.add_argument("--sdk-python", help="a Python with rasa_sdk (default: the one beside Rasa)")
    parser.add_argument("--work", help="a folder for models and logs, which are used again the next time")
    return parser.parse_args()


def record(bot: str, rasa: str, python: str, work: Path) -> None:
    """Train, serve and ask one bot; what it answered becomes its golden file."""
    began = time.monotonic()
    work.mkdir(parents=True, exist_ok=True)
    project = work / "project"
    models = sorted((project / "models").glob("*.tar.gz"))
    place(transcript.BOTS / bot, project)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with companions(project, work, python) as environment:
        environment = {**QUIET, **environment}
        if not models or (project / "stamp").read_text() != stamp(project):
            train(rasa, project, work / "train.log", environment)
        command = [rasa, "run", "--enable-api", "--port", str(port)]
        with running(command, project, f"{url}/version", work / "rasa.log", **environment):
            answers = {
                conversation.name: transcript.play(conversation, sender(url))
                for conversation in transcript.conversations(bot)
            }
    about = {
        "recorded_by": "scripts/record",
        "date": date.today().isoformat(),
        **versions(python),
        "digest": transcript.digest(bot),
    }
    transcript.write_golden(bot, about, answers)
    print(f"{bot}: {len(answers)} conversations in {time.monotonic() - began:.0f} s")


def place(bot: Path, project: Path) -> None:
    """Copy a bot's files over an older copy, whose models stay."""
    no_part = shutil.ignore_patterns("golden.json", "conversations.yml", "__pycache__")
    shutil.copytree(bot, project, dirs_exist_ok=True, ignore=no_part)


def stamp(project: Path) -> str:
    """What a model is made from: the texts of domain, configuration and data."""
    files = [project / "domain.yml", project / "config.yml", *sorted((project / "data").rglob("*.yml"))]
    return "\n".join(path.read_text() for path in files)


def train(rasa: str, project: Path, log: Path, environment: dict[str, str]) -> None:
    with log.open("wb") as output:
        done = subprocess.run(
            # Validation is for authors: it refuses, for one, slots that only a form's validation asks for.
            [rasa, "train", "--force", "--skip-validation"],
            cwd=project,
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
        )
    if done.returncode:
        sys.exit(f"Rasa can't train {project}:\n{log.read_text()}")
    (project / "stamp").write_text(stamp(project))


def versions(python: str) -> dict[str, str]:
    program = "from importlib.metadata import version as v; print(v('rasa'), v('rasa-sdk'))"
    done = subprocess.run([python, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    rasa, rasa_sdk = done.stdout.split()
    return {"rasa": rasa, "rasa_sdk": rasa_sdk}


def sender(url: str) -> transcript.Send:
    """What sends requests to the server at `url`."""

    def send(request: transcript.Request) -> tuple[int, Any]:
        data = None if request.body is None else json.dumps(request.body).encode()
        asked = urllib.request.Request(url + request.target, data, method=request.method)
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return answer.status, decoded(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, decoded(error.read())

    return send


def decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode()


if __name__ == "__main__":
    main()
