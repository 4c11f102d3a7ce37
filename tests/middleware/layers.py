"""Every layer, set up to let `environ()` through: the parameters of the tests that all layers must pass."""

from __future__ import annotations

import logging
from functools import partial

import pytest

from middleware import stack
from middleware.auth import Authenticate
from middleware.body import BodyLimit
from middleware.cors import CORS
from middleware.errors import ErrorsToJSON
from middleware.idempotency import Idempotency
from middleware.metrics import Metrics
from middleware.offload import Gate, Offload
from middleware.ratelimit import RateLimit, RateLimiter
from middleware.requestlog import RequestLog
from middleware.roles import Roles
from middleware.token import TokenAuthenticator
from middleware.tracecontext import TraceContext
from middleware.wsgi import Environ
from tests.middleware import gateway

SECRET = "s3cr3t"
HEADERS = {"Authorization": f"Bearer {SECRET}", "Origin": "https://a.example"}


def loud() -> logging.Logger:
    """A logger of its own that takes every request line."""
    logger = logging.getLogger("tests.middleware.loud")
    logger.setLevel(logging.INFO)
    return logger


def silent() -> logging.Logger:
    """A logger of its own that takes no request line."""
    logger = logging.getLogger("tests.middleware.silent")
    logger.setLevel(logging.WARNING)
    return logger


def refuse(*arguments: object) -> None:
    """What must not be called in these tests."""
    raise AssertionError(f"called with {arguments}")


REQUEST_LOG = partial(RequestLog, logger=loud())
SILENT_LOG = partial(RequestLog, logger=silent())
TRACE = partial(TraceContext, context=lambda headers: None)
METRICS = partial(Metrics, observe=lambda method, route, status, duration_s: None)
CROSS_ORIGIN = partial(CORS, origins=["https://a.example"])
RATE = partial(RateLimit, limiter=RateLimiter(rate_per_s=1, burst=10**6), key=lambda environ: "everybody")
BODY = partial(BodyLimit, limit_bytes=1000)
AUTH = partial(Authenticate, authenticators=[TokenAuthenticator(SECRET)], authorize=Roles())
OFFLOAD = partial(Offload, gate=Gate(4), submit=refuse, post=refuse)


def everything(app):
    """All layers around each other, in the order in which a server has them."""
    return stack(app, REQUEST_LOG, TRACE, METRICS, CROSS_ORIGIN, ErrorsToJSON, AUTH, RATE, BODY, OFFLOAD, ErrorsToJSON)


LAYERS = {
    "requestlog": REQUEST_LOG,
    "requestlog without a log": SILENT_LOG,
    "tracecontext": TRACE,
    "metrics": METRICS,
    "cors": CROSS_ORIGIN,
    "errors": ErrorsToJSON,
    "body": BODY,
    "auth": AUTH,
    "ratelimit": RATE,
    "offload": OFFLOAD,
    "idempotency": Idempotency,
    "everything": everything,
}
RENDERING = {"errors", "everything"}  # these turn exceptions into responses; through all others they pass
every_layer = pytest.mark.parametrize("name", list(LAYERS))


def environ(method: str = "GET", path: str = "/", query: str = "", **more) -> Environ:
    """A request with the credentials and the origin that the layers above ask for."""
    headers = {f"HTTP_{name.upper()}": value for name, value in HEADERS.items()}
    return gateway.request(method, path, query, **headers, **more)
