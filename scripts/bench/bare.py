"""A bare WSGI function under the same server and settings as a bot: a port in, the yardstick for `GET /version` out."""

from __future__ import annotations

import sys

from botapi.cli.run import THREADS
from botapi.cli.server import Server

VERSION = b'{"version": "0", "minimum_compatible_version": "0"}'
TURN = b'[{"text": "hello"}]'


def application(environ, start_response):
    environ["wsgi.input"].read()
    body = TURN if environ["REQUEST_METHOD"] == "POST" else VERSION
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


if __name__ == "__main__":
    server = Server(
        application, host="127.0.0.1", port=int(sys.argv[1]), threads=THREADS, idle_s=60, max_body_bytes=1024 * 1024
    )
    server.serve(drain_s=1)
