"""Components of one's own: the class path that a configuration names in, the class out."""

from __future__ import annotations

from typing import Any

from botapi.errors import ConfigError
from botapi.nlu.local import require_named
from botapi.settings import load_class

PARTS = ("OPTIONS", "train", "load", "save", "process")


def load_component(path: str) -> Any:
    """The class at the dotted path, which the configuration here must name, too, and which must be a Component.

    Raises ConfigError where it does not, or can't be imported.
    """
    require_named(path, "The class")
    found = load_class(path, "pipeline")
    missing = [part for part in PARTS if not hasattr(found, part)]
    if missing:
        raise ConfigError(
            f"pipeline: {path!r} lacks {', '.join(missing)}; expected a class with the parts of a component, "
            f"{', '.join(PARTS)}, as docs/nlu.md describes them"
        )
    return found
