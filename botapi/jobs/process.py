"""A child process that another thread may end: a command in, its exit code out."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

import botapi

# From SIGTERM to SIGKILL: a child shall be gone within 5 seconds.
TERMINATION_S = 4.5
# NOTE: more threads would only take the processor from the conversations.
SINGLE_THREADED = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


class Child:
    """One child process, which may be ended before, while and after it runs."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._killer: threading.Timer | None = None
        self.is_ended = False  # because `end` was called

    def run(self, command: Sequence[str], folder: Path, output: int) -> int:
        """Run a command in `folder`, what it prints going to the file `output`; its exit code, 0 if it was ended."""
        with self._guard:
            if self.is_ended:
                return 0
            # The child ends when its standard input does: should the server die, it dies too.
            process = self._process = subprocess.Popen(
                [*command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,  # Python looks there first, so that no module of the bot takes the place of ours
                env=_environment(),
            )
        with process:
            try:
                return process.wait()
            finally:
                process.kill()  # without effect on one that has ended
                with self._guard:
                    if self._killer is not None:
                        self._killer.cancel()

    def end(self) -> None:
        """SIGTERM, and SIGKILL to who is still there after TERMINATION_S; or keep the child from starting."""
        with self._guard:
            self.is_ended = True
            process = self._process
            if process is not None and process.poll() is None and self._killer is None:
                process.terminate()
                self._killer = threading.Timer(TERMINATION_S, process.kill)
                self._killer.start()


def _environment() -> dict[str, str]:
    """The server's environment; the child finds the same botapi, and libraries for numbers use one thread."""
    here = str(Path(botapi.__file__).resolve().parent.parent)
    paths = [here, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, **SINGLE_THREADED, "PYTHONPATH": os.pathsep.join(paths)}
