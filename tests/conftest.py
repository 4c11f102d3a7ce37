"""Fixtures for every test; helpers live in modules beside the tests that use them."""

from __future__ import annotations

import logging

import pytest


@pytest.fixture(autouse=True)
def logging_as_it_was():
    """Commands set up logging for their process; a test's commands must not set it up for the tests after it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    loggers = [logger for logger in logging.Logger.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    before = [(logger, logger.level, logger.disabled) for logger in loggers]
    yield
    for logger, *was in before:
        logger.level, logger.disabled = was
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
