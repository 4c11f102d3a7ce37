"""The progress bar: on a terminal it is drawn and taken away, elsewhere nothing is written."""

from __future__ import annotations

import io
import time

from botapi.cli.progressbar import INTERVAL_S, ProgressBar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def drawn_on(stream):
    bar = ProgressBar(stream)
    until = time.monotonic() + 2 * INTERVAL_S
    while time.monotonic() < until:
        bar(0.5)
    written = stream.getvalue()
    bar.close()
    return written


def test_a_terminal_shows_how_far_it_is_a_few_times_a_second():
    terminal = Terminal()
    written = drawn_on(terminal)
    assert 1 <= written.count("50%") <= 3
    assert "####################                    " in written
    assert terminal.getvalue().split("\r")[-2].strip() == ""
    assert terminal.getvalue().endswith("\r")


def test_a_file_gets_nothing():
    assert drawn_on(io.StringIO()) == ""
