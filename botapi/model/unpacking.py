"""Unpacks model archives: an open .tar.gz or .zip in; names and bytes of its members out, within limits.

Nothing is written to disk here, and no name of a member is used as a path.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any

from botapi.errors import ModelError

METADATA = "metadata.json"
MEMBER_NAME = re.compile(r"domain\.json|config\.json|(nlu|policies)(/[A-Za-z0-9_-][A-Za-z0-9_.@-]{0,99}){1,3}")
MEMBER_SUFFIXES = (".json", ".npz", ".npy", ".txt", ".bin")

# SECURITY: an archive may come from anywhere: these bound the memory and time it can take before it is refused.
# What comes out may be MAX_RATIO times the archive's size, and its JSON members may hold VALUES_A_BYTE values for each
# byte of it (our largest models reach 12 and 2); small archives may have the other two limits.
MAX_MEMBERS = 2_000
MAX_BYTES = 1 << 30
MAX_RATIO = 30
MAX_BYTES_OF_SMALL = 8 << 20
VALUES_A_BYTE = 6
MAX_VALUES_OF_SMALL = 400_000
MAX_METADATA_BYTES = 4 << 20
MAX_DIRECTORY_BYTES = 1 << 20  # of a zip file
MAX_JSON_DEPTH = 100
CHUNK_BYTES = 1 << 18
BLOCK_BYTES = 512  # of a tar file

ADVICE = "Train the project again with `botapi train`."
# What the standard library raises for a file that is no archive, or a damaged one; RuntimeError for a zip file's
# compression or encryption that it can't read.
DAMAGES = (OSError, EOFError, ValueError, zlib.error, tarfile.TarError, zipfile.BadZipFile, RuntimeError)


def unpacked(file: IO[bytes], max_bytes: int = MAX_BYTES) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of each member in their order, JSON ones checked. Raises ModelError, or one of DAMAGES."""
    size_bytes = file.seek(0, io.SEEK_END)
    meter = _Meter(min(max_bytes, max(MAX_BYTES_OF_SMALL, MAX_RATIO * size_bytes)))
    values = max(MAX_VALUES_OF_SMALL, VALUES_A_BYTE * size_bytes)
    file.seek(0)
    entries = _zip_entries(file, meter) if file.read(2) == b"PK" else _tar_entries(file, meter)
    for name, data in entries:
        if name.endswith(".json"):
            values -= check_json(data, name, values)
        yield name, data


def check_name(name: str) -> None:
    """Raise ModelError unless a member may have this name."""
    if not MEMBER_NAME.fullmatch(name) or not name.endswith(MEMBER_SUFFIXES):
        raise ModelError(
            f"the member {name[:200]!r} is not allowed; expected domain.json, config.json, or nlu/… and policies/… "
            f"ending in {', '.join(MEMBER_SUFFIXES)}. {ADVICE}"
        )


def foreign(why: str) -> ModelError:
    """The refusal of an archive that somebody else's program made."""
    return ModelError(f"botapi did not make it ({why}). Models of Rasa can't be used, its training files can. {ADVICE}")


def read_json(data: bytes, name: str) -> Any:
    """The value of a JSON member (ModelError)."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"the member {name} is not JSON ({error}). {ADVICE}") from error


def check_json(data: bytes, name: str, max_values: int = MAX_VALUES_OF_SMALL) -> int:
    """Raise ModelError for JSON of more values than `max_values`, or nested deeper than MAX_JSON_DEPTH.

    Returns about how many values there are. PERF: nothing here loops over characters, and the last step, where each
    round takes out the innermost brackets, has few of them left.
    """
    values = data.count(b",") + data.count(b"[") + data.count(b"{")
    marks = data.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _NOT_STRUCTURE)
    # A value may be a text, and have a key: that is four quotes.
    if values > max_values or marks.count(b'"') > 4 * (values + 1):
        raise ModelError(f"the member {name} holds more values than fit its size, or is not JSON. {ADVICE}")
    brackets = re.sub(rb'"[^"]*"', b"", marks)
    for _ in range(MAX_JSON_DEPTH):
        fewer = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(fewer) == len(brackets):
            break
        brackets = fewer
    if brackets:
        raise ModelError(f"the member {name} is nested deeper than {MAX_JSON_DEPTH} levels, or not JSON. {ADVICE}")
    return values


_NOT_STRUCTURE = bytes(code for code in range(256) if chr(code) not in '[]{}"')


class _Meter:
    """Reads from what is being unpacked, in chunks, and stops where more than `limit` bytes come out in all."""

    def __init__(self, limit: int) -> None:
        self._left, self._limit = limit, limit

    def take(self, stream: IO[bytes] | gzip.GzipFile, size: int, name: str) -> bytes:
        """Exactly `size` bytes of `stream`."""
        if size > self._left or (name == METADATA and size > MAX_METADATA_BYTES):
            raise ModelError(f"it unpacks to more than {self._limit} bytes, or {METADATA} is too long. {ADVICE}")
        # PERF: unlike a list of chunks that are joined, this never holds the data twice.
        data, left = io.BytesIO(), size
        while left > 0:
            chunk = stream.read(min(left, CHUNK_BYTES))
            if not chunk:
                raise ModelError(f"it ends in the middle: the file is not complete. {ADVICE}")
            left -= data.write(chunk)
        self._left -= size
        return data.getvalue()


def _tar_entries(file: IO[bytes], meter: _Meter) -> Iterator[tuple[str, bytes]]:
    """(name, data) of each member of a tar.gz.

    SECURITY: only plain headers are read, one block each: no extended headers, no sparse files, no links.
    """
    file.seek(0)
    with gzip.GzipFile(fileobj=file) as stream:
        for _ in range(MAX_MEMBERS):
            block = meter.take(stream, BLOCK_BYTES, "")
            if not block.strip(b"\0"):
                return
            info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
            if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
                raise foreign(f"{info.name[:200]!r} is not a plain file")
            if info.size < 0:
                raise ModelError(f"the member {info.name[:200]!r} has a negative size. {ADVICE}")
            data = meter.take(stream, info.size, info.name)
            meter.take(stream, -info.size % BLOCK_BYTES, "")
            yield info.name, data
    raise ModelError(f"it has more than {MAX_MEMBERS} members. {ADVICE}")


def _zip_entries(file: IO[bytes], meter: _Meter) -> Iterator[tuple[str, bytes]]:
    """(name, data) of each member of a zip file."""
    with zipfile.ZipFile(_SmallReads(file)) as archive:
        if len(archive.infolist()) > MAX_MEMBERS:
            raise ModelError(f"it has more than {MAX_MEMBERS} members. {ADVICE}")
        for info in archive.infolist():
            mode = info.external_attr >> 16
            if info.is_dir() or (mode & 0o170000) not in (0, 0o100000):
                raise foreign(f"{info.filename[:200]!r} is not a plain file")
            if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ModelError(f"the member {info.filename[:200]!r} is encrypted, or not deflated. {ADVICE}")
            with archive.open(info) as stream:
                yield info.filename, meter.take(stream, info.file_size, info.filename)


class _SmallReads(io.BufferedIOBase):
    """A file for zipfile, which reads the whole directory of the archive at once, however long it claims to be."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int | None = -1) -> bytes:
        limited = MAX_DIRECTORY_BYTES + 1 if size is None or size < 0 else size
        data = self._file.read(min(limited, MAX_DIRECTORY_BYTES + 1))
        if len(data) > MAX_DIRECTORY_BYTES:
            raise ModelError(f"its directory is longer than {MAX_DIRECTORY_BYTES} bytes. {ADVICE}")
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True
