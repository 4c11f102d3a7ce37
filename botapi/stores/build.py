"""Stores by name: the `tracker_store` and `lock_store` sections of endpoints.yml in, store objects out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from botapi.errors import ConfigError
from botapi.settings import load_class
from botapi.stores.locks import LOCK_TIMEOUT_S, InMemoryLockStore, LockStore
from botapi.stores.sqlite import SqliteStore
from botapi.stores.trackers import InMemoryStore, TrackerStore

DEFAULT_FILE = "conversations.db"
Section = Mapping[str, Any]


def tracker_store(section: Section | None, folder: str | Path, default: str = "in_memory") -> TrackerStore:
    """The store that a `tracker_store` section asks for.

    Without a section: `default`, a name of TRACKER_STORES; a file is then called conversations.db.
    Relative file names start from `folder`, the project's.
    """
    section = section or {"type": default, "db": DEFAULT_FILE}
    return _build("tracker_store", section, Path(folder), TRACKER_STORES)


def lock_store(section: Section | None) -> LockStore:
    """The store that a `lock_store` section asks for; locks in memory without one."""
    return _build("lock_store", section or {"type": "in_memory"}, Path(), LOCK_STORES)


def refuse_event_broker(section: Section | None) -> None:
    """Raise ConfigError if there is an `event_broker` section: events would be lost without a word otherwise."""
    if section:
        raise ConfigError(
            f"event_broker: type {section.get('type', 'pika')!r} is not supported, nor is any other. "
            f"Remove the section from endpoints.yml."
        )


def _in_memory(section: Section, folder: Path) -> TrackerStore:
    return InMemoryStore()


def _sql(section: Section, folder: Path) -> TrackerStore:
    dialect, url = str(section.get("dialect", "sqlite")), section.get("url")
    if isinstance(url, str) and "://" in url:
        dialect, _, name = url.partition("://")
        name = name.removeprefix("/")
    else:
        name = str(section.get("db", "rasa.db"))
    if dialect.partition("+")[0] != "sqlite":
        raise ConfigError(
            f"tracker_store: the SQL dialect {dialect!r} is not supported; use 'dialect: sqlite' with 'db: <file>'."
        )
    if name in ("", ":memory:"):
        return InMemoryStore()
    path = folder / name
    if not path.parent.is_dir():
        raise ConfigError(f"tracker_store: the folder {str(path.parent)!r} of db {name!r} is missing; create it.")
    return SqliteStore(path)


def _locks_in_memory(section: Section, folder: Path) -> LockStore:
    timeout_s = section.get("timeout", LOCK_TIMEOUT_S)
    if not isinstance(timeout_s, (int, float)):
        raise ConfigError(f"lock_store: timeout is {timeout_s!r}, expected a number of seconds.")
    return InMemoryLockStore(timeout_s)


# Names are compared without regard to case, as Rasa does.
TRACKER_STORES: dict[str, Callable[[Section, Path], TrackerStore]] = {"in_memory": _in_memory, "sql": _sql}
LOCK_STORES: dict[str, Callable[[Section, Path], LockStore]] = {"in_memory": _locks_in_memory}


def _build(part: str, section: Section, folder: Path, known: Mapping[str, Callable[[Section, Path], Any]]) -> Any:
    if not isinstance(section, Mapping):
        raise ConfigError(f"{part}: found {section!r} in endpoints.yml, expected keys such as 'type: …'.")
    kind = section.get("type", section.get("store_type", "in_memory"))
    if isinstance(kind, str) and kind.lower() in known:
        return known[kind.lower()](section, folder)
    if not isinstance(kind, str) or "." not in kind:
        names = ", ".join(repr(name) for name in known)
        raise ConfigError(f"{part}: type {kind!r} is not supported; use one of {names}, or a class as 'module.Class'.")
    options = {str(key): value for key, value in section.items() if key not in ("type", "store_type")}
    try:
        return load_class(kind, part)(**options)
    except TypeError as error:
        raise ConfigError(f"{part}: {kind} does not take the options {sorted(options)}: {error}.") from error
