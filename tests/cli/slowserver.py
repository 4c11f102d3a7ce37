"""A program for tests: serves an application whose answers wait for a line on stdin; drain limit in, exit code out.

With the files of a certificate and its key as further words it speaks TLS. It prints its port, then `started` for each
request; one for /quick is answered at once, with its own body if it has one, and one for /large with LARGE; one for
/later waits in a thread beside the others, and while one for /busy runs, so do turns that no request waits for. One for
/afterwards is answered at once, and then waits like the others.
"""

from __future__ import annotations

import sys
from functools import partial

from botapi.cli.server import Server
from botapi.cli.tlsserver import TLSServer
from botapi.web.tls import create_ssl_context
from middleware.wsgi import AFTERWARDS

LIMITS = {"host": "127.0.0.1", "port": 0, "threads": 4, "idle_s": 60, "max_body_bytes": 1000}

LARGE = b"large" * 2_000_000  # more than sockets hold
busy: list[str] = []


def wait():
    sys.stdout.write("started\n")  # at once: others write too
    sys.stdout.flush()
    sys.stdin.readline()


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/busy":
        busy.append(path)
    if path == "/afterwards":
        environ[AFTERWARDS](wait)
    elif path not in ("/quick", "/large"):
        wait()
    if path == "/busy":
        busy.remove(path)
    body = LARGE if path == "/large" else environ["wsgi.input"].read() or b"done"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


if __name__ == "__main__":
    if sys.argv[2:]:
        server = TLSServer(application, context=create_ssl_context(*sys.argv[2:4]), **LIMITS)
    else:
        server = Server(application, waiting_paths=["/later"], **LIMITS)
    print(server.addresses[0][1], flush=True)
    draining = partial(print, "draining", flush=True)
    answered = server.serve(drain_s=float(sys.argv[1]), on_stop=draining, is_busy=lambda: bool(busy))
    sys.exit(0 if answered else 1)
