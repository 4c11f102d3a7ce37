"""What the server is told: endpoints.yml, credentials.yml, environment and flags in, one frozen Settings out."""

from __future__ import annotations

import importlib
import ipaddress
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botapi import yamlfile
from botapi.errors import ConfigError

logger = logging.getLogger(__name__)

ENDPOINTS_FILE = "endpoints.yml"
CREDENTIALS_FILE = "credentials.yml"
# Keys of endpoints.yml; others get a warning.
ENDPOINT_KEYS = (
    "action_endpoint",
    "body_limit",
    "event_broker",
    "jobs",
    "lock_store",
    "middleware",
    "model",
    "models",
    "nlg",
    "nlu",
    "outbound",
    "rate_limit",
    "tracker_store",
)


@dataclass(frozen=True)
class Settings:
    """Everything configurable, read once at the start; the fields are the flags of `botapi run`.

    `endpoints` and `credentials` are the parsed files, {} where there is none. `folder` is the project's: relative
    file names of the configuration start there. `interface` is "" where nobody knows it, as in `make_app`. With
    `remote_storage` (aws), `model` is the name of an archive in its bucket.
    """

    model: str = "models"
    endpoints: Mapping[str, Any] = field(default_factory=dict)
    credentials: Mapping[str, Any] = field(default_factory=dict)
    folder: str = "."
    enable_api: bool = False
    auth_token: str | None = None
    jwt_secret: str | None = None
    jwt_method: str = "HS256"
    jwt_private_key: str | None = None
    cors_origins: tuple[str, ...] = ()
    response_timeout_s: float = 3600
    request_timeout_s: float = 300
    interface: str = "127.0.0.1"
    port: int = 5005
    allow_unauthenticated: bool = False
    log_file: str | None = None
    remote_storage: str | None = None

    @property
    def has_model_server(self) -> bool:
        """Whether models come from a server: `models` in endpoints.yml, which older documentation calls `model`."""
        return bool(self.endpoints.get("models") or self.endpoints.get("model"))

    def section(self, name: str) -> dict[str, Any] | None:
        """A section of endpoints.yml; None where missing or empty. Raises ConfigError unless it holds keys."""
        value = self.endpoints.get(name)
        if not value:
            return None
        if not isinstance(value, dict):
            raise ConfigError(f"{name}: found {value!r} in {ENDPOINTS_FILE}, expected keys such as 'url: …'.")
        return value


def read_settings(
    *,
    endpoints: str | None = None,
    credentials: str | None = None,
    environ: Mapping[str, str],
    **values: Any,
) -> Settings:
    """Settings from two YAML files and `values`, fields of Settings.

    `endpoints` and `credentials` are file names; for None the usual name is read if there is such a file.
    `${NAME}` inside the files stands for `environ["NAME"]`. Raises ConfigError or DataError.
    """
    sections = _read(endpoints, ENDPOINTS_FILE, environ)
    for key in sections:
        if key not in ENDPOINT_KEYS:
            known = ", ".join(ENDPOINT_KEYS)
            logger.warning("%s: unknown key %r is ignored; known are %s.", endpoints or ENDPOINTS_FILE, key, known)
    return Settings(endpoints=sections, credentials=_read(credentials, CREDENTIALS_FILE, environ), **values)


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Settings of `make_app`, from BOTAPI_ variables; an empty one counts as unset. Raises ConfigError."""
    given = {name: value for name, value in environ.items() if value}
    origins = given.get("BOTAPI_CORS", "").replace(",", " ").split()
    return read_settings(
        endpoints=given.get("BOTAPI_ENDPOINTS"),
        credentials=given.get("BOTAPI_CREDENTIALS"),
        environ=environ,
        model=given.get("BOTAPI_MODEL", "models"),
        enable_api=_switch(given, "BOTAPI_ENABLE_API"),
        auth_token=given.get("BOTAPI_AUTH_TOKEN"),
        jwt_secret=given.get("BOTAPI_JWT_SECRET"),
        jwt_method=given.get("BOTAPI_JWT_METHOD", "HS256"),
        cors_origins=tuple(origins),
        response_timeout_s=_seconds(given, "BOTAPI_RESPONSE_TIMEOUT", 3600),
        interface="",
        allow_unauthenticated=_switch(given, "BOTAPI_ALLOW_UNAUTHENTICATED"),
        remote_storage=given.get("BOTAPI_REMOTE_STORAGE"),
    )


def refuse_open_api(settings: Settings, *, interface: str | None) -> None:
    """Raise ConfigError where anybody on the network could use the API.

    `interface` is the address that will be bound; None where it can't be known, as in `make_app`.
    """
    guarded = settings.auth_token or settings.jwt_secret
    if not settings.enable_api or guarded or settings.allow_unauthenticated:
        return
    if interface is None:
        raise ConfigError(
            "BOTAPI_ENABLE_API=1 without authentication: anybody who reaches the server could read conversations and "
            "replace the model. Set BOTAPI_AUTH_TOKEN or BOTAPI_JWT_SECRET, or BOTAPI_ALLOW_UNAUTHENTICATED=1 "
            "(the flag --allow-unauthenticated of `botapi run`) if something else guards it."
        )
    if not is_loopback(interface):
        raise ConfigError(
            f"--enable-api on {interface} without authentication: anybody who reaches it could read conversations and "
            f"replace the model. Add --auth-token or --jwt-secret, bind --interface 127.0.0.1, "
            f"or pass --allow-unauthenticated if something else guards it."
        )


def is_loopback(interface: str) -> bool:
    """Whether only this machine reaches what is bound to `interface`, an IP address or 'localhost'."""
    if interface == "localhost":
        return True
    try:
        return ipaddress.ip_address(interface.strip("[]")).is_loopback
    except ValueError:  # a name could stand for any address
        return False


def load_class(path: str, part: str) -> Any:
    """The object behind a dotted path `module.Class` of a local configuration file; `part` names its key in errors.

    SECURITY: never call this with text from a request, a model archive or posted training data.
    """
    module_name, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module_name), name)
    except Exception as error:  # a module is somebody else's code
        raise ConfigError(
            f"{part}: {path!r} can't be imported ({error}); expected 'module.Class' of an installed module."
        ) from error


def _read(path: str | None, default: str, environ: Mapping[str, str]) -> dict[str, Any]:
    if path is None and not Path(default).is_file():
        return {}
    name = path or default
    if not Path(name).is_file():
        raise ConfigError(f"The file {name!r} is missing; write it, or leave the option out.")
    content = yamlfile.load_file(name, environment=environ)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{name} holds a {type(content).__name__}, expected keys with values at the top.")
    return content


def _switch(given: Mapping[str, str], name: str) -> bool:
    text = given.get(name, "0").lower()
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off"):
        return False
    raise ConfigError(f"{name}={given[name]!r}: expected 1 or 0.")


def _seconds(given: Mapping[str, str], name: str, default: float) -> float:
    try:
        value = float(given.get(name, default))
    except ValueError as error:
        raise ConfigError(f"{name}={given[name]!r}: expected a number of seconds.") from error
    if not 0 < value < float("inf"):
        raise ConfigError(f"{name}={given[name]!r}: expected a number of seconds above 0.")
    return value
