"""`botapi shell`: lines in, the bot's words out."""

from __future__ import annotations

import io
import json

import pytest

from botapi.cli.main import main
from botapi.cli.shell import chosen, shown


@pytest.fixture
def type_(monkeypatch):
    """Puts lines on stdin."""
    return lambda *lines: monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_it_answers_line_by_line_until_stop(small, monkeypatch, type_, capsys):
    monkeypatch.chdir(small)
    type_("hello", "", "  see you ", "/stop", "hello")
    assert main(["shell"]) == 0
    assert capsys.readouterr().out == "Hello!\nBye!\n"


def test_it_ends_with_its_input(small, monkeypatch, type_, capsys):
    monkeypatch.chdir(small)
    type_("hello")
    assert main(["shell", "models"]) == 0
    assert capsys.readouterr().out == "Hello!\n"


def test_it_goes_on_with_a_conversation(small, monkeypatch, type_, capsys):
    monkeypatch.chdir(small)
    for line in ("hello", "bye"):
        type_(line)
        assert main(["shell", "--conversation-id", "ada"]) == 0
    assert capsys.readouterr().out == "Hello!\nBye!\n"
    assert (small / "conversations.db").is_file()


def test_understanding_is_shown_as_json(small, monkeypatch, type_, capsys):
    monkeypatch.chdir(small)
    type_("bye")
    assert main(["shell", "nlu"]) == 0
    assert json.loads(capsys.readouterr().out)["intent"]["name"] == "bye"


def test_a_number_picks_a_button(starter, monkeypatch, type_, capsys):
    monkeypatch.chdir(starter)
    type_("hello", "2", "2")
    assert main(["shell"]) == 0
    out = capsys.readouterr().out
    assert "  2: Prices (/ask_prices)\n" in out
    assert out.endswith("No problem. Ask me anything else.\n")


def test_no_model_is_told_in_a_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["shell"]) == 1
    assert "botapi train" in capsys.readouterr().err


BUTTONS = [{"title": "Yes", "payload": "/affirm"}, {"title": "Plain"}]


@pytest.mark.parametrize(
    "line, meant", [("1", "/affirm"), ("2", "Plain"), ("3", "3"), ("0", "0"), ("yes", "yes"), ("²", "²")]
)
def test_numbers_beyond_the_buttons_are_text(line, meant):
    assert chosen(line, BUTTONS) == meant


def test_every_kind_of_message_is_shown():
    messages = [
        {"text": "Choose:", "buttons": BUTTONS},
        {"image": "http://a/b.png"},
        {"attachment": "file.pdf"},
        {"custom": {"ü": 1}},
        {"text": "or", "buttons": [{"title": "Third", "payload": "/x"}]},
    ]
    assert "\n".join(shown(messages)).splitlines() == [
        "Choose:",
        "  1: Yes (/affirm)",
        "  2: Plain ()",
        "Image: http://a/b.png",
        "Attachment: file.pdf",
        "{",
        '  "ü": 1',
        "}",
        "or",
        "  3: Third (/x)",
    ]
