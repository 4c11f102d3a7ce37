"""Tables of a model as JSON: Python values in and bytes out, and back with every type checked (ModelError)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast, get_args, get_origin

from botapi.errors import ModelError

T = TypeVar("T")

ADVICE = "the model is damaged or not ours; train it again"


def write_table(value: Any) -> bytes:
    """The value as JSON; equal values give equal bytes."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def read_table(members: Mapping[str, bytes], name: str, shape: type[T]) -> T:
    """The member of that name, which must have the given shape, such as `dict[str, list[float]]`.

    Raises ModelError when it is missing, is no JSON, or anything in it has another type.
    """
    value = read_json(members, name)
    if not has_shape(value, shape):
        raise ModelError(f"Member {name!r} of the model has unexpected contents; {ADVICE}")
    return cast(T, value)


def read_json(members: Mapping[str, bytes], name: str) -> Any:
    """The JSON value of the member of that name (ModelError)."""
    try:
        return json.loads(members[name], parse_constant=_refuse)
    except KeyError as error:
        raise ModelError(f"The model lacks the member {name!r}; {ADVICE}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"Member {name!r} of the model is no JSON: {error}; {ADVICE}") from error


def has_shape(value: Any, shape: Any) -> bool:
    """Whether a JSON value has the type `shape`: str, int, float (also an int), bool, Any, list[…] or dict[str, …]."""
    if shape is Any:
        return True
    if shape in _KINDS:
        return type(value) in _KINDS[shape]
    arguments = get_args(shape)
    if get_origin(shape) is list:
        return isinstance(value, list) and _all_have(value, arguments[0])
    return isinstance(value, dict) and _all_have(value.values(), arguments[1])


# The types that json.loads makes of each.
_KINDS: dict[Any, set[type]] = {str: {str}, int: {int}, float: {int, float}, bool: {bool}}


def _all_have(values: Iterable[Any], shape: Any) -> bool:
    # PERF: lists of words are long, and this takes no step of Python for each.
    if shape in _KINDS:
        return set(map(type, values)) <= _KINDS[shape]
    return all(has_shape(item, shape) for item in values)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON number")
