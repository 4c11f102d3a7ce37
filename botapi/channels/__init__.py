"""Ways for users to reach the bot: credentials.yml in, channels by name out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from botapi.channels.callback import CallbackChannel
from botapi.channels.channel import Channel, Credentials, Host
from botapi.channels.rest import RestChannel
from botapi.channels.socketio import SocketIOChannel
from botapi.errors import ConfigError
from botapi.settings import load_class

logger = logging.getLogger(__name__)

# Sections that files made for Rasa hold and that need nothing here: why.
NOT_NEEDED = {"rasa": "it connects to a product that this server does not talk to"}

# (name, its section of credentials.yml, what the server lends) -> channel
Build = Callable[[str, Credentials, Host], Channel]

CHANNELS: Mapping[str, Build] = {
    "rest": RestChannel,
    "cmdline": RestChannel,
    "callback": CallbackChannel,
    "socketio": SocketIOChannel,
}


def load_channels(credentials: Credentials, host: Host) -> list[Channel]:
    """The channels of credentials.yml in its order; the REST channel alone where there are none.

    A key is a name of CHANNELS, or the dotted path of a class that takes its section as keyword arguments.
    ConfigError for unknown names, for what channels refuse, and for two channels of one name.
    """
    found: list[Channel] = []
    for key, section in (credentials or {"rest": None}).items():
        if section is not None and not isinstance(section, Mapping):
            raise ConfigError(f"credentials: {key} is {section!r}; expected keys such as 'url: …', or nothing.")
        if key in NOT_NEEDED:
            logger.info("credentials: %s is left out: %s.", key, NOT_NEEDED[key])
            continue
        channel = _channel(str(key), section or {}, host)
        if any(channel.name == other.name for other in found):
            raise ConfigError(f"credentials: two channels are named {channel.name!r}; give {key} another name.")
        found.append(channel)
    return found


def _channel(key: str, section: Credentials, host: Host) -> Channel:
    if key in CHANNELS:
        return CHANNELS[key](key, section, host)
    if "." in key:
        return _custom(key, section)
    known = ", ".join(sorted(CHANNELS))
    raise ConfigError(
        f"credentials: the channel {key!r} is not supported; expected {known}, or the dotted path of a class."
    )


def _custom(path: str, section: Credentials) -> Channel:
    """A channel of the project's own; SECURITY: the path comes from a local file."""
    cls = load_class(path, "credentials")
    if hasattr(cls, "blueprint"):
        raise ConfigError(
            f"credentials: {path} has a blueprint, as channels for Sanic do; here a channel has endpoints: "
            "docs/channels.md shows how one becomes the other."
        )
    try:
        channel: Channel = cls(**{str(key): value for key, value in section.items()})
    except TypeError as error:
        raise ConfigError(f"credentials: {path} does not take the options {sorted(section)}: {error}.") from error
    missing = [part for part in ("name", "endpoints", "output", "forget", "close") if not hasattr(channel, part)]
    if missing:
        raise ConfigError(f"credentials: {path} is no channel: it has no {', '.join(missing)}.")
    return channel
