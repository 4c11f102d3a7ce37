"""`python -m botapi.run`: the flags of `botapi run` in, a served bot out; the spelling of Rasa Core 0.12."""

from __future__ import annotations

import sys

from botapi.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["run", *sys.argv[1:]]))
