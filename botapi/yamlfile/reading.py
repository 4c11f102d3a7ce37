"""Reading YAML: text or a file comes in, its value goes out; depth, aliases, tags and characters are checked here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from botapi.errors import DataError
from botapi.yamlfile.scalars import FORBIDDEN, MAX_DEPTH, scalar
from botapi.yamlfile.values import LineDict, LineList, line_of

MAX_ALIASED_NODES = 100_000

# PERF: libyaml parses about eight times as fast as the parser written in Python; PyYAML may be built without it.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_TAG = "tag:yaml.org,2002:"
_SCALAR_TAGS: dict[str, Any] = {"int": int, "float": (int, float), "bool": bool, "null": type(None)}


def load(
    text: str | bytes,
    source: str | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    lines: bool = False,
) -> Any:
    """The value of a YAML document; None when it is empty.

    With `environment`, `${NAME}` in unquoted text is replaced. With `lines`, containers are LineDict and LineList.
    Raises DataError (with `source` and a line) for everything that is not one well-formed document.
    """
    checked = _checked_text(text, source)
    reader = _Loader(checked)
    try:
        return _Builder(reader, source, environment, lines).build()
    except yaml.YAMLError as error:
        raise _syntax_error(error, source, checked) from error
    except (ValueError, OverflowError) as error:  # such as "\UFFFFFFFF" in the parser written in Python
        raise DataError(f"This is not valid YAML: {error}", file=source) from error
    finally:
        reader.dispose()


def load_with_lines(text: str | bytes, source: str | None = None) -> Any:
    """As `load`, with mappings and lists that know their lines."""
    return load(text, source, lines=True)


def load_file(path: str | Path, *, environment: Mapping[str, str] | None = None, lines: bool = False) -> Any:
    """The value of a YAML file; DataError also when it can't be read."""
    try:
        content = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"The file can't be read: {reason}.", file=str(path)) from error
    return load(content, str(path), environment=environment, lines=lines)


class _Frame:
    """A mapping or list that is still open, with what is known of it so far."""

    __slots__ = ("container", "anchor", "key", "key_line", "size", "merged")

    def __init__(self, container: Any, anchor: str | None) -> None:
        self.container, self.anchor = container, anchor
        self.key: Any = _NO_KEY
        self.key_line = 0
        self.size = 1
        self.merged: list[dict[Any, Any]] = []


_NO_KEY = object()
_MERGE_KEY = object()
_CONTAINER_STARTS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)


