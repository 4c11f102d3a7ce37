"""The domain from files: one file, several, or folders of them come in; they are merged, and a Domain goes out."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from botapi import yamlfile
from botapi.errors import DataError
from botapi.state import domaindict
from botapi.state.domain import Domain

log = logging.getLogger(__name__)

YAML_SUFFIXES = (".yml", ".yaml")


def load(paths: str | Path | Iterable[str | Path]) -> Domain:
    """The domain in a file, a folder (every YAML file below it that holds a part of a domain), or several of them.

    Where two files define the same name, the one that comes first wins, with a warning. DataError names file and line.
    """
    return merge(contents(paths))


def contents(paths: str | Path | Iterable[str | Path]) -> list[Any]:
    """The checked content, with lines, of each file that makes up the domain."""
    found: list[Any] = []
    for path in map(Path, [paths] if isinstance(paths, (str, Path)) else paths):
        if path.is_dir():
            loaded = (yamlfile.load_file(file, lines=True) for file in yaml_files(path))
            found.extend(content for content in loaded if is_domain(content))
        elif path.is_file():
            found.append(yamlfile.load_file(path, lines=True) or {})
        else:
            raise DataError("The domain is not there; expected a file or a folder.", file=str(path))
    return found


def merge(parts: Iterable[Mapping[str, Any]]) -> Domain:
    """One Domain from the contents of several files."""
    merged: dict[str, Any] = {}
    for part in parts:
        domaindict.check(part)
        own = {key: value for key, value in part.items() if key in domaindict.DOMAIN_KEYS or key == "version"}
        for section, names in domaindict.duplicates(merged, own).items():
            log.warning("Several domain files define the same %s; the first one counts: %s", section, ", ".join(names))
        merged = domaindict.merge(merged, own)
    return Domain.from_dict(merged)


def is_domain(content: Any) -> bool:
    """Whether the content of a YAML file holds a part of a domain."""
    return isinstance(content, Mapping) and any(key in content for key in domaindict.DOMAIN_KEYS)


def yaml_files(folder: str | Path) -> Iterator[Path]:
    """All YAML files below a folder, sorted by path; hidden ones are left out, and no folder is visited twice."""
    found: list[Path] = []
    seen: set[str] = set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        seen.add(os.path.realpath(parent))
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and os.path.realpath(os.path.join(parent, name)) not in seen
        ]
        found.extend(Path(parent, name) for name in files if not name.startswith(".") and name.endswith(YAML_SUFFIXES))
    return iter(sorted(found))
