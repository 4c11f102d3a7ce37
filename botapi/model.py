"""Trained models as archives: named byte strings and metadata in, a .tar.gz out; and back, from tar.gz or zip, checked.

An archive holds `metadata.json` first, then `domain.json`, `config.json`, `nlu/…` and `policies/…`: data only, never
code. Everything but `metadata.json` is the same, byte for byte, for the same training data and seed.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import tarfile
import tempfile
import uuid
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

from botapi import __version__
from botapi.errors import ModelError

FORMAT = 1
METADATA = "metadata.json"
KINDS = ("full", "nlu", "core")
SUFFIXES = (".tar.gz", ".zip")
MEMBER_NAME = re.compile(r"domain\.json|config\.json|(nlu|policies)(/[A-Za-z0-9_-][A-Za-z0-9_.@-]{0,99}){1,3}")
MEMBER_SUFFIXES = (".json", ".npz", ".npy", ".txt", ".bin")

# SECURITY: an archive may come from anywhere (PUT /model names a file): these bound the memory and time it can take.
MAX_MEMBERS = 2_000
MAX_BYTES = 1 << 30
MAX_BYTES_WITHOUT_RATIO = 64 << 20  # an archive may unpack to this much, or to MAX_RATIO times its size if that is more
MAX_RATIO = 100
MAX_METADATA_BYTES = 4 << 20
MAX_DIRECTORY_BYTES = 1 << 20  # of a zip file
MAX_JSON_DEPTH = 100
CHUNK_BYTES = 1 << 18
BLOCK_BYTES = 512  # of a tar file

ADVICE = "Train the project again with `botapi train`."


@dataclass(frozen=True)
class Metadata:
    """What `metadata.json` says. `trained_at` is UTC in ISO 8601; `fingerprints` say what a model was trained from."""

    model_id: str
    name: str
    kind: str = "full"
    trained_at: str = ""
    assistant_id: str | None = None
    language: str | None = None
    botapi_version: str = __version__
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    sha256: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT


@dataclass(frozen=True)
class Archive:
    """An opened model: all members but the metadata, in memory."""

    metadata: Metadata
    members: Mapping[str, bytes]
    path: str = ""

    def json(self, name: str) -> Any:
        """A JSON member; ModelError where missing or malformed."""
        if name not in self.members:
            raise ModelError(f"The model {self.path} has no {name}. {ADVICE}")
        return _json(self.members[name], name)

    def part(self, prefix: str) -> dict[str, bytes]:
        """Members whose name starts with `prefix` ("nlu/", "policies/"), named without it."""
        return {name[len(prefix) :]: data for name, data in self.members.items() if name.startswith(prefix)}


def pack(path: str | Path, members: Mapping[str, bytes], metadata: Mapping[str, Any]) -> Metadata:
    """Write an archive to `path` in one step: whoever looks sees the whole file or none.

    `metadata` gives fields of Metadata; `name`, `model_id`, `trained_at` and `sha256` are made up where missing.
    Raises ModelError for member names that could not be opened again.
    """
    path = Path(path)
    for name in members:
        _check_name(name)
    given = {
        "model_id": uuid.uuid4().hex,
        "name": path.name.removesuffix(".tar.gz"),
        "trained_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        **metadata,
        "sha256": {name: hashlib.sha256(members[name]).hexdigest() for name in sorted(members)},
    }
    result = _checked_metadata(given)
    texts = {METADATA: json.dumps(asdict(result), indent=1).encode()}
    texts.update((name, members[name]) for name in sorted(members))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with open(handle, "wb") as file:
            _write_tar(file, texts)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:  # also an interrupt: no half a file stays behind
        Path(temporary).unlink(missing_ok=True)
        raise
    return result


def open_model(path: str | Path, *, max_bytes: int = MAX_BYTES) -> Archive:
    """Read an archive into memory; `max_bytes` caps what comes out of it. Raises ModelError."""
    path = Path(path)
    try:
        size_bytes = path.stat().st_size
        limit = min(max_bytes, max(MAX_BYTES_WITHOUT_RATIO, MAX_RATIO * size_bytes))
        with open(path, "rb") as file:
            entries = _zip_entries(file, limit) if file.read(2) == b"PK" else _tar_entries(file, limit)
            return _read_archive(entries, str(path))
    except FileNotFoundError as error:
        raise _missing(path) from error
    except ModelError as error:
        raise ModelError(f"The model {path} is refused: {error.message}") from error
    except (OSError, EOFError, ValueError, zlib.error, tarfile.TarError, zipfile.BadZipFile) as error:
        raise _unreadable(path, error) from error
    except (NotImplementedError, RuntimeError) as error:  # zipfile: a compression or encryption it can't read
        raise _unreadable(path, error) from error


def newest(folder: str | Path) -> Path | None:
    """The archive in `folder` that was written last; None where there is none."""
    files = [entry for entry in Path(folder).iterdir() if entry.name.endswith(SUFFIXES) and entry.is_file()]
    return max(files, key=lambda entry: (entry.stat().st_mtime_ns, entry.name), default=None)


def find(path: str | Path) -> Path:
    """The archive that a path means: the file itself, or the newest one in a folder. Raises ModelError."""
    path = Path(path)
    if path.is_dir():
        file = newest(path)
        if file is None:
            suffixes = " or ".join(SUFFIXES)
            raise ModelError(f"The folder {path} holds no model ({suffixes}). Train one with `botapi train`.")
        return file
    if not path.is_file():
        raise _missing(path)
    return path


def merge(core: Archive, nlu: Archive) -> Archive:
    """One model out of a dialogue model and an NLU model that were trained apart.

    Domain, policies and their configuration come from `core`; `nlu/…`, the pipeline and the language from `nlu`.
    """
    if not core.part("policies/"):
        raise ModelError(f"The model {core.path} has no policies; expected a dialogue model. {ADVICE}")
    if not nlu.part("nlu/"):
        raise ModelError(f"The model {nlu.path} has no NLU components; expected an NLU model. {ADVICE}")
    understanding = nlu.json("config.json")
    config = {**core.json("config.json")}
    config.update({key: understanding[key] for key in ("language", "pipeline") if key in understanding})
    members = {name: data for name, data in core.members.items() if not name.startswith("nlu/")}
    members.update({name: data for name, data in nlu.members.items() if name.startswith("nlu/")})
    members["config.json"] = json.dumps(config).encode()
    both = f"{core.metadata.model_id} {nlu.metadata.model_id}"
    metadata = replace(
        core.metadata,
        model_id=hashlib.sha256(both.encode()).hexdigest()[:32],
        name=f"{core.metadata.name}+{nlu.metadata.name}",
        kind="full",
        language=nlu.metadata.language,
        fingerprints={**nlu.metadata.fingerprints, **core.metadata.fingerprints},
        sha256={name: hashlib.sha256(data).hexdigest() for name, data in members.items()},
    )
    return Archive(metadata, members, core.path)


def _read_archive(entries: Iterator[tuple[str, bytes]], path: str) -> Archive:
    name, data = next(entries, ("", b""))
    if name != METADATA:
        raise _foreign(f"its first member is {name!r}, not {METADATA}")
    metadata = _checked_metadata(_json(data, METADATA))
    members: dict[str, bytes] = {}
    for name, data in entries:
        _check_name(name)
        if name in members:
            raise ModelError(f"the member {name} is there twice. {ADVICE}")
        if hashlib.sha256(data).hexdigest() != metadata.sha256.get(name):
            raise ModelError(f"the member {name} is not the one that was packed (its SHA-256 differs). {ADVICE}")
        if name.endswith(".json"):
            check_depth(data, name)
        members[name] = data
    missing = sorted(set(metadata.sha256) - set(members))
    if missing:
        raise ModelError(f"the member {missing[0]} is missing. {ADVICE}")
    return Archive(metadata, members, path)


def _checked_metadata(given: Any) -> Metadata:
    """Metadata from a JSON value; keys that we don't know are left out."""
    version = given.get("format") if isinstance(given, dict) else None
    if isinstance(given, dict) and version is None and "sha256" not in given:
        raise _foreign(f"{METADATA} has no format number")
    if not isinstance(given, dict) or version not in (None, FORMAT):
        raise ModelError(f"it has format {version!r}, this version of botapi reads {FORMAT}. {ADVICE}")
    known = {item.name: given[item.name] for item in fields(Metadata) if item.name in given}
    for key in ("name", "kind", "trained_at", "botapi_version", "assistant_id", "language"):
        optional = key in ("assistant_id", "language")
        if key in known and not isinstance(known[key], str) and not (optional and known[key] is None):
            raise ModelError(f"{key} in {METADATA} is {known[key]!r}, expected text. {ADVICE}")
    for key in ("fingerprints", "sha256"):
        value = known.get(key, {})
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise ModelError(f"{key} in {METADATA} is {value!r}, expected texts by name. {ADVICE}")
    if not re.fullmatch(r"[0-9a-f]{32}", str(known.get("model_id"))) or "name" not in known:
        raise ModelError(f"{METADATA} has no name, or no model_id of 32 hexadecimal digits. {ADVICE}")
    if known.get("kind", "full") not in KINDS:
        raise ModelError(f"kind in {METADATA} is {known['kind']!r}, expected one of {', '.join(KINDS)}. {ADVICE}")
    return Metadata(**known)


