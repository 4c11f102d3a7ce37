"""Logging as the flags ask for it."""

from __future__ import annotations

import json
import logging
from argparse import Namespace
from contextvars import Context
from datetime import datetime, timedelta

import pytest

from botapi.cli import logs
from botapi.errors import ConfigError, DataError
from botapi.telemetry import request_id, trace_context


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


def logged(tmp_path, **flags):
    """Set up logging as the flags say, and give a function that reads the JSON lines so far."""
    file = tmp_path / "out.log"
    logs.configure(Namespace(log_file=str(file), log_format="json", **flags))

    def lines():
        for handler in logging.getLogger().handlers:
            handler.flush()
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]

    return lines


def test_json_lines_say_when_who_and_what(tmp_path):
    lines = logged(tmp_path)
    Context().run(logging.getLogger("some.part").warning, "héllo\n%s", "you")
    (line,) = lines()
    assert datetime.fromisoformat(line.pop("time")).utcoffset() == timedelta(0)
    assert line == {"level": "WARNING", "logger": "some.part", "message": "héllo\nyou"}


def test_json_lines_name_the_request_and_its_trace(tmp_path):
    lines = logged(tmp_path)

    def in_a_request():
        request_id.set("r1")
        trace_context.set({"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"})
        logging.getLogger("some.part").info("inside")

    Context().run(in_a_request)
    Context().run(logging.getLogger("some.part").info, "outside")
    inside, outside = lines()
    assert (inside["request_id"], inside["trace_id"]) == ("r1", "a" * 32)
    assert not {"request_id", "trace_id"} & outside.keys()


def test_what_a_record_has_of_its_own_keeps_its_name_unless_that_is_taken(tmp_path):
    lines = logged(tmp_path)
    logging.getLogger("some.part").info("%s", "200", extra={"status": "200", "level": "none", "odd": {1}})
    (line,) = lines()
    assert (line["status"], line["level"], line["message"], line["odd"]) == ("200", "INFO", "200", "{1}")


def test_json_lines_hold_exceptions(tmp_path):
    lines = logged(tmp_path)
    try:
        raise KeyError("x")
    except KeyError:
        logging.getLogger("some.part").exception("failed")
    (line,) = lines()
    assert line["exception"].startswith("Traceback") and line["exception"].endswith("KeyError: 'x'")


def test_libraries_that_log_what_travels_are_kept_from_it(tmp_path):
    lines = logged(tmp_path, log_level="DEBUG")
    logging.getLogger("urllib3.connectionpool").debug("GET /?token=secret")
    logging.getLogger("some.part").debug("told")
    assert [line["message"] for line in lines()] == ["told"]


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
