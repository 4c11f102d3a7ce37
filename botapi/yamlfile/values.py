"""Values of a YAML file that know their lines, and text that is to be written as a block; plain data only."""

from __future__ import annotations

from typing import Any


class Block(str):
    """Text that `dump` writes as a block even when it is one line."""

    __slots__ = ()


class LineDict(dict[Any, Any]):
    """A mapping that knows where it stood: `source`, its own `line` and `lines` {key: line}, all lines from 1."""

    __slots__ = ("source", "line", "lines")

    def __init__(self, source: str | None, line: int) -> None:
        super().__init__()
        self.source, self.line = source, line
        self.lines: dict[Any, int] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


class LineList(list[Any]):
    """A list that knows where it stood: `source`, its own `line` and the `lines` of its items, all from 1."""

    __slots__ = ("source", "line", "lines")

    def __init__(self, source: str | None, line: int) -> None:
        super().__init__()
        self.source, self.line = source, line
        self.lines: list[int] = []

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)


def place(value: Any) -> tuple[str | None, int | None]:
    """File and line of a mapping or list that was loaded with lines, else (None, None)."""
    return getattr(value, "source", None), getattr(value, "line", None)


def line_of(container: Any, key: Any) -> int | None:
    """The line of a key of a mapping, or of an item of a list (by its number); None when not known."""
    found = getattr(container, "lines", None)
    if found is None:
        return None
    if isinstance(found, dict):
        return found.get(key)
    return found[key] if isinstance(key, int) and 0 <= key < len(found) else None


def plain(value: Any) -> Any:
    """A deep copy made of ordinary dicts and lists, nothing shared with the original."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
