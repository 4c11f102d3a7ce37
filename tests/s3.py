"""An S3 server for tests, in a process of its own: nothing in; its address and a bucket that can be filled out.

Run as `python tests/s3.py` it is that process: it prints its port and serves until its standard input ends.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

BUCKET = "bots"
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "word", "AWS_DEFAULT_REGION": "us-east-1"}


class Bucket:
    """An empty bucket; `environment` is what a client of it needs."""

    def __init__(self, url: str) -> None:
        import boto3

        self.environment = {**KEYS, "BUCKET_NAME": BUCKET, "AWS_ENDPOINT_URL": url}
        self.client = boto3.client(
            "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="word"
        )
        self.client.create_bucket(Bucket=BUCKET)

    def put(self, key: str, body: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=key, Body=body)


@contextmanager
def s3():
    """A running S3 server with one bucket."""
    command = [sys.executable, str(Path(__file__))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            port = int(process.stdout.readline())
            bucket = Bucket(f"http://127.0.0.1:{port}")
            yield bucket
            bucket.client.close()
        finally:
            process.stdin.close()


def main() -> None:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
