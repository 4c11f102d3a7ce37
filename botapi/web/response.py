"""Responses that handlers return: values in; status, headers and bytes out, each response a WSGI application."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote

from middleware.wsgi import respond

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Headers = Sequence[tuple[str, str]]

JSON = "application/json"
YAML = "application/x-yaml"
TEXT = "text/plain; charset=utf-8"
EVENT_STREAM = "text/event-stream"
_BLOCK_BYTES = 64 * 1024

# PERF: one encoder for all. ASCII output also carries half surrogates, should one ever come out of a store.
encode_json = json.JSONEncoder(separators=(",", ":"), default=str, check_circular=False).encode


class Response:
    """A status, headers and a body: bytes, or an iterable of bytes that may have `close()`."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, body: bytes | Iterable[bytes] = b"", status: int = 200, headers: Headers = ()) -> None:
        self.body = body
        self.status = status
        self.headers = headers

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return respond(environ, start_response, self.status, list(self.headers), self.body)


def json_response(value: Any, status: int = 200, headers: Headers = ()) -> Response:
    """A value as JSON."""
    return Response(encode_json(value).encode("ascii"), status, [("Content-Type", JSON), *headers])


def text_response(text: str, status: int = 200, content_type: str = TEXT, headers: Headers = ()) -> Response:
    """Text, in UTF-8."""
    return Response(text.encode("utf-8", "replace"), status, [("Content-Type", content_type), *headers])


def yaml_response(text: str) -> Response:
    """Text that is YAML."""
    return text_response(text, content_type=YAML)


def empty_response(status: int = 204) -> Response:
    """No body at all."""
    return Response(b"", status)


def file_response(path: Path) -> Response:
    """A file to be saved under its own name, sent block by block; it may be deleted as soon as this returns (POSIX)."""
    kind = "application/x-tar" if path.name.endswith(".tar.gz") else mimetypes.guess_type(path.name)[0]
    headers = [
        ("Content-Type", kind or "application/octet-stream"),
        ("Content-Length", str(path.stat().st_size)),
        ("Content-Disposition", f'attachment; filename="{path.name}"'),
        ("filename", path.name),
    ]
    return Response(FileBlocks(path.open("rb")), headers=headers)


def json_file_response(path: Path) -> Response:
    """A file that holds JSON, as the answer itself."""
    return Response(
        FileBlocks(path.open("rb")), headers=[("Content-Type", JSON), ("Content-Length", str(path.stat().st_size))]
    )


class FileBlocks:
    """The blocks of an open file; closing it closes the file."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.close = file.close

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.file.read(_BLOCK_BYTES), b"")


def stream_response(lines: Iterable[Mapping[str, Any]]) -> Response:
    """One JSON object a line, each sent as soon as it is there."""
    return _flushed((json.dumps(line) + "\n").encode("ascii") for line in lines)


def event_stream_response(messages: Iterable[Mapping[str, Any]], turn_id: str) -> Response:
    """Server-sent events (HTML standard, 9.2), sent as soon as they are there, with ids `<turn_id>-<number from 1>`."""
    prefix = quote(turn_id, safe="")  # a client may have chosen it
    return _flushed(
        f"id: {prefix}-{number}\ndata: {encode_json(message)}\n\n".encode("ascii")
        for number, message in enumerate(messages, start=1)
    )


def _flushed(blocks: Iterable[bytes]) -> Response:
    headers = [("Content-Type", EVENT_STREAM), ("Cache-Control", "no-cache")]
    # nginx sends on what it gets at once, whatever `proxy_buffering` says.
    return Response(blocks, headers=[*headers, ("X-Accel-Buffering", "no")])
