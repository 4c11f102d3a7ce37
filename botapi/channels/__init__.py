"""Ways for users to reach the bot: credentials.yml in, channels by name out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from botapi.channels.callback import CallbackChannel
from botapi.channels.channel import Channel
from botapi.channels.rest import RestChannel
from botapi.errors import ConfigError
from botapi.outbound import Outbound
from botapi.settings import load_class

logger = logging.getLogger(__name__)

Credentials = Mapping[str, Any]
# (name, its section of credentials.yml, connections) -> channel
Build = Callable[[str, Credentials, Outbound], Channel]


def _rest(name: str, credentials: Credentials, outbound: Outbound) -> Channel:
    return RestChannel(name)


CHANNELS: Mapping[str, Build] = {"rest": _rest, "callback": CallbackChannel}

# Sections that files made for Rasa hold and that need nothing here: why.
NOT_NEEDED = {
    "rasa": "it connects to a product that this server does not talk to",
    "cmdline": "`botapi shell` talks to the bot without it",
}


def load_channels(credentials: Mapping[str, Any], outbound: Outbound) -> list[Channel]:
    """The channels of credentials.yml in its order; the REST channel alone where there are none.

    A key is a name of CHANNELS, or the dotted path of a class that takes its section as keyword arguments.
    ConfigError for unknown names and for what they refuse.
    """
    found = []
    for name, section in (credentials or {"rest": None}).items():
        if section is not None and not isinstance(section, Mapping):
            raise ConfigError(f"credentials: {name} is {section!r}; expected keys such as 'url: …', or nothing.")
        if name in NOT_NEEDED:
            logger.info("credentials: %s is left out: %s.", name, NOT_NEEDED[name])
        elif name in CHANNELS:
            found.append(CHANNELS[name](name, section or {}, outbound))
        elif "." in str(name):
            found.append(_custom(str(name), section or {}))
        else:
            known = ", ".join(sorted(CHANNELS))
            raise ConfigError(
                f"credentials: the channel {name!r} is not supported; expected {known}, or the dotted path of a class."
            )
    return found


def _custom(path: str, section: Mapping[str, Any]) -> Channel:
    """A channel of the project's own; SECURITY: the path comes from a local file."""
    cls = load_class(path, "credentials")
    try:
        channel: Channel = cls(**{str(key): value for key, value in section.items()})
    except TypeError as error:
        raise ConfigError(f"credentials: {path} does not take the options {sorted(section)}: {error}.") from error
    missing = [part for part in ("name", "endpoints", "output", "close") if not hasattr(channel, part)]
    if missing:
        raise ConfigError(f"credentials: {path} is no channel: it has no {', '.join(missing)}.")
    return channel