def _check_name(name: str) -> None:
    if not MEMBER_NAME.fullmatch(name) or not name.endswith(MEMBER_SUFFIXES):
        raise ModelError(
            f"the member {name[:200]!r} is not allowed; expected domain.json, config.json, or nlu/… and policies/… "
            f"ending in {', '.join(MEMBER_SUFFIXES)}. {ADVICE}"
        )


def _foreign(why: str) -> ModelError:
    return ModelError(f"botapi did not make it ({why}). Models of Rasa can't be used, its training files can. {ADVICE}")


def _missing(path: Path) -> ModelError:
    return ModelError(f"There is no model at {path}. Train one with `botapi train`, or name another file or folder.")


def _unreadable(path: Path, error: Exception) -> ModelError:
    return ModelError(f"{path} is not a readable model archive ({error}); expected .tar.gz or .zip. {ADVICE}")


def check_depth(data: bytes, name: str) -> None:
    """Raise ModelError for JSON nested deeper than MAX_JSON_DEPTH.

    PERF: nothing here loops over characters; each round takes out the innermost brackets.
    """
    data = data.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _NOT_STRUCTURE)
    brackets = re.sub(rb'"[^"]*"', b"", data)
    for _ in range(MAX_JSON_DEPTH):
        fewer = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(fewer) == len(brackets):
            break
        brackets = fewer
    if brackets:
        raise ModelError(f"the member {name} is nested deeper than {MAX_JSON_DEPTH} levels, or not JSON. {ADVICE}")


