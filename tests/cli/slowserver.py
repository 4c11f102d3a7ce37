"""A program for tests: serves an application whose answers wait for a line on stdin; drain limit in, exit code out.

It prints its port, then `started` for each request; a request for /quick is answered at once.
"""

from __future__ import annotations

import sys

from botapi.cli.server import Server


def application(environ, start_response):
    if environ["PATH_INFO"] != "/quick":
        print("started", flush=True)
        sys.stdin.readline()
    body = b"done"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


if __name__ == "__main__":
    server = Server(application, host="127.0.0.1", port=0, threads=4, idle_s=60, max_body_bytes=1000)
    print(server.addresses[0][1], flush=True)
    answered = server.serve(drain_s=float(sys.argv[1]), on_stop=lambda: print("draining", flush=True))
    sys.exit(0 if answered else 1)
