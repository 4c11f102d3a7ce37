"""Logging as the flags ask for it."""

from __future__ import annotations

import logging
from argparse import Namespace

import pytest

from botapi.cli import logs
from botapi.errors import ConfigError, DataError


@pytest.mark.parametrize(
    "flag, environment, level",
    [(None, None, "INFO"), ("DEBUG", None, "DEBUG"), (None, "error", "ERROR"), ("WARNING", "DEBUG", "WARNING")],
)
def test_the_flag_counts_before_the_environment(flag, environment, level, monkeypatch):
    monkeypatch.delenv("LOG_LEVEL", raising=False)
    if environment:
        monkeypatch.setenv("LOG_LEVEL", environment)
    logs.configure(Namespace(log_level=flag))
    assert logging.getLevelName(logging.getLogger().level) == level


def test_an_unknown_level_is_refused(monkeypatch):
    monkeypatch.setenv("LOG_LEVEL", "loud")
    with pytest.raises(ConfigError, match="LOG_LEVEL is 'LOUD'"):
        logs.configure(Namespace())


def test_a_log_file_gets_every_line(tmp_path):
    file = tmp_path / "out.log"
    logs.configure(Namespace(log_file=str(file), log_level="INFO"))
    logging.getLogger("some.part").info("héllo")
    for handler in logging.getLogger().handlers:
        handler.flush()
    assert "INFO    some.part: héllo" in file.read_text(encoding="utf-8")


def test_a_log_file_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="can't be written"):
        logs.configure(Namespace(log_file=str(tmp_path / "no" / "folder.log")))


def test_a_configuration_file_replaces_all_of_it(tmp_path):
    config, file = tmp_path / "logging.yml", tmp_path / "x.log"
    config.write_text(
        f"version: 1\nhandlers:\n  f: {{class: logging.FileHandler, filename: '{file}'}}\n"
        "root: {level: ERROR, handlers: [f]}\ndisable_existing_loggers: false\n"
    )
    logs.configure(Namespace(logging_config_file=str(config)))
    logging.getLogger("a").error("one")
    logging.getLogger("a").info("two")
    assert file.read_text() == "one\n"


def test_the_example_in_conf_is_one(pytestconfig):
    logs.configure(Namespace(logging_config_file=str(pytestconfig.rootpath / "conf" / "logging.yml")))
    assert logging.getLogger().level == logging.INFO


@pytest.mark.parametrize("text", ["version: 7", "just text", "version: 1\nroot: {handlers: [none]}"])
def test_a_wrong_configuration_is_refused(tmp_path, text):
    (tmp_path / "l.yml").write_text(text)
    with pytest.raises(ConfigError, match="not a logging configuration"):
        logs.configure(Namespace(logging_config_file=str(tmp_path / "l.yml")))


def test_a_missing_configuration_is_refused(tmp_path):
    with pytest.raises(DataError, match="none.yml"):
        logs.configure(Namespace(logging_config_file=str(tmp_path / "none.yml")))
