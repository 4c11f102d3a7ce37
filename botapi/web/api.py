"""What handlers share, and how a handler becomes a WSGI application: agent and settings in; applications out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from botapi.agent.agent import Agent
from botapi.jobs.local import LocalRunner
from botapi.web.request import Request
from middleware.auth import Authenticator

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# What handlers return: a Response, or anything else that is a WSGI application.
Handler = Callable[..., "WSGIApplication"]

BODY_BYTES = 10 * 1024 * 1024
TRAINING_BYTES = 100 * 1024 * 1024


class Endpoint(NamedTuple):
    """One line of the API's table: `handler(api, request, **path parameters)` answers `method path`.

    `public` endpoints are answered to anybody; `needs` is what must be there first: "agent" (a loaded model),
    "core" (a model that can predict actions) or "conversation" (a known conversation id), else 409 or 404.
    Bodies over `limit_bytes` get 413.
    """

    method: str
    path: str
    handler: Handler
    needs: str = ""
    public: bool = False
    limit_bytes: int = BODY_BYTES


@dataclass
class Api:
    """What every handler gets.

    `agent` keeps its model for the length of each of its own calls. `models` is where trained ones go; a path in
    `PUT /model` must lie in one of `model_folders`. `offload` is the layer around heavy work, `pool` where that runs.
    `is_draining` is set while the server shuts down.
    """

    agent: Agent
    pool: ThreadPoolExecutor
    jobs: LocalRunner
    jwt: Authenticator | None = None
    offload: Callable[[WSGIApplication], WSGIApplication] = lambda application: application
    response_timeout_s: float = 3600.0
    models: Path = Path("models")
    model_folders: tuple[Path, ...] = ()
    is_draining: bool = False

    def application(self, handler: Handler) -> WSGIApplication:
        """The handler as a WSGI application; path parameters are those of `wsgiorg.routing_args`."""

        def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            params: dict[str, Any] = environ["wsgiorg.routing_args"][1]
            return handler(self, Request(environ), **params)(environ, start_response)

        return application
