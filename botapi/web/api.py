"""What handlers share, and how a handler becomes a WSGI application: agent and settings in; applications out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from botapi.agent.agent import Agent
from botapi.agent.poller import ModelPoller
from botapi.jobs.local import LocalRunner
from botapi.outbound import Endpoint as Server
from botapi.telemetry import Gauge
from botapi.web.request import Request
from middleware.auth import Authenticator
from middleware.idempotency import SUBJECT
from middleware.offload import Gate

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# What handlers return: a Response, or anything else that is a WSGI application.
Handler = Callable[..., "WSGIApplication"]

# Unless `body_limit` of endpoints.yml says otherwise.
BODY_BYTES = 1 << 20
TRAINING_BYTES = 100 << 20


class Endpoint(NamedTuple):
    """One line of the API's table: `handler(api, request, **path parameters)` answers `method path`.

    `public` endpoints are answered to anybody; `needs` is what must be there first: "agent" (a loaded model),
    "core" (a model that can predict actions) or "conversation" (a known conversation id), else 409 or 404.
    Bodies over `limit_bytes` get 413. Where it is not public, `by_sender` lets in the role `user` too, and the handler
    holds him to his own name. What `waits` is answered when there is news, so the server gives it threads of its own.
    """

    method: str
    path: str
    handler: Handler
    needs: str = ""
    public: bool = False
    limit_bytes: int = BODY_BYTES
    by_sender: bool = False
    waits: bool = False


@dataclass
class Api:
    """What every handler gets.

    `agent` keeps its model for the length of each of its own calls. `models` is where trained ones go; a path in
    `PUT /model` must lie in one of `model_folders`. `jobs` does heavy work, `waiting` has places for who waits for it,
    `offload` is the layer around it that posts answers to callbacks. `poller` brings new models of a model server,
    `check_url` guards URLs that callers name. `is_draining` is set while the server shuts down.
    `table` is every endpoint of the server, `schemes` how callers of those that are not public may say who they are:
    "token" (in the query), "bearer" (the same in a header), "jwt", or not at all. `gauges` are what `/metrics` tells
    beside what the whole process counts; each of `erasers` forgets what it holds of a conversation beside the agent.
    `guard` is the layer before what the API alone may tell.
    """

    agent: Agent
    jobs: LocalRunner
    waiting: Gate
    poller: ModelPoller
    check_url: Callable[[str], Server]
    jwt: Authenticator | None = None
    offload: Callable[[WSGIApplication], WSGIApplication] = lambda application: application
    response_timeout_s: float = 3600.0
    models: Path = Path("models")
    model_folders: tuple[Path, ...] = ()
    is_draining: bool = False
    gauges: list[Gauge] = field(default_factory=list)
    guard: Callable[[WSGIApplication], WSGIApplication] = lambda application: application
    erasers: list[Callable[[str], object]] = field(default_factory=list)
    table: tuple[Endpoint, ...] = ()
    schemes: tuple[str, ...] = ()

    def application(self, handler: Handler) -> WSGIApplication:
        """The handler as a WSGI application; path parameters are those of `wsgiorg.routing_args`."""

        def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            params: dict[str, Any] = environ["wsgiorg.routing_args"][1]
            if "conversation_id" in params:
                environ[SUBJECT] = params["conversation_id"]
            return handler(self, Request(environ), **params)(environ, start_response)

        return application
