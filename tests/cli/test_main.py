"""The command line as a whole: words in, exit codes and sentences out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from botapi import __version__
from botapi.cli.main import COMMANDS, command, main, parser

ROOT = Path(__file__).parents[2]


def test_the_version_is_printed(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"botapi {__version__}\n"


def test_help_names_every_command_without_importing_one(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert [name for name in COMMANDS if name not in text] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name, capsys):
    assert main([name, "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert command(name).__doc__.splitlines()[0] in text
    assert "--logging-config-file" in text


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([], id="nothing"),
        pytest.param(["dance"], id="unknown command"),
        pytest.param(["run", "--dance"], id="unknown flag"),
        pytest.param(["run", "--port", "seventy"], id="port that is no number"),
        pytest.param(["run", "--port", "70000"], id="port out of range"),
        pytest.param(["run", "--drain-timeout", "-1"], id="negative seconds"),
        pytest.param(["run", "--response-timeout", "nan"], id="seconds that are no number"),
        pytest.param(["run", "--threads", "0"], id="no threads"),
        pytest.param(["run", "--enable"], id="flag cut short"),
        pytest.param(["train", "everything"], id="unknown half"),
        pytest.param(["train", "--augmentation", "-1"], id="negative augmentation"),
    ],
)
def test_wrong_usage_is_exit_code_2_with_a_sentence(words, capsys):
    assert main(words) == 2
    error = capsys.readouterr().err
    assert "usage: botapi" in error
    assert "Traceback" not in error


def test_a_refusal_is_exit_code_1_with_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--config", "nowhere.yml"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("botapi: ") and error.count("\n") == 1
    assert "nowhere.yml" in error


def test_flags_of_other_commands_are_not_read():
    """Building the parser of one command leaves the others alone: it is what makes `botapi --version` quick."""
    program = "import sys; from botapi.cli.main import main; main(['--version']); print('waitress' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "False"


@pytest.mark.parametrize("module", ["botapi", "botapi.cli.main"])
def test_modules_that_are_programs(module):
    if module == "botapi":
        done = subprocess.run(
            [sys.executable, "-m", module, "--version"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert done.stdout == f"botapi {__version__}\n"
    else:
        assert parser(["train"]).parse_args(["train", "nlu"]).kind == "nlu"


def test_the_old_spelling_is_a_program_too():
    words = [sys.executable, "-m", "botapi.run", "--enable_api", "--auth_token", "x", "--help"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: botapi run")


@pytest.mark.parametrize(
    "words, name, value",
    [
        (["--enable_api"], "enable_api", True),
        (["--enable-api"], "enable_api", True),
        (["--auth_token", "t"], "auth_token", "t"),
        (["-t", "t"], "auth_token", "t"),
        (["--jwt_secret", "s"], "jwt_secret", "s"),
        (["--jwt_method", "HS512"], "jwt_method", "HS512"),
        (["--log_file", "f"], "log_file", "f"),
        (["-o", "f"], "log_file", "f"),
        (["-d", "core"], "core", "core"),
        (["--core", "core"], "core", "core"),
        (["-u", "nlu"], "nlu", "nlu"),
        (["--nlu", "nlu"], "nlu", "nlu"),
        (["-m", "m"], "model", "m"),
        (["m"], "model_as_word", "m"),
        (["-p", "80"], "port", 80),
        (["-i", "0.0.0.0"], "interface", "0.0.0.0"),
        (["--cors", "http://a", "http://b"], "cors", ["http://a", "http://b"]),
        (["-vv"], "log_level", "DEBUG"),
        (["-v"], "log_level", "INFO"),
        (["--quiet"], "log_level", "WARNING"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_spellings_of_run(words, name, value):
    assert getattr(parser(["run"]).parse_args(["run", *words]), name) == value
