"""Thousands of requests made from the API's own description: the arguments of `schemathesis run` in, its report out.

`python -m tests.fuzz` serves the small bot with all channels and a token, and has every answer checked. The rest of the
API would have little to say without a model, so its removal is tried by itself, at the end.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from botapi import yamlfile
from tests.channels.receiver import receiver
from tests.endpoints import CREDENTIALS
from tests.programs import ROOT, served
from tests.smallbot import archive


def run(url: str, *words: str) -> int:
    program = Path(sys.executable).with_name("schemathesis")
    command = [str(program), "--config-file", str(ROOT / "conf" / "schemathesis.toml"), "run", "--checks", "all"]
    return subprocess.run([*command, *words, "-H", "Authorization: Bearer t", f"{url}/openapi.json"]).returncode


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name, receiver() as there:
        folder = Path(name)
        (folder / "models").mkdir()
        shutil.copy(archive(), folder / "models")
        (folder / "credentials.yml").write_text(yamlfile.dump({**CREDENTIALS, "callback": {"url": there.url}}))
        with served("--enable-api", "--quiet", "--auth-token", "t", folder=folder) as server:
            rest = run(server.url, "--exclude-operation-id", "delete_model", *sys.argv[1:])
            return run(server.url, "--include-operation-id", "delete_model", *sys.argv[1:]) or rest


if __name__ == "__main__":
    sys.exit(main())
