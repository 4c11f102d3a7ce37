"""Options of policies: a policy's dict of config.yml in, checked values with defaults out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botapi.errors import ConfigError, ModelError

# Keys that say how Rasa computes, not what the policy does.
IGNORED = frozenset({"name", "enable_feature_string_compression", "featurizer", "state_featurizer", "run_eagerly"})


def read_options(policy: str, config: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Defaults overridden by what the configuration says.

    Raises ConfigError for a value of another type than the default's (None stands for a whole number) and for
    unknown keys.
    """
    options = dict(defaults)
    for key, value in config.items():
        if key in IGNORED:
            continue
        if key not in defaults:
            raise ConfigError(f"{policy} has no option '{key}'. Its options are {', '.join(sorted(defaults))}.")
        _check(policy, key, value, defaults[key])
        options[key] = value
    return options


def _check(policy: str, key: str, value: Any, default: Any) -> None:
    if isinstance(default, bool):
        fits, wanted = isinstance(value, bool), "true or false"
    elif isinstance(default, str):
        fits, wanted = isinstance(value, str), "text"
    elif isinstance(default, float):
        fits, wanted = isinstance(value, (int, float)) and not isinstance(value, bool), "a number"
    else:
        fits = value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)
        wanted = "a whole number from 0"
    if not fits:
        raise ConfigError(f"{policy} has {key}: {value!r}; expected {wanted}.")


def dump_json(value: Any) -> bytes:
    """JSON that is the same, byte for byte, for the same value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def load_json(policy: str, files: Mapping[str, bytes], name: str) -> Any:
    """A file of a saved policy; ModelError when it is missing or is no JSON."""
    try:
        return json.loads(files[name])
    except KeyError:
        raise damaged(policy, f"the file {name} is missing") from None
    except (ValueError, RecursionError) as error:
        raise damaged(policy, f"the file {name} is no JSON") from error


def damaged(policy: str, what: str) -> ModelError:
    return ModelError(f"The saved {policy} can't be read: {what}. Train the model again.")
