"""`python -m botapi`: the command line in, its exit code out."""

from __future__ import annotations

from botapi.cli.main import console

if __name__ == "__main__":
    console()
