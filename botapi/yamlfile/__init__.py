"""YAML as Rasa reads it: text or a file comes in, plain values (or ones that know their lines) go out; and back.

The rules are those of YAML 1.2: only true and false are booleans, `yes`, `12:30` and dates are text, `010` is 10,
`1e3` is 1000.0. Every fault of a file is a DataError with file and line. Nothing in a file can name code.
"""

from __future__ import annotations

from botapi.yamlfile.reading import load, load_file, load_with_lines
from botapi.yamlfile.scalars import MAX_DEPTH, scalar
from botapi.yamlfile.values import Block, LineDict, LineList, line_of, place, plain
from botapi.yamlfile.writing import dump

__all__ = [
    "MAX_DEPTH",
    "Block",
    "LineDict",
    "LineList",
    "dump",
    "line_of",
    "load",
    "load_file",
    "load_with_lines",
    "place",
    "plain",
    "scalar",
]