_NOT_STRUCTURE = bytes(code for code in range(256) if chr(code) not in '[]{}"')


def _json(data: bytes, name: str) -> Any:
    check_depth(data, name)
    try:
        return json.loads(data)
    except ValueError as error:
        raise ModelError(f"the member {name} is not JSON ({error}). {ADVICE}") from error


def _write_tar(file: IO[bytes], members: Mapping[str, bytes]) -> None:
    """A tar.gz with zero times, no owner and no file name inside: the same bytes for the same members."""
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=6) as stream:
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for name, data in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))


class _Meter:
    """Reads from what is being unpacked, in chunks, and stops where more than `limit` bytes come out in all."""

    def __init__(self, limit: int) -> None:
        self._left, self._limit = limit, limit

    def take(self, stream: IO[bytes] | gzip.GzipFile, size: int, name: str) -> bytes:
        """Exactly `size` bytes of `stream`."""
        if size > self._left or (name == METADATA and size > MAX_METADATA_BYTES):
            raise ModelError(f"it unpacks to more than {self._limit} bytes, or {METADATA} is too long. {ADVICE}")
        chunks, left = [], size
        while left > 0:
            chunk = stream.read(min(left, CHUNK_BYTES))
            if not chunk:
                raise ModelError(f"it ends in the middle: the file is not complete. {ADVICE}")
            chunks.append(chunk)
            left -= len(chunk)
        self._left -= size
        return b"".join(chunks)


def _tar_entries(file: IO[bytes], limit: int) -> Iterator[tuple[str, bytes]]:
    """(name, data) of each member of a tar.gz.

    SECURITY: only plain headers are read, one block each: no extended headers, no sparse files, no links.
    """
    file.seek(0)
    meter = _Meter(limit)
    with gzip.GzipFile(fileobj=file) as stream:
        for _ in range(MAX_MEMBERS):
            block = meter.take(stream, BLOCK_BYTES, "")
            if not block.strip(b"\0"):
                return
            info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
            if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
                raise _foreign(f"{info.name[:200]!r} is not a plain file")
            if info.size < 0:
                raise ModelError(f"the member {info.name[:200]!r} has a negative size. {ADVICE}")
            data = meter.take(stream, info.size, info.name)
            meter.take(stream, -info.size % BLOCK_BYTES, "")
            yield info.name, data
    raise ModelError(f"it has more than {MAX_MEMBERS} members. {ADVICE}")


def _zip_entries(file: IO[bytes], limit: int) -> Iterator[tuple[str, bytes]]:
    """(name, data) of each member of a zip file."""
    meter = _Meter(limit)
    with zipfile.ZipFile(_SmallReads(file)) as archive:
        if len(archive.infolist()) > MAX_MEMBERS:
            raise ModelError(f"it has more than {MAX_MEMBERS} members. {ADVICE}")
        for info in archive.infolist():
            mode = info.external_attr >> 16
            if info.is_dir() or (mode & 0o170000) not in (0, 0o100000):
                raise _foreign(f"{info.filename[:200]!r} is not a plain file")
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
