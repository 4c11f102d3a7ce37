"""Opens a trained bot for a command: parsed flags in, Settings and the model's archive out."""

from __future__ import annotations

import argparse
import logging
import os
from typing import Any

from botapi import model
from botapi.errors import ConfigError, ModelError
from botapi.settings import Settings, read_settings

logger = logging.getLogger(__name__)

MODELS = "models"


def settings(arguments: argparse.Namespace, **values: Any) -> Settings:
    """Settings from endpoints.yml, credentials.yml and the flags; raises ConfigError and DataError."""
    return read_settings(
        endpoints=arguments.endpoints,
        credentials=arguments.credentials,
        environ=os.environ,
        model=arguments.model_as_word or arguments.model or arguments.core or arguments.nlu or MODELS,
        **values,
    )


def archive(arguments: argparse.Namespace, *, may_be_missing: bool = False) -> model.Archive | None:
    """The model that the flags name; with -d and -u, one made of both.

    None only if none is named, the usual folder has none, and that `may_be_missing`. Raises ModelError, ConfigError.
    """
    named = arguments.model_as_word or arguments.model
    if named and (arguments.core or arguments.nlu):
        raise ConfigError("Name either a whole model (--model), or its halves (-d/--core and -u/--nlu), not both.")
    if arguments.core and arguments.nlu:
        return model.merge(*(model.open_model(model.find(path)) for path in (arguments.core, arguments.nlu)))
    try:
        file = model.find(named or arguments.core or arguments.nlu or MODELS)
    except ModelError:
        if not may_be_missing or named or arguments.core or arguments.nlu:
            raise
        logger.warning("No model in %s: there is no bot until PUT /model or a model server brings one.", MODELS)
        return None
    return model.open_model(file)
