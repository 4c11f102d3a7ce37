"""Composition root: an agent and settings in, the whole server as one WSGI application out.

The only file that sees middleware, web, channels and agent together.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from botapi import yamlfile
from botapi.agent.agent import Agent
from botapi.agent.loader import load_agent, services_of
from botapi.channels import load_channels
from botapi.channels.channel import Channel
from botapi.errors import ConfigError, ModelError
from botapi.jobs.local import LocalRunner
from botapi.model import find, open_model
from botapi.names import DEFAULT_SENDER_ID
from botapi.outbound import Outbound, check_rules, guard
from botapi.settings import Settings, from_environment, is_loopback, load_class, refuse_open_api
from botapi.stores import build
from botapi.telemetry import request_id
from botapi.web import routes
from botapi.web.api import Api, Endpoint
from botapi.web.errors import render
from botapi.web.guards import ensure_conversation_exists, ensure_loaded_agent, requires_auth
from botapi.web.router import Route, Router
from middleware import stack
from middleware.body import BodyLimit
from middleware.cors import CORS
from middleware.errors import ErrorsToJSON
from middleware.jwt import JWTAuthenticator
from middleware.offload import Gate, Offload
from middleware.requestlog import RequestLog
from middleware.wsgi import App, Environ, Headers, Layer, StartResponse

# Names that `middleware:` in endpoints.yml may use in place of a class.
LAYERS: Mapping[str, type] = {"body_limit": BodyLimit, "cors": CORS, "request_log": RequestLog}
# What a server such as waitress answers at once unless told otherwise.
THREADS = 4
CALLBACK_TIMEOUT_S = 60.0
CALLBACK_RETRIES = 3
_POSTED_HEADERS = ("content-type", "content-disposition", "filename")


class Application:
    """The server: a WSGI application, and what its owner needs to look into it and to stop it."""

    def __init__(self, app: App, api: Api, table: Sequence[Endpoint], channels: Sequence[Channel], gate: Gate) -> None:
        self._app = app
        self.api = api
        self.table = tuple(table)
        self._channels = tuple(channels)
        self._gate = gate

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return self._app(environ, start_response)

    def drain(self) -> None:
        """Say in `/readyz` that no more requests should come."""
        self.api.is_draining = True

    def close(self, timeout_s: float = 10.0) -> None:
        """Finish what runs behind answered requests: callbacks, streamed turns, queued messages.

        Trainings are cancelled. Callbacks get `timeout_s`. The agent, which its owner closes, fires no more reminders:
        their messages would find the channels closed.
        """
        self.drain()
        self.api.jobs.close()
        self.api.pool.shutdown(wait=self._gate.drain(timeout_s))
        self.api.agent.stop_reminding()
        for channel in self._channels:
            channel.close()


def create_app(
    agent: Agent | None = None,
    cors_origins: str | Sequence[str] | None = "*",
    auth_token: str | None = None,
    response_timeout: float = 3600,
    jwt_secret: str | None = None,
    jwt_method: str = "HS256",
    endpoints: Mapping[str, Any] | str | Path | None = None,
) -> Application:
    """The server with its whole API and the REST channel around an agent.

    Without `agent` it has no model until `PUT /model` loads one, and keeps conversations in memory unless `endpoints`
    says otherwise. `endpoints` is endpoints.yml, as a path or parsed. `response_timeout` is in seconds.
    """
    sections = (
        yamlfile.load_file(endpoints, environment=os.environ) if isinstance(endpoints, (str, Path)) else endpoints
    )
    settings = Settings(
        endpoints=sections or {},
        enable_api=True,
        interface="",  # whoever embeds the application binds it
        auth_token=auth_token,
        jwt_secret=jwt_secret,
        jwt_method=jwt_method,
        cors_origins=_origins(cors_origins),
        response_timeout_s=response_timeout,
    )
    return application(agent or _agent_in_memory(settings), settings)


def make_app() -> Application:
    """The server that BOTAPI_ variables describe, for `waitress-serve --call botapi.wsgi:make_app`."""
    settings = from_environment(os.environ)
    refuse_open_api(settings, interface=None)
    try:
        archive = open_model(find(settings.model))
    except ModelError:
        # A server with the API can be given its model later; one without could never answer.
        if not settings.enable_api or os.environ.get("BOTAPI_MODEL"):
            raise
        archive = None
    return application(load_agent(settings, archive), settings)


def application(agent: Agent, settings: Settings, *, threads: int = THREADS) -> Application:
    """The server around an agent, as the settings say; `threads` is how many requests its host answers at once."""
    outbound = Outbound()
    channels = load_channels(settings.credentials, outbound)
    for channel in channels:
        output = channel.output()
        if output is not None:
            agent.outputs[channel.name] = output
    agent.start_reminding()
    places = max(1, threads - 2)
    gate = Gate(places)
    # NOTE: a request with a callback takes two threads of the pool, so this many can never wait for each other.
    pool = ThreadPoolExecutor(2 * places, thread_name_prefix="heavy")
    api = _api(agent, settings, pool, gate, outbound)
    table = [
        *routes.endpoints(enable_api=settings.enable_api, jwt=api.jwt is not None),
        *(endpoint for channel in channels for endpoint in channel.endpoints()),
    ]
    router = Router(_routes(api, table, settings.auth_token), defaults={"conversation_id": DEFAULT_SENDER_ID})
    errors: Layer = partial(ErrorsToJSON, render=render)
    own = own_layers(settings.endpoints.get("middleware"))
    app = stack(
        router,
        partial(RequestLog, context=request_id.set),
        partial(configure_cors, cors_origins=settings.cors_origins),
        *([errors, *own] if own else []),
        errors,
    )
    return Application(app, api, table, channels, gate)


def configure_cors(app: App, cors_origins: str | Sequence[str] | None = "") -> App:
    """The application, with answers to other sites as `cors_origins` allows: none, `*`, or a list of origins."""
    try:
        return CORS(app, origins=_origins(cors_origins))
    except ValueError as error:
        raise ConfigError(f"CORS: {error}") from error


def own_layers(section: Any) -> list[Layer]:
    """The layers of `middleware:` in endpoints.yml, outermost first: a list of {name | class, options}.

    They stand inside CORS and outside of authentication, which they can't remove. Raises ConfigError.
    """
    if not section:
        return []
    if not isinstance(section, list):
        raise ConfigError(f"middleware: found {section!r} in endpoints.yml, expected a list of {{name, options}}.")
    return [_own_layer(entry) for entry in section]


def _own_layer(entry: Any) -> Layer:
    given = dict(entry) if isinstance(entry, Mapping) else {"name": entry}
    name, path, options = given.pop("name", None), given.pop("class", None), given.pop("options", None) or {}
    if given or not isinstance(options, Mapping) or (name is None) == (path is None):
        raise ConfigError(f"middleware: {entry!r} is no layer; expected 'name' or 'class', and 'options' as keys.")
    if path is not None:
        cls = load_class(str(path), "middleware")
    elif name in LAYERS:
        cls = LAYERS[name]
    else:
        raise ConfigError(f"middleware: {name!r} is not known; expected one of {', '.join(LAYERS)}, or a 'class'.")

    def layer(app: App) -> App:
        try:
            built: App = cls(app, **options)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"middleware: {path or name} does not take the options {options}: {error}.") from error
        return built

    return layer


def _api(agent: Agent, settings: Settings, pool: ThreadPoolExecutor, gate: Gate, outbound: Outbound) -> Api:
    api = Api(agent, pool, _jobs(settings.section("jobs")))
    api.jwt = _jwt(settings)
    api.response_timeout_s = settings.response_timeout_s
    folder = Path(settings.folder)
    api.models = folder / "models"
    model = Path(settings.model)
    api.model_folders = (folder, model if model.is_dir() else model.parent)
    allow, deny = check_rules(settings.section("outbound"))
    checked = partial(guard, allow=allow, deny=deny, loopback_ok=is_loopback(settings.interface))

    def post(url: str, status: int, headers: Headers, body: bytes) -> None:
        kept = {name: value for name, value in headers if name.lower() in _POSTED_HEADERS}
        outbound.request(
            "POST", checked(url), data=body, headers=kept, timeout_s=CALLBACK_TIMEOUT_S, retries=CALLBACK_RETRIES
        )

    api.offload = partial(Offload, gate=gate, submit=pool.submit, post=post, check=checked)
    return api


def _jobs(section: Mapping[str, Any] | None) -> LocalRunner:
    options = dict(section or {})
    kind = options.pop("type", "local")
    if kind != "local" or not set(options) <= {"workers", "queue"}:
        raise ConfigError(f"jobs: found {section!r}, expected 'type: local' with 'workers' and 'queue'.")
    for name, least in (("workers", 1), ("queue", 0)):
        value = options.get(name, least)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ConfigError(f"jobs: {name} is {value!r}, expected a whole number from {least}.")
    return LocalRunner(**options)


def _jwt(settings: Settings) -> JWTAuthenticator | None:
    if not settings.jwt_secret or not settings.jwt_method:
        return None
    try:
        return JWTAuthenticator(settings.jwt_secret, algorithm=settings.jwt_method)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _routes(api: Api, table: Iterable[Endpoint], token: str | None) -> list[Route]:
    """The table with what stands before each handler: who may, how long its body may be, what must be there."""
    guarded = requires_auth(api, token)
    found = []
    for endpoint in table:
        handler = endpoint.handler
        if endpoint.needs == "conversation":
            handler = ensure_conversation_exists()(handler)
        if endpoint.needs:
            handler = ensure_loaded_agent(api, require_core_is_ready=endpoint.needs == "core")(handler)
        app: App = api.application(handler)
        if endpoint.method in ("POST", "PUT"):
            app = BodyLimit(app, limit_bytes=endpoint.limit_bytes)
        found.append(Route(endpoint.method, endpoint.path, app if endpoint.public else guarded(app)))
    return found


def _agent_in_memory(settings: Settings) -> Agent:
    return Agent(
        tracker_store=build.tracker_store(settings.section("tracker_store"), settings.folder),
        lock_store=build.lock_store(settings.section("lock_store")),
        services=services_of(settings),
    )


def _origins(cors_origins: str | Sequence[str] | None) -> tuple[str, ...]:
    return (cors_origins,) if isinstance(cors_origins, str) else tuple(cors_origins or ())
