"""What a part of the pipeline is: made from data or from bytes, it adds to messages; a Protocol and options only."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from botapi.data.examples import TrainingData
from botapi.errors import ConfigError
from botapi.nlu.message import Message


@dataclass(frozen=True)
class Training:
    """What a training needs besides data: the language code, the seed, and whom to tell how it goes."""

    language: str = "en"
    seed: int = 42
    report: Callable[[str], None] = lambda line: None


class Component(Protocol):
    """One part of the pipeline, ready for use; there is no untrained state.

    `OPTIONS` holds every option with its default. `save` gives file names and bytes, `load` takes the same back and
    raises ModelError for anything that `save` could not have written.
    """

    OPTIONS: Mapping[str, Any]

    @classmethod
    def train(cls, options: Mapping[str, Any], data: TrainingData, training: Training) -> Component: ...

    @classmethod
    def load(cls, options: Mapping[str, Any], members: Mapping[str, bytes]) -> Component: ...

    def save(self) -> dict[str, bytes]: ...

    def process(self, message: Message) -> None: ...


def read_options(name: str, defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults, replaced by what is given under the same name; ConfigError when a value has another type."""
    options = dict(defaults)
    for key in options.keys() & given.keys():
        value, default = given[key], defaults[key]
        if value is not None and not _fits(value, default):
            raise ConfigError(f"Option {key!r} of {name} is {value!r}; expected {_expected(default)}")
        options[key] = default if value is None else value
    return options


def _fits(value: Any, default: Any) -> bool:
    if default is None:
        return isinstance(value, str)
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, (int, float)):
        return isinstance(value, (int, type(default))) and 0 <= value < math.inf
    return isinstance(value, type(default))


def _expected(default: Any) -> str:
    if isinstance(default, bool):
        return "true or false"
    kinds = {int: "a whole number from 0", float: "a number from 0"}
    return f"{kinds.get(type(default), 'text')}; the default is {default!r}"
