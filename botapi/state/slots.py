"""Slot types: what a conversation remembers. A domain's slot dict comes in, features of values for policies go out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botapi import yamlfile
from botapi.errors import ConfigError, DataError

OTHER_VALUE = "__other__"
NO_FEATURES: tuple[float, ...] = ()


class Slot:
    """The type of a named value, and how its values show to the policies; it holds no value, trackers do.

    Values stay raw: what an entity or event gave is kept, whatever the type; the type only matters to `features`.
    `mappings` is the domain's list of mapping dicts.
    """

    type_name = "text"
    options: tuple[str, ...] = ()
    __slots__ = ("name", "mappings", "initial_value", "influence_conversation")

    def __init__(
        self,
        name: str,
        mappings: list[dict[str, Any]] | None = None,
        initial_value: Any = None,
        influence_conversation: bool = True,
    ) -> None:
        self.name = name
        self.mappings = mappings or []
        self.initial_value = initial_value
        self.influence_conversation = influence_conversation

    def stored(self, value: Any) -> Any:
        """What is kept when a value is set."""
        return value

    def vector(self, value: Any) -> tuple[float, ...]:
        """A value's numbers for policies; empty when the slot does not influence the conversation."""
        return self._features(value) if self.influence_conversation else NO_FEATURES

    def features(self, value: Any) -> tuple[float, ...] | None:
        """A value's numbers for policies; None when it has nothing to say (not featurised, or all zero)."""
        vector = self.vector(value)
        return vector if any(vector) else None

    def _features(self, value: Any) -> tuple[float, ...]:
        return (0.0,) if value is None else (1.0,)

    def as_dict(self) -> dict[str, Any]:
        """The definition as it stands in a domain file."""
        found: dict[str, Any] = {
            "type": self.type_name,
            "initial_value": self.initial_value,
            "influence_conversation": self.influence_conversation,
            "mappings": self.mappings,
        }
        found.update((option, getattr(self, option)) for option in self.options)
        return found

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class TextSlot(Slot):
    """Any text; policies see whether it is set."""

    __slots__ = ()


class BooleanSlot(Slot):
    """Yes or no; policies see whether it is set and which; "true", "1" and 1.0 count as yes."""

    type_name = "bool"
    __slots__ = ()

    def _features(self, value: Any) -> tuple[float, ...]:
        truth = _truth(value)
        return (0.0, 0.0) if truth is None else (1.0, float(truth))


class FloatSlot(Slot):
    """A number; policies see whether it is one and where between `min_value` and `max_value` it lies (0 to 1)."""

    type_name = "float"
    options = ("max_value", "min_value")
    __slots__ = ("min_value", "max_value")

    def __init__(self, name: str, *, min_value: float = 0.0, max_value: float = 1.0, **options: Any) -> None:
        super().__init__(name, **options)
        self.min_value, self.max_value = min_value, max_value
        if not min_value < max_value:
            raise DataError(
                f"The float slot '{name}' has min_value {min_value} and max_value {max_value}: "
                "min_value has to be the smaller one."
            )

    def _features(self, value: Any) -> tuple[float, ...]:
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            return (0.0, 0.0)
        if number != number:
            return (0.0, 0.0)
        capped = max(self.min_value, min(self.max_value, number))
        return (1.0, (capped - self.min_value) / (self.max_value - self.min_value))


class ListSlot(Slot):
    """A list; a single value that is set becomes a list of one; policies see whether it holds anything."""

    type_name = "list"
    __slots__ = ()

    def stored(self, value: Any) -> Any:
        return [value] if value and not isinstance(value, list) else value

    def _features(self, value: Any) -> tuple[float, ...]:
        return (1.0,) if value else (0.0,)


