"""Models in remote storage: the names of a storage and of an archive in it in, the archive's bytes into a file.

Which bucket, and who asks, is told by the variables of the environment that Rasa 3.6 knows: BUCKET_NAME,
AWS_ENDPOINT_URL, and those that boto3 reads (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION, …).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from botapi.errors import ConfigError, ModelError, StoreError

SUFFIX = ".tar.gz"
STORAGES = ("aws",)
CHUNK_BYTES = 1 << 20
CONNECT_S, READ_S = 10, 60
MAX_KEY_BYTES = 1024  # S3
MISSING = ("404", "NoSuchKey", "NoSuchBucket", "NotFound")


def fetch(storage: str, name: str, file: IO[bytes], *, max_bytes: int, environ: Mapping[str, str]) -> str:
    """Copy an archive of a storage into `file`; returns its name there without folders.

    `name` gets `.tar.gz` if it ends in neither that nor `.zip`. Raises ModelError where there is no such archive,
    ConfigError where the storage is not supported or not set up, StoreError where it fails.
    """
    if storage not in STORAGES:
        raise ConfigError(
            f"The remote storage {storage[:40]!r} is not supported; 'aws' is, which means any storage that speaks S3 "
            f"(AWS_ENDPOINT_URL says where). Or copy the archive to this machine and name its file."
        )
    bucket = environ.get("BUCKET_NAME")
    if not bucket:
        raise ConfigError("The remote storage 'aws' needs the name of a bucket: set the variable BUCKET_NAME.")
    key = name if name.endswith((SUFFIX, ".zip")) else f"{name}{SUFFIX}"
    if len(key.encode("utf-8", "replace")) > MAX_KEY_BYTES:
        raise ModelError(f"A name in the bucket has at most {MAX_KEY_BYTES} bytes.")
    _copy(bucket, key, file, max_bytes, environ.get("AWS_ENDPOINT_URL"))
    return key.rpartition("/")[2]


def _copy(bucket: str, key: str, file: IO[bytes], max_bytes: int, url: str | None) -> None:
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError as error:
        raise ConfigError(
            "The remote storage 'aws' needs the package boto3, which is not installed: pip install botapi[s3]."
        ) from error
    config = Config(connect_timeout=CONNECT_S, read_timeout=READ_S, retries={"total_max_attempts": 2})
    try:
        body = boto3.client("s3", endpoint_url=url, config=config).get_object(Bucket=bucket, Key=key)["Body"]
        with body:
            _read(body, file, max_bytes)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code"))
        if code in MISSING:
            raise ModelError(f"There is no {key[:200]!r} in the bucket {bucket!r} ({code}).") from error
        raise StoreError(f"The bucket {bucket!r} can't be read ({code}). See what the server's key may do.") from error
    except (BotoCoreError, ValueError) as error:
        # SECURITY: what kind it is, and no more: messages of boto3 may quote what it was set up with.
        raise StoreError(f"The bucket {bucket!r} can't be reached ({type(error).__name__}).") from error


def _read(body: Any, file: IO[bytes], max_bytes: int) -> None:
    total = 0
    for chunk in body.iter_chunks(CHUNK_BYTES):
        total += len(chunk)
        if total > max_bytes:
            raise ModelError(f"The archive in the bucket is longer than {max_bytes} bytes.")
        file.write(chunk)
