"""Writing YAML: a value comes in, text that reads back as an equal value goes out."""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

from botapi.errors import DataError
from botapi.yamlfile.scalars import FLOAT, FORBIDDEN, INTEGER, MAX_DEPTH, MAX_NUMBER_CHARACTERS, NOT_FINITE
from botapi.yamlfile.values import Block

_TAG = "tag:yaml.org,2002:"
# Line breaks to some readers, characters to others: escaped, they stay what they are.
_OTHER_BREAKS = re.compile("[\r\x85\u2028\u2029]")
_LARGEST_INTEGER = 10 ** (MAX_NUMBER_CHARACTERS - 1)


def dump(value: Any, *, blocks: bool = True) -> str:
    """YAML text that `load` reads back as an equal value; key order is kept.

    With `blocks`, text of several lines becomes a block; without, only text of type Block does.
    Raises DataError for what has no place in a file: other types, NaN, infinity, NUL, lone surrogates, deep nesting.
    """
    _check_writable(value, 0)
    dumper = _BlockDumper if blocks else _Dumper
    return yaml.dump(
        value, Dumper=dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=math.inf
    )


class _Dumper(yaml.SafeDumper):
    """Quotes what `load` would not read back as text; never writes aliases."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def choose_scalar_style(self) -> str:
        """Single quotes where they need no doubling and the text is one line, as in Rasa's files; else double ones."""
        style = super().choose_scalar_style()
        event: Any = self.event
        return '"' if style == "'" and ("'" in event.value or "\n" in event.value) else style


class _BlockDumper(_Dumper):
    """Writes text of several lines as a block."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(_TAG + "str", text, style='"' if _OTHER_BREAKS.search(text) else None)


def _represent_lines(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if "\n" not in text and not isinstance(text, Block):
        return _represent_text(dumper, text)
    return dumper.represent_scalar(_TAG + "str", text, style="|" if _fits_block(text) else '"')


def _represent_float(dumper: yaml.SafeDumper, number: float) -> yaml.ScalarNode:
    return dumper.represent_scalar(_TAG + "float", repr(number))


def _fits_block(text: str) -> bool:
    """Whether a literal block keeps the text exactly: no odd blanks at line edges, no other line breaks."""
    lines = text.split("\n")
    return bool(lines[0].strip()) and all(
        line.isprintable() and line == line.rstrip() and not line.startswith(" ") for line in lines
    )


def _check_writable(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise DataError(f"The value to write is nested deeper than {MAX_DEPTH} levels.")
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(key, (dict, list, tuple)):
                raise DataError(f"The key {key!r} can't be written to YAML; keys are text or numbers.")
            _check_writable(key, depth)
            _check_writable(item, depth + 1)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check_writable(item, depth + 1)
    elif isinstance(value, str):
        if FORBIDDEN.search(value):
            raise DataError("Text with a control character or half a surrogate pair can't be written to YAML.")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise DataError(f"The number {value} can't be written to YAML; expected a finite number.")
    elif isinstance(value, int):
        if abs(value) >= _LARGEST_INTEGER:
            raise DataError(f"A number of more than {MAX_NUMBER_CHARACTERS - 1} digits can't be written to YAML.")
    elif value is not None:
        raise DataError(f"A value of type {type(value).__name__} can't be written to YAML.")


_Dumper.add_multi_representer(str, _represent_text)
_Dumper.add_representer(str, _represent_text)
_Dumper.add_multi_representer(Block, _represent_lines)
_Dumper.add_representer(float, _represent_float)
_Dumper.add_representer(tuple, yaml.SafeDumper.represent_list)
_Dumper.add_multi_representer(dict, yaml.SafeDumper.represent_dict)
_Dumper.add_multi_representer(list, yaml.SafeDumper.represent_list)
_BlockDumper.add_representer(str, _represent_lines)

# What has to be quoted when it is text: what `scalar` reads as something else, and what other readers might.
for _tag, _pattern, _first in (
    ("null", re.compile(r"(?:~|null|Null|NULL|)\Z"), ["~", "n", "N", ""]),
    ("bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF")),
    ("int", INTEGER, list("-+0123456789")),
    ("float", FLOAT, list("-+.0123456789")),
    ("float", NOT_FINITE, list("-+.")),
    ("timestamp", re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"), list("0123456789")),
    ("merge", re.compile(r"(?:<<|=)\Z"), ["<", "="]),
    ("env", re.compile(r"[\s\S]*\$\{"), None),
):
    _Dumper.add_implicit_resolver(_TAG + _tag, _pattern, _first)