class CategoricalSlot(Slot):
    """One of `values` (compared as lower-case text); policies see which, with one place more for every other value."""

    type_name = "categorical"
    options = ("values",)
    __slots__ = ("values",)

    def __init__(self, name: str, *, values: list[Any] | None = None, **options: Any) -> None:
        super().__init__(name, **options)
        self.values = [str(value).lower() for value in values or [] if value is not None]

    def _features(self, value: Any) -> tuple[float, ...]:
        places = [place for place in self.values if place != OTHER_VALUE]
        vector = [0.0] * (len(places) + 1)
        if value is not None:
            written = str(value).lower()
            vector[places.index(written) if written in places else -1] = 1.0
        return tuple(vector)


class AnySlot(Slot):
    """Whatever an action puts there; never seen by policies."""

    type_name = "any"
    __slots__ = ()

    def __init__(self, name: str, *, influence_conversation: bool = False, **options: Any) -> None:
        if influence_conversation:
            raise DataError(
                f"The slot '{name}' of type any has influence_conversation: true, but policies can't read such a slot. "
                "Set it to false, or choose another type."
            )
        super().__init__(name, influence_conversation=False, **options)


SLOT_TYPES: dict[str, type[Slot]] = {
    kind.type_name: kind for kind in (TextSlot, BooleanSlot, FloatSlot, ListSlot, CategoricalSlot, AnySlot)
}
COMMON_OPTIONS = ("initial_value", "influence_conversation", "mappings")


def from_dict(name: str, definition: Mapping[str, Any]) -> Slot:
    """The slot that a domain's `slots:` entry defines; DataError with file and line when it is wrong."""
    file, line = yamlfile.place(definition)
    kind = _kind(name, definition.get("type"), file, line)
    options = {key: value for key, value in definition.items() if key not in ("type", "value_reset_delay")}
    unknown = sorted(set(options) - {*COMMON_OPTIONS, *kind.options})
    if unknown:
        raise DataError(
            f"The slot '{name}' has the unknown key '{unknown[0]}'. A slot of type {kind.type_name} takes "
            f"type, {', '.join([*COMMON_OPTIONS, *kind.options])}.",
            file=file,
            line=yamlfile.line_of(definition, unknown[0]) or line,
        )
    _check_options(name, options, file, line)
    try:
        return kind(name, **yamlfile.plain(options))
    except DataError as error:
        raise DataError(str(error), file=file, line=line) from error


def _kind(name: str, type_name: Any, file: str | None, line: int | None) -> type[Slot]:
    if type_name is None:
        raise DataError(f"The slot '{name}' has no type. Give it one of {', '.join(SLOT_TYPES)}.", file=file, line=line)
    if isinstance(type_name, str) and type_name in SLOT_TYPES:
        return SLOT_TYPES[type_name]
    if isinstance(type_name, str) and "." in type_name:
        raise ConfigError(
            f"The slot '{name}' has the type '{type_name}', a class of your own, which is not supported. "
            f"Use one of {', '.join(SLOT_TYPES)}, and let an action compute what the policies should see."
        )
    raise DataError(
        f"The slot '{name}' has the unknown type '{type_name}'. Use one of {', '.join(SLOT_TYPES)}.",
        file=file,
        line=line,
    )


def _check_options(name: str, options: Mapping[str, Any], file: str | None, line: int | None) -> None:
    expected: dict[str, tuple[Any, str]] = {
        "influence_conversation": (bool, "true or false"),
        "mappings": (list, "a list of mappings"),
        "values": (list, "a list"),
        "min_value": ((int, float), "a number"),
        "max_value": ((int, float), "a number"),
    }
    for key, (kinds, wanted) in expected.items():
        value = options.get(key)
        wrong = not isinstance(value, kinds) or (wanted == "a number" and isinstance(value, bool))
        if key in options and wrong and not (value is None and key in ("values", "mappings")):
            raise DataError(f"The slot '{name}' has {key}: {value!r}; expected {wanted}.", file=file, line=line)


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return value == 1
    if isinstance(value, str):
        if value.isdecimal():
            return float(value) == 1
        return {"true": True, "false": False}.get(value.strip().lower())
    return None
