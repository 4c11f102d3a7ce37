"""Models from elsewhere: an open file, or the name of one in remote storage, in; the agent with that model out.

The archive is kept in a private folder as long as its model is used, so that tests of the model find it.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import IO

from botapi.agent.agent import Agent
from botapi.errors import ModelError
from botapi.stores import remote

DEFAULT_NAME = "model.tar.gz"  # as Rasa 3.6 calls it
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+@-]{0,99}(\.tar\.gz|\.zip)")


def load_received(agent: Agent, file: IO[bytes], name: str | None) -> None:
    """Load the archive in `file` beside the current model, then swap; ModelError changes nothing.

    `name` is what the sender calls it, and what `GET /status` shows if it is a plain file name, else model.tar.gz.
    """
    folder = Path(tempfile.mkdtemp(prefix="botapi-model-"))
    try:
        path = folder / plain_name(name)
        file.seek(0)
        with open(path, "wb") as copy:
            shutil.copyfileobj(file, copy)
        bot = agent.load_model(path)
    except BaseException as error:  # whatever it is, nothing stays behind
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, ModelError):  # where the copy lay is nobody's business
            raise ModelError(error.message.replace(f"{folder}{os.sep}", "")) from error
        raise
    weakref.finalize(bot, shutil.rmtree, folder, ignore_errors=True)


def load_stored(agent: Agent, storage: str, name: str, *, max_bytes: int) -> None:
    """Load an archive of remote storage; ModelError, ConfigError and StoreError change nothing."""
    with tempfile.TemporaryFile() as file:
        load_received(agent, file, remote.fetch(storage, name, file, max_bytes=max_bytes, environ=os.environ))


def plain_name(name: str | None) -> str:
    """The name if it is safe as that of a file in any folder, else DEFAULT_NAME.

    SECURITY: names come from headers, forms and keys of others.
    """
    return name if name is not None and NAME.fullmatch(name) else DEFAULT_NAME
