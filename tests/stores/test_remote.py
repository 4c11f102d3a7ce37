"""Remote storage of models: a real S3 server, and the sentences for all that can be wrong with one."""

from __future__ import annotations

import io
from importlib.util import find_spec

import pytest

from botapi.errors import ConfigError, ModelError, StoreError
from botapi.stores.remote import fetch
from tests.s3 import s3

pytestmark = pytest.mark.skipif(not (find_spec("boto3") and find_spec("moto")), reason="needs boto3 and moto[server]")
LIMIT_BYTES = 10_000


@pytest.fixture(scope="module")
def bucket():
    with s3() as found:
        found.put("shop.tar.gz", b"an archive")
        found.put("deep/er/shop.zip", b"another")
        found.put("long.tar.gz", bytes(LIMIT_BYTES + 1))
        yield found


@pytest.fixture(autouse=True)
def environment(bucket, monkeypatch):
    """boto3 reads the process's environment."""
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)


def fetched(bucket, name, **environ):
    file = io.BytesIO()
    shown = fetch("aws", name, file, max_bytes=LIMIT_BYTES, environ={**bucket.environment, **environ})
    return shown, file.getvalue()


def test_an_archive_is_fetched_with_or_without_its_ending(bucket):
    assert fetched(bucket, "shop.tar.gz") == ("shop.tar.gz", b"an archive")
    assert fetched(bucket, "shop") == ("shop.tar.gz", b"an archive")


def test_an_archive_in_a_folder_is_named_without_it(bucket):
    assert fetched(bucket, "deep/er/shop.zip") == ("shop.zip", b"another")


@pytest.mark.parametrize("name", ["other", "../shop", "/shop", "deep"])
def test_a_missing_archive_is_named(bucket, name):
    with pytest.raises(ModelError, match=f"no '{name}.tar.gz' in the bucket 'bots'"):
        fetched(bucket, name)


def test_a_missing_bucket_is_named(bucket):
    with pytest.raises(ModelError, match="'nowhere'"):
        fetched(bucket, "shop", BUCKET_NAME="nowhere")


def test_what_is_too_long_is_refused(bucket):
    with pytest.raises(ModelError, match="longer than 10000 bytes"):
        fetched(bucket, "long")
    with pytest.raises(ModelError, match="at most 1024 bytes"):
        fetched(bucket, "x" * 1100)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense"])
def test_a_storage_that_is_not_there_is_an_error_of_ours(bucket, url):
    with pytest.raises(StoreError, match="'bots' can't be reached") as caught:
        fetched(bucket, "shop", AWS_ENDPOINT_URL=url)
    assert "word" not in str(caught.value)


@pytest.mark.parametrize("storage", ["gcs", "azure", "mypackage.Storage", ""])
def test_another_storage_gets_a_sentence(bucket, storage):
    with pytest.raises(ConfigError, match="is not supported; 'aws' is"):
        fetch(storage, "shop", io.BytesIO(), max_bytes=1, environ=bucket.environment)


def test_without_a_bucket_it_says_what_to_set():
    with pytest.raises(ConfigError, match="BUCKET_NAME"):
        fetch("aws", "shop", io.BytesIO(), max_bytes=1, environ={})
