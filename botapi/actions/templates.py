"""Templates of responses: values with `{slot}` placeholders in, prepared once; filled from variables out."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

log = logging.getLogger(__name__)

# A name has no braces and no line breaks, so that JSON in a template is left alone.
_PLACEHOLDER = re.compile(r"{([^\n{}]+?)}")
_TOKEN = re.compile(r"{{|}}|{([^\n{}]+?)}|[{}]")


class Text:
    """A text with placeholders; `pattern` is for the % operator, with the values of `names` in order."""

    __slots__ = ("source", "pattern", "names")

    def __init__(self, source: str, pattern: str, names: tuple[str, ...]) -> None:
        self.source, self.pattern, self.names = source, pattern, names

    def fill(self, variables: Mapping[str, Any]) -> str:
        """The text with its placeholders filled; as it stands when one of them is unknown, as in Rasa 3.6."""
        try:
            return self.pattern % tuple([str(variables[name]) for name in self.names])
        except KeyError as missing:
            if missing.args[0].startswith('"'):  # JSON, as in a button's payload: nobody expects it to be filled
                return self.source
            log.warning(
                "The placeholder {%s} of a response is neither a slot nor given by the action; "
                "the text is sent unfilled: %.200r",
                missing.args[0],
                self.source,
            )
            return self.source
        except ValueError as error:
            log.warning("A response is sent unfilled, because a value can't be shown (%s): %.200r", error, self.source)
            return self.source


def prepare_text(text: str) -> Text | str:
    """Read a text's placeholders; a text without any is given back as it will be sent.

    `{{` and `}}` stand for single braces. Rasa 3.6 sends a text as it stands when its braces don't match, and when it
    has both placeholders and names in double braces; so do we.
    """
    if "{" not in text and "}" not in text:
        return text
    pieces: list[str] = []
    names: list[str] = []
    end = 0
    for token in _TOKEN.finditer(text):
        pieces.append(text[end : token.start()].replace("%", "%%"))
        end = token.end()
        if token[1] is not None:
            names.append(token[1])
            pieces.append("%s")
        elif len(token[0]) == 2:
            pieces.append(token[0][0])
        else:
            return text
    pieces.append(text[end:].replace("%", "%%"))
    pattern = "".join(pieces)
    if not names:
        return pattern % ()
    return text if len(_PLACEHOLDER.findall(text)) > len(names) else Text(text, pattern, tuple(names))


def prepare(value: Any, *, with_placeholders: bool = True) -> Any:
    """A value with all its texts prepared, in lists and mappings too; keys stay as they are."""
    if isinstance(value, str):
        return prepare_text(value) if with_placeholders else value
    if isinstance(value, Mapping):
        return {key: prepare(item, with_placeholders=with_placeholders) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [prepare(item, with_placeholders=with_placeholders) for item in value]
    return value


def fill(prepared: Any, variables: Mapping[str, Any]) -> Any:
    """A fresh value, with every placeholder filled."""
    kind = type(prepared)
    if kind is str:
        return prepared
    if kind is Text:
        return prepared.fill(variables)
    if kind is dict:
        return {key: fill(item, variables) for key, item in prepared.items()}
    if kind is list:
        return [fill(item, variables) for item in prepared]
    return prepared
