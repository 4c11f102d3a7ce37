"""A program for tests: serves what environ says of a request, as JSON, behind a proxy that it trusts; prints its port.

The proxy's address is the program's argument. A path that ends with /stream gets two lines of text, the second after a
line on stdin.
"""

from __future__ import annotations

import json
import sys

from botapi.cli.server import Server


def application(environ, start_response):
    if environ["PATH_INFO"].endswith("/stream"):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return lines()
    body = json.dumps({key: value for key, value in environ.items() if isinstance(value, str)}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def lines():
    yield b"first\n"
    sys.stdin.readline()
    yield b"last\n"


if __name__ == "__main__":
    server = Server(
        application, host="127.0.0.1", port=0, threads=2, idle_s=60, max_body_bytes=1000, trusted_proxy=sys.argv[1]
    )
    print(server.addresses[0][1], flush=True)
    server.serve(drain_s=1)
