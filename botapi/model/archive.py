"""A model's archive: members and metadata in, a .tar.gz out; a file in, an Archive with its members checked out."""

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
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

from botapi import __version__
from botapi.errors import ModelError
from botapi.model.unpacking import ADVICE, DAMAGES, MAX_BYTES, METADATA, check_name, foreign, read_json, unpacked

FORMAT = 1
KINDS = ("full", "nlu", "core")
SUFFIXES = (".tar.gz", ".zip")


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
            raise ModelError(f"it has no {name}. {ADVICE}")
        return read_json(self.members[name], name)

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
        check_name(name)
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
        with open(path, "rb") as file:
            return _read_archive(unpacked(file, max_bytes), str(path))
    except FileNotFoundError as error:
        raise _missing(path) from error
    except ModelError as error:
        raise _refused(path, error) from error
    except DAMAGES as error:
        raise ModelError(
            f"{path} is not a readable model archive ({error}); expected .tar.gz or .zip. {ADVICE}"
        ) from error


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
    config, understanding = (_config(archive) for archive in (core, nlu))
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


def _config(archive: Archive) -> dict[str, Any]:
    try:
        return {**archive.json("config.json")}
    except ModelError as error:
        raise _refused(archive.path, error) from error


def _read_archive(entries: Iterator[tuple[str, bytes]], path: str) -> Archive:
    name, data = next(entries, ("", b""))
    if name != METADATA:
        raise foreign(f"its first member is {name[:200]!r}, not {METADATA}")
    metadata = _checked_metadata(read_json(data, METADATA))
    members: dict[str, bytes] = {}
    for name, data in entries:
        check_name(name)
        if name in members:
            raise ModelError(f"the member {name} is there twice. {ADVICE}")
        if hashlib.sha256(data).hexdigest() != metadata.sha256.get(name):
            raise ModelError(f"the member {name} is not the one that was packed (its SHA-256 differs). {ADVICE}")
        members[name] = data
    missing = sorted(set(metadata.sha256) - set(members))
    if missing:
        raise ModelError(f"the member {missing[0]} is missing. {ADVICE}")
    return Archive(metadata, members, path)


def _checked_metadata(given: Any) -> Metadata:
    """Metadata from a JSON value; keys that we don't know are left out."""
    version = given.get("format") if isinstance(given, dict) else None
    if isinstance(given, dict) and version is None and "sha256" not in given:
        raise foreign(f"{METADATA} has no format number")
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


def _missing(path: Path) -> ModelError:
    return ModelError(f"There is no model at {path}. Train one with `botapi train`, or name another file or folder.")


def _refused(path: str | Path, error: ModelError) -> ModelError:
    return ModelError(f"The model {path} is refused: {error.message}")


def _write_tar(file: IO[bytes], members: Mapping[str, bytes]) -> None:
    """A tar.gz with zero times, no owner and no file name inside: the same bytes for the same members."""
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=6) as stream:
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for name, data in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
