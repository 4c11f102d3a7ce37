"""Serve a trained bot over HTTP until told to stop: flags in, a listening server out.

Listens on 127.0.0.1 unless --interface says otherwise. SIGTERM stops accepting and finishes what runs.
"""

from __future__ import annotations

import argparse
import logging
import os
from typing import Any

from botapi.agent.loader import load_agent
from botapi.cli import opening, options
from botapi.cli.logs import FORMATS
from botapi.cli.server import WAITING_THREADS, Server
from botapi.cli.tlsserver import TLSServer
from botapi.errors import ConfigError
from botapi.settings import Settings, refuse_open_api
from botapi.telemetry import Gauge
from botapi.web.tls import create_ssl_context
from botapi.wsgi import FIRST_PULL_S, Application, application

logger = logging.getLogger(__name__)

# More than cores: a turn waits for action servers and disks. Heavy work has its own, smaller number of places.
THREADS = 16
# Flags of Rasa 3.6 that ask for what another program does here: (flag, what to do instead).
ELSEWHERE = {
    "connector": ("--connector", "name the channel in credentials.yml"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.model_flags(parser)
    parser.add_argument(
        "--remote-storage", metavar="NAME", help="fetch the model from there: aws, with BUCKET_NAME in the environment"
    )
    options.file_flags(parser)
    serving = parser.add_argument_group("serving")
    serving.add_argument(
        "-i", "--interface", default="127.0.0.1", metavar="ADDRESS", help="where to listen (127.0.0.1)"
    )
    serving.add_argument("-p", "--port", type=options.port, default=5005, help="port (5005); 0 takes a free one")
    serving.add_argument(
        "--threads", type=options.positive, default=THREADS, help=f"requests answered at once ({THREADS})"
    )
    serving.add_argument(
        "--response-timeout", type=options.seconds, default=3600, metavar="S", help="wait for a training (3600 s)"
    )
    serving.add_argument(
        "--request-timeout",
        type=options.seconds,
        default=300,
        metavar="S",
        help="silent connections close after (300 s)",
    )
    serving.add_argument(
        "--drain-timeout", type=options.seconds, default=30, metavar="S", help="running requests get on SIGTERM (30 s)"
    )
    serving.add_argument("--trusted-proxy", metavar="ADDRESS", help="take X-Forwarded-… headers from this proxy only")
    tls = parser.add_argument_group("TLS, where no nginx does it")
    tls.add_argument("--ssl-certificate", metavar="FILE", help="certificate chain as PEM: serve https")
    tls.add_argument("--ssl-keyfile", metavar="FILE", help="its key as PEM")
    tls.add_argument("--ssl-ca-file", metavar="FILE", help="authorities between certificate and root, sent along")
    tls.add_argument("--ssl-password", metavar="TEXT", help="opens the key")
    guard = parser.add_argument_group("the API and who may use it")
    guard.add_argument(
        "--enable-api", "--enable_api", action="store_true", help="serve the whole API, not just channels"
    )
    guard.add_argument(
        "-t", "--auth-token", "--auth_token", metavar="TOKEN", help="who knows this token may use the API"
    )
    guard.add_argument("--jwt-secret", "--jwt_secret", metavar="KEY", help="check JSON web tokens with this key")
    guard.add_argument("--jwt-method", "--jwt_method", default="HS256", metavar="NAME", help="their algorithm (HS256)")
    guard.add_argument("--jwt-private-key", metavar="KEY", help="private key, where the algorithm has one")
    guard.add_argument(
        "--cors", nargs="*", default=[], metavar="ORIGIN", help="web pages from here may call; * for all"
    )
    guard.add_argument(
        "--allow-unauthenticated", action="store_true", help="serve the API to others without token or JWT all the same"
    )
    logs = options.logging_flags(parser)
    logs.add_argument("-o", "--log-file", "--log_file", metavar="FILE", help="log to this file, too")
    logs.add_argument("--log-format", choices=FORMATS, default="text", help="one JSON object a line, or text (text)")
    logs.add_argument("--use-syslog", action="store_true", help="log to syslog, too")
    logs.add_argument("--syslog-address", default="localhost", metavar="HOST", help="(localhost)")
    logs.add_argument("--syslog-port", type=options.port, default=514, metavar="PORT", help="(514)")
    logs.add_argument("--syslog-protocol", choices=["UDP", "TCP"], default="UDP", help="(UDP)")
    for name, (flag, _) in ELSEWHERE.items():
        parser.add_argument(flag, dest=name, help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal; exit code 0 when every request that had arrived was answered, else 1."""
    refuse_elsewhere(arguments)
    settings = settings_of(arguments)
    refuse_open_api(settings, interface=settings.interface)
    archive = None
    if not settings.remote_storage:
        may_be_missing = settings.enable_api or settings.has_model_server
        archive = opening.archive(arguments, may_be_missing=may_be_missing)
    app = application(
        load_agent(settings, archive), settings, threads=arguments.threads, waiting_threads=WAITING_THREADS
    )
    try:
        server = listener(app, settings, arguments)
        app.api.gauges.append(
            Gauge("botapi_requests_waiting", "Requests that wait for a free thread.", lambda: server.waiting)
        )
        app.api.poller.pull(FIRST_PULL_S)
        bot = app.api.agent.bot
        announce(server, bot.metadata.name if bot else "no model yet")
        answered = server.serve(drain_s=arguments.drain_timeout, on_stop=app.drain, is_busy=app.is_busy)
        return 0 if answered else 1
    finally:
        app.close()
        app.api.agent.close()


def listener(app: Application, settings: Settings, arguments: argparse.Namespace) -> Server | TLSServer:
    """The bound server: over TLS with --ssl-certificate. Raises ConfigError."""
    common: dict[str, Any] = {
        "host": settings.interface,
        "port": settings.port,
        "idle_s": settings.request_timeout_s,
        "max_body_bytes": max(endpoint.limit_bytes for endpoint in app.table),
    }
    waiting = {endpoint.path.rstrip("/") for endpoint in app.table if endpoint.waits}
    context = create_ssl_context(
        arguments.ssl_certificate, arguments.ssl_keyfile, arguments.ssl_ca_file, arguments.ssl_password
    )
    if context is None:
        return Server(
            app,
            threads=arguments.threads,
            waiting_paths=waiting,
            trusted_proxy=arguments.trusted_proxy,
            **common,
        )
    return TLSServer(
        app,
        # NOTE: its threads are all alike; those that wait don't run out before those that work do.
        threads=arguments.threads + (WAITING_THREADS if waiting else 0),
        context=context,
        **common,
    )


def settings_of(arguments: argparse.Namespace) -> Settings:
    return opening.settings(
        arguments,
        enable_api=arguments.enable_api,
        # SECURITY: everybody on the machine sees a command line, but not its environment.
        auth_token=arguments.auth_token or os.environ.get("BOTAPI_AUTH_TOKEN"),
        jwt_secret=arguments.jwt_secret or os.environ.get("BOTAPI_JWT_SECRET"),
        jwt_method=arguments.jwt_method,
        jwt_private_key=arguments.jwt_private_key,
        cors_origins=tuple(arguments.cors),
        response_timeout_s=arguments.response_timeout,
        request_timeout_s=arguments.request_timeout,
        interface=arguments.interface,
        port=arguments.port,
        allow_unauthenticated=arguments.allow_unauthenticated,
        log_file=arguments.log_file,
        remote_storage=arguments.remote_storage,
    )


def refuse_elsewhere(arguments: argparse.Namespace) -> None:
    """Raise ConfigError for a flag that is known from Rasa but is another program's work here."""
    for name, (flag, instead) in ELSEWHERE.items():
        if getattr(arguments, name) is not None:
            raise ConfigError(f"{flag} is not for botapi: {instead}.")


def announce(server: Server | TLSServer, model_name: str) -> None:
    """Say on stdout where the bot is: what somebody who typed the command, or a script, waits for."""
    scheme = "https" if isinstance(server, TLSServer) else "http"
    places = ", ".join(f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}" for host, port in server.addresses)
    print(f"Serving {model_name} on {places}", flush=True)