class _Builder:
    """Turns the parser's events into one value, without recursion, counting depth and aliases as it goes."""

    def __init__(self, reader: Any, source: str | None, environment: Mapping[str, str] | None, lines: bool) -> None:
        self.reader, self.source, self.environment, self.lines = reader, source, environment, lines
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.frames: list[_Frame] = []
        self.aliased = 0
        self.line = 1
        self.is_plain = False

    def build(self) -> Any:
        get_event = self.reader.get_event
        get_event()
        if get_event().__class__ is yaml.StreamEndEvent:
            return None
        value = self._node(get_event())
        get_event()
        end = get_event()
        if end.__class__ is not yaml.StreamEndEvent:
            self.line = end.start_mark.line + 1
            raise self._error("A second document begins after `---`; expected one document in a file.")
        return value

    def _node(self, event: Any) -> Any:
        """One node with all below it, from its first event on."""
        frames, get_event = self.frames, self.reader.get_event
        while True:
            kind = event.__class__
            if kind in _CONTAINER_STARTS:
                self._open(event)
                event = get_event()
                continue
            if kind is yaml.ScalarEvent:
                value, size = self._scalar(event), 1
            elif kind is yaml.AliasEvent:
                value, size = self._alias(event)
            else:
                value, size = self._close()
            if not frames:
                return value
            self._put(frames[-1], value, size)
            event = get_event()

    def _open(self, event: Any) -> None:
        self.line = event.start_mark.line + 1
        if len(self.frames) >= MAX_DEPTH:
            raise self._error(f"The nesting is deeper than {MAX_DEPTH} levels.")
        kind = "map" if event.__class__ is yaml.MappingStartEvent else "seq"
        if event.tag not in (None, "!", _TAG + kind):
            raise self._error(f"The tag {event.tag} is not allowed; expected plain YAML without tags.")
        container: Any
        if self.lines:
            container = (LineDict if kind == "map" else LineList)(self.source, self.line)
        else:
            container = {} if kind == "map" else []
        self.frames.append(_Frame(container, event.anchor))

    def _close(self) -> tuple[Any, int]:
        frame = self.frames.pop()
        container = frame.container
        for mapping in frame.merged:
            for key, value in mapping.items():
                if key not in container:
                    container[key] = value
                    if self.lines:
                        container.lines[key] = line_of(mapping, key) or container.line
        if frame.anchor:
            self.anchors[frame.anchor] = (container, frame.size)
        if self.frames and self.lines:
            self.line = container.line
        return container, frame.size

    def _put(self, frame: _Frame, value: Any, size: int) -> None:
        frame.size += size
        container = frame.container
        if isinstance(container, list):
            container.append(value)
            if self.lines:
                container.lines.append(self.line)  # type: ignore[attr-defined]
        elif frame.key is _NO_KEY:
            frame.key, frame.key_line = self._key(container, value), self.line
        elif frame.key is _MERGE_KEY:
            frame.merged.extend(self._merge_sources(value))
            frame.key = _NO_KEY
        else:
            container[frame.key] = value
            if self.lines:
                container.lines[frame.key] = frame.key_line
            frame.key = _NO_KEY

    def _key(self, container: Any, key: Any) -> Any:
        if isinstance(key, (dict, list)):
            raise self._error("A mapping or list stands where a key is expected; keys are text or numbers.")
        if key == "<<" and self.is_plain:
            return _MERGE_KEY
        if key in container:
            raise self._error(f"The key '{key}' appears twice in the same mapping; remove or rename one of them.")
        return key

    def _merge_sources(self, value: Any) -> list[dict[Any, Any]]:
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(each, dict) for each in sources):
            raise self._error("The merge key `<<` has to be followed by a mapping or a list of mappings.")
        return sources

    def _alias(self, event: Any) -> tuple[Any, int]:
        self.line, self.is_plain = event.start_mark.line + 1, False
        if event.anchor not in self.anchors:
            raise self._error(f"The alias *{event.anchor} has no anchor &{event.anchor} that ends before it.")
        value, size = self.anchors[event.anchor]
        self.aliased += size
        if self.aliased > MAX_ALIASED_NODES:
            raise self._error(f"Aliases expand to more than {MAX_ALIASED_NODES} values; write them out or remove them.")
        return value, size

    def _scalar(self, event: Any) -> Any:
        self.line = event.start_mark.line + 1
        value = event.value
        self.is_plain = event.implicit[0] and event.tag is None
        if self.is_plain:
            value = self._resolved(value)
        elif event.style == '"' and FORBIDDEN.search(value):
            raise self._error("The text holds an escaped control character or half a surrogate pair; remove it.")
        if event.tag not in (None, "!", _TAG + "str"):
            value = self._tagged(event.tag, value)
        if event.anchor:
            self.anchors[event.anchor] = (value, 1 + len(event.value) // 100)
        return value

    def _resolved(self, text: str) -> Any:
        if self.environment is not None and "${" in text:
            return _VARIABLE.sub(self._variable, text)
        try:
            return scalar(text)
        except ValueError as error:
            raise self._error(f"Found {error}.") from error

    def _variable(self, match: re.Match[str]) -> str:
        name = match.group(1)
        if self.environment is None or name not in self.environment:
            raise self._error(f"The environment variable '{name}' is not set; set it or remove ${{{name}}}.")
        return self.environment[name]

    def _tagged(self, tag: str, text: str) -> Any:
        kinds = _SCALAR_TAGS.get(tag.removeprefix(_TAG))
        if kinds is None:
            raise self._error(f"The tag {tag} is not allowed; expected plain YAML without tags.")
        value = self._resolved(text)
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
            raise self._error(f"'{text}' does not fit its tag {tag}.")
        return float(value) if isinstance(value, (int, float)) and kinds == (int, float) else value

    def _error(self, message: str) -> DataError:
        return DataError(message, file=self.source, line=self.line)


def _checked_text(text: str | bytes, source: str | None) -> str:
    """The document as text without what no parser should see; DataError names the line of the first bad character."""
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise DataError("The text is not UTF-8; save the file in that encoding.", file=source, line=line) from error
    text = text.removeprefix("\ufeff")
    found = FORBIDDEN.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise DataError(
            f"The character U+{ord(found.group()):04X} is not allowed in YAML; remove it.", file=source, line=line
        )
    return text


def _syntax_error(error: yaml.YAMLError, source: str | None, text: str) -> DataError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    context = getattr(error, "context", None)
    message = f"This is not valid YAML: {problem}{f' {context}' if context else ''}."
    # What is not closed is noticed one line after the last.
    last = len(text.splitlines()) or 1
    return DataError(message, file=source, line=min(mark.line + 1, last) if mark else None)
