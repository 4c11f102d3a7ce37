"""Handlers that tell about the server and its model: requests in; versions, state and domain out."""

from __future__ import annotations

from botapi import __version__, telemetry
from botapi.errors import NotAcceptable
from botapi.web.api import Api, Endpoint
from botapi.web.guards import authenticate
from botapi.web.request import Request
from botapi.web.response import JSON, YAML, Response, json_response, text_response, yaml_response

# The oldest version whose models this one loads.
MINIMUM_COMPATIBLE_VERSION = "0.1.0"

# PERF: these bodies never change.
_HELLO = text_response(f"Hello from botapi: {__version__}")
_VERSION = json_response({"version": __version__, "minimum_compatible_version": MINIMUM_COMPATIBLE_VERSION})
_HEALTHY = json_response({"status": "ok"})


def root(api: Api, request: Request) -> Response:
    """Say that the server runs, with its version."""
    return _HELLO


def add_root_route(app: list[Endpoint]) -> None:
    """Put `GET /` into a table of endpoints; the one route beside the webhooks that needs no `--enable-api`."""
    app.append(Endpoint("GET", "/", root, public=True))


def version(api: Api, request: Request) -> Response:
    """The version of the server and the oldest one whose models it loads."""
    return _VERSION


def healthz(api: Api, request: Request) -> Response:
    """200 as long as the process answers at all."""
    return _HEALTHY


def readyz(api: Api, request: Request) -> Response:
    """200 when messages can be answered; 503 without a model, and while the server shuts down."""
    if api.is_draining or not api.agent.is_ready():
        reason = "shutting down" if api.is_draining else "no model loaded"
        return json_response({"status": "unavailable", "reason": reason}, 503)
    return _HEALTHY


def metrics(api: Api, request: Request) -> Response:
    """What the server counts, in Prometheus' text format."""
    text = telemetry.exposition([*telemetry.METRICS, *api.gauges])
    return text_response(text, content_type=telemetry.CONTENT_TYPE)


def status(api: Api, request: Request) -> Response:
    """The loaded model, and how many trainings run."""
    bot = api.agent.ready_bot()
    return json_response(
        {
            "model_file": bot.path.name,
            "model_id": bot.metadata.model_id,
            "num_active_training_jobs": api.jobs.trainings,
        }
    )


def domain(api: Api, request: Request) -> Response:
    """The domain of the loaded model, as JSON or YAML."""
    kind = negotiated(request.header("Accept"))
    domain = api.agent.ready_bot().domain
    return yaml_response(domain.as_yaml()) if kind == YAML else json_response(domain.as_dict())


def negotiated(accept: str | None) -> str:
    """The content type to answer with: what the header ends with, as in Rasa 3.6, else the best of its ranges.

    Raises NotAcceptable when neither JSON nor YAML will do.
    """
    value = (accept or "*/*").strip().lower()
    if value.endswith("json"):
        return JSON
    if value.endswith(("yml", "yaml")):
        return YAML
    ranges: list[tuple[float, str]] = []
    for part in value.split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weight = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        ranges.append((_quality(weight), name))
    for quality, name in sorted(ranges, key=lambda r: -r[0]):
        if quality and name.endswith(("json", "*/*", "application/*")):
            return JSON
        if quality and name.endswith(("yml", "yaml")):
            return YAML
    raise NotAcceptable(
        f"The domain is not provided as {accept!r}. Make sure you've set the appropriate Accept header: "
        f"{JSON!r} or {YAML!r}."
    )


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def auth(api: Api, request: Request) -> Response:
    """Tokens are checked here, never given out."""
    authenticate(request)
