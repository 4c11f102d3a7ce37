"""Composition root: an agent and settings in, the whole server as one WSGI application out.

The only file that sees middleware, web, channels and agent together.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from botapi import yamlfile
from botapi.agent.agent import Agent
from botapi.agent.loader import load_agent, model_poller, services_of
from botapi.channels import load_channels
from botapi.channels.channel import Channel, Host
from botapi.channels.turns import Turns
from botapi.errors import ConfigError, ModelError
from botapi.jobs.callbacks import Callbacks
from botapi.jobs.local import read_runner
from botapi.model import Archive, find, open_model
from botapi.names import DEFAULT_SENDER_ID
from botapi.outbound import Outbound, check_rules, guard
from botapi.settings import Settings, from_environment, is_loopback, load_class, refuse_open_api
from botapi.stores import build
from botapi.telemetry import Gauge, count_request, request_id, trace_context
from botapi.web import routes
from botapi.web.api import Api, Endpoint
from botapi.web.bodies import limited
from botapi.web.errors import render
from botapi.web.guards import ensure_conversation_exists, ensure_loaded_agent, no_api, requires_auth
from botapi.web.limits import admit, limit_identities, limiters
from botapi.web.router import Route, Router
from middleware import stack
from middleware.body import BodyLimit
from middleware.cors import CORS
from middleware.errors import ErrorsToJSON
from middleware.idempotency import Answers, Idempotency
from middleware.jwt import JWTAuthenticator
from middleware.metrics import Metrics
from middleware.offload import Gate, Offload
from middleware.requestlog import RequestLog
from middleware.tracecontext import TraceContext
from middleware.wsgi import App, Environ, Layer, StartResponse

# Names that `middleware:` in endpoints.yml may use in place of a class.
LAYERS: Mapping[str, type] = {"body_limit": BodyLimit, "cors": CORS, "request_log": RequestLog}
# How long a server waits for its first model from another one before it answers without.
FIRST_PULL_S = 30.0
# What a server such as waitress answers at once unless told otherwise.
THREADS = 4


class Application:
    """The server: a WSGI application, and what its owner needs to look into it and to stop it."""

    def __init__(
        self, app: App, api: Api, channels: Sequence[Channel], turns: Turns, callbacks: Callbacks, gate: Gate
    ) -> None:
        self._app = app
        self.api = api
        self._channels = tuple(channels)
        self._turns = turns
        self._callbacks = callbacks
        self._gate = gate

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        # NOTE: as late as this, since a server may fork after it has made the application, and threads stay behind.
        self.api.poller.start()
        return self._app(environ, start_response)

    @property
    def table(self) -> tuple[Endpoint, ...]:
        """Every endpoint that is served."""
        return self.api.table

    def drain(self) -> None:
        """Say in `/readyz` that no more requests should come."""
        self.api.is_draining = True

    def is_busy(self) -> bool:
        """Whether turns run that no request waits for."""
        return self._turns.is_busy()

    def close(self, timeout_s: float = 10.0) -> None:
        """Finish what runs behind answered requests: callbacks, turns, queued messages.

        Trainings are cancelled. Callbacks get `timeout_s`, turns likewise. The agent, which its owner closes, fires no
        more reminders: their messages would find the channels closed.
        """
        self.drain()
        self.api.poller.close()
        self.api.jobs.close()
        self._callbacks.close(wait=self._gate.drain(timeout_s))
        self.api.agent.stop_reminding()
        self._turns.close(timeout_s)
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
    app = application(load_agent(settings, _first_archive(settings)), settings)
    app.api.poller.pull(FIRST_PULL_S)
    return app


def _first_archive(settings: Settings) -> Archive | None:
    """The model in the project's folder; None where it is given later, by the API, a model server, or is elsewhere."""
    if settings.remote_storage:
        return None
    try:
        return open_model(find(settings.model))
    except ModelError:
        # A server without any of these could never answer.
        if not (settings.enable_api or settings.has_model_server) or os.environ.get("BOTAPI_MODEL"):
            raise
        return None


