"""What a part of the pipeline is: made from data or from bytes, it adds to messages; a Protocol and options only."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from botapi.data.examples import TrainingData
from botapi.errors import ConfigError
from botapi.nlu.featurizers import Shape
from botapi.nlu.learning import Course
from botapi.nlu.linear import LinearModel
from botapi.nlu.message import Message
from botapi.progress import Progress, untold

# The default of a number that training finds.
FOUND_IN_TRAINING = math.nan
# Texts in, a numpy array with a row for each out; it tells how far it is by numbers from 0 to 1.
Encode = Callable[[Sequence[str], Progress], Any]


@dataclass(frozen=True)
class Training:
    """What a training needs besides data: the language code, the seed, and whom to tell how it goes.

    `intents_known`: earlier parts of the pipeline give messages their intent. `shape`: the features of linear models.
    `earlier`: what the same part of an earlier model saved, to go on from, for `epoch_fraction` of the epochs.
    `progress` is told a number from 0 to 1. `encode` gives the vectors of texts, where the pipeline has an encoder.
    """

    language: str = "en"
    seed: int = 42
    intents_known: bool = False
    shape: Shape = Shape()
    earlier: Mapping[str, bytes] = field(default_factory=dict)
    epoch_fraction: float = 1.0
    report: Callable[[str], None] = lambda line: None
    progress: Progress = untold
    encode: Encode | None = None

    def course(self, earlier: LinearModel | None) -> Course:
        """How a linear model is to learn."""
        return Course(self.seed, self.shape, earlier, self.epoch_fraction, progress=self.progress)


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
    if isinstance(default, tuple):
        return isinstance(value, str) or isinstance(value, list) and all(isinstance(item, str) for item in value)
    if isinstance(default, Mapping):
        values = value.values() if isinstance(value, Mapping) else [value]
        return all(isinstance(item, bool) for item in values)
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, (int, float)):
        return isinstance(value, (int, type(default))) and 0 <= value < math.inf
    return isinstance(value, type(default))


def _expected(default: Any) -> str:
    if default is FOUND_IN_TRAINING:
        return "a number from 0; by default training finds one"
    if isinstance(default, bool):
        return "true or false"
    kinds = {
        int: "a whole number from 0",
        float: "a number from 0",
        list: "a list",
        tuple: "a list of texts, or the name of one",
        dict: "true, false or one for each name",
    }
    return f"{kinds.get(type(default), 'text')}; the default is {default!r}"
