"""Fixtures for every test; helpers live in modules beside the tests that use them."""

from __future__ import annotations

import logging
import os

import pytest

from botapi.wsgi import application, create_app
from tests.smallbot import agent

# PERF: several threads for a product of small arrays mostly wait for one another.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


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


@pytest.fixture
def serve():
    """Makes servers with the small bot, and closes them: Settings, and options of application or create_app, in."""
    made = []

    def make(settings=None, **options):
        made.append(application(agent(), settings, **options) if settings else create_app(agent(), **options))
        return made[-1]

    yield make
    for server in made:
        server.close()