def application(
    agent: Agent, settings: Settings, *, threads: int = THREADS, waiting_threads: int | None = None
) -> Application:
    """The server around an agent, as the settings say; `threads` is how many requests its host answers at once.

    `waiting_threads` are further threads for endpoints that wait; None where these share the others.
    """
    outbound = Outbound()
    host = Host(
        agent,
        outbound,
        has_auth=bool(settings.auth_token or settings.jwt_secret),
        waiting_threads=threads if waiting_threads is None else waiting_threads,
    )
    channels = load_channels(settings.credentials, host)
    for channel in channels:
        output = channel.output()
        if output is not None:
            agent.outputs[channel.name] = output
    agent.start_reminding()
    identity_limit, sender_limit = limiters(settings.section("rate_limit"))
    if sender_limit is not None:
        agent.admit = partial(admit, sender_limit)
    api, callbacks, gate = _api(agent, settings, threads, outbound)
    api.guard = requires_auth(api, settings.auth_token) if settings.enable_api else no_api
    api.erasers += [channel.forget for channel in channels]
    endpoints = [
        *routes.endpoints(enable_api=settings.enable_api, jwt=api.jwt is not None),
        *(endpoint for channel in channels for endpoint in channel.endpoints()),
    ]
    api.table = limited(endpoints, settings.section("body_limit"))
    table = _routes(api, settings.auth_token, limit_identities(identity_limit))
    router = Router(table, defaults={"conversation_id": DEFAULT_SENDER_ID})
    errors: Layer = partial(ErrorsToJSON, render=render)
    own = own_layers(settings.endpoints.get("middleware"))
    app = stack(
        router,
        partial(RequestLog, context=request_id.set),
        partial(TraceContext, context=trace_context.set),
        partial(Metrics, observe=count_request),
        partial(configure_cors, cors_origins=settings.cors_origins),
        *([errors, *own] if own else []),
        errors,
    )
    return Application(app, api, channels, host.turns, callbacks, gate)


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
            given = ", ".join(options)
            raise ConfigError(f"middleware: {path or name} does not take the options {given}: {error}.") from error
        return built

    return layer


def _api(agent: Agent, settings: Settings, threads: int, outbound: Outbound) -> tuple[Api, Callbacks, Gate]:
    allow, deny = check_rules(settings.section("outbound"))
    checked = partial(guard, allow=allow, deny=deny, loopback_ok=is_loopback(settings.interface))
    api = Api(
        agent,
        read_runner(settings.section("jobs")),
        waiting=Gate(max(1, threads - 2)),
        poller=model_poller(settings, agent, outbound),
        check_url=checked,
    )
    api.jwt = _jwt(settings)
    api.schemes = (*(("token", "bearer") if settings.auth_token else ()), *(("jwt",) if api.jwt else ()))
    api.response_timeout_s = settings.response_timeout_s
    folder = Path(settings.folder)
    api.models = folder / "models"
    model = Path("" if settings.remote_storage else settings.model)  # or it is a name there
    api.model_folders = (folder, model if model.is_dir() else model.parent)
    api.gauges.append(Gauge("botapi_jobs", "Trainings and tests that run or wait.", lambda: api.jobs.active))
    callbacks = Callbacks(outbound, checked, threads=api.jobs.places)
    gate = Gate(api.jobs.places)
    api.offload = partial(Offload, gate=gate, submit=callbacks.submit, post=callbacks.post, check=checked)
    return api, callbacks, gate


def _jwt(settings: Settings) -> JWTAuthenticator | None:
    if not settings.jwt_secret or not settings.jwt_method:
        return None
    try:
        return JWTAuthenticator(settings.jwt_secret, algorithm=settings.jwt_method)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _routes(api: Api, token: str | None, limited: Layer) -> list[Route]:
    """The table with what stands before each handler: who may, how often (`limited`), with how long a body, to what."""
    guarded, by_sender = requires_auth(api, token), requires_auth(api, token, by_sender=True)
    answers = Answers()
    api.erasers.append(answers.forget)
    found = []
    for endpoint in api.table:
        handler = endpoint.handler
        if endpoint.needs == "conversation":
            handler = ensure_conversation_exists()(handler)
        if endpoint.needs:
            handler = ensure_loaded_agent(api, require_core_is_ready=endpoint.needs == "core")(handler)
        app: App = api.application(handler)
        if endpoint.method == "POST":
            app = Idempotency(app, answers=answers)
        if endpoint.method in ("POST", "PUT"):
            app = BodyLimit(app, limit_bytes=endpoint.limit_bytes)
        guard_of = by_sender if endpoint.by_sender else guarded
        found.append(Route(endpoint.method, endpoint.path, app if endpoint.public else guard_of(limited(app))))
    return found


def _agent_in_memory(settings: Settings) -> Agent:
    return Agent(
        tracker_store=build.tracker_store(settings.section("tracker_store"), settings.folder),
        lock_store=build.lock_store(settings.section("lock_store")),
        services=services_of(settings),
    )


def _origins(cors_origins: str | Sequence[str] | None) -> tuple[str, ...]:
    return (cors_origins,) if isinstance(cors_origins, str) else tuple(cors_origins or ())
