"""Model archives: what is packed comes back, and nothing that was tampered with does."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from botapi import model
from botapi.errors import ModelError
from botapi.model.unpacking import check_json

MEMBERS = {
    "domain.json": b'{"intents": ["greet"]}',
    "config.json": b'{"language": "en", "pipeline": [{"name": "X"}], "policies": [{"name": "P"}]}',
    "nlu/00-Keywords/words.json": b'{"hi": "greet"}',
    "nlu/01-Linear/weights.npz": bytes(range(256)) * 40,
    "policies/00-RulePolicy/rules.json": b"[]",
}
METADATA = {"name": "bot", "kind": "full", "language": "en", "assistant_id": "me", "fingerprints": {"nlu": "ab12"}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bot.tar.gz"


def metadata_of(members: dict[str, bytes], **changes: Any) -> bytes:
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    return json.dumps({"format": 1, "model_id": "a" * 32, "name": "bot", "sha256": sums, **changes}).encode()


def tar(path: Path, members: list[tuple[Any, bytes]]) -> None:
    """A tar.gz of (name or TarInfo, data)."""
    with tarfile.open(path, "w:gz", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = info.size or len(data)
            archive.addfile(info, io.BytesIO(data))


def zip_(path: Path, members: list[tuple[Any, bytes]]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)


# ------------------------------------------------------------------- packing


def test_what_is_packed_comes_back(path: Path) -> None:
    packed = model.pack(path, MEMBERS, METADATA)
    archive = model.open_model(path)
    assert archive.members == MEMBERS
    assert archive.metadata == packed
    assert (packed.name, packed.kind, packed.language, packed.assistant_id) == ("bot", "full", "en", "me")
    assert len(packed.model_id) == 32
    assert packed.fingerprints == {"nlu": "ab12"}
    assert archive.json("domain.json") == {"intents": ["greet"]}
    assert archive.part("nlu/") == {
        "00-Keywords/words.json": MEMBERS["nlu/00-Keywords/words.json"],
        "01-Linear/weights.npz": MEMBERS["nlu/01-Linear/weights.npz"],
    }


def test_same_members_and_metadata_give_the_same_bytes(path: Path) -> None:
    fixed = {**METADATA, "model_id": "0" * 32, "trained_at": "2026-01-01T00:00:00+00:00"}
    model.pack(path, MEMBERS, fixed)
    first = path.read_bytes()
    model.pack(path, dict(reversed(MEMBERS.items())), fixed)
    assert path.read_bytes() == first
    assert first[4:8] == bytes(4)  # the time inside gzip
    with tarfile.open(path) as archive:
        assert {(info.mtime, info.uid, info.uname) for info in archive} == {(0, 0, "")}


def test_packing_makes_the_folder_and_leaves_nothing_else_in_it(tmp_path: Path) -> None:
    path = tmp_path / "models" / "20261121-bot.tar.gz"
    assert model.pack(path, MEMBERS, {}).name == "20261121-bot"
    assert os.listdir(path.parent) == ["20261121-bot.tar.gz"]


def test_failed_packing_keeps_the_old_archive(path: Path) -> None:
    model.pack(path, MEMBERS, METADATA)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        model.pack(path, {"domain.json": 7}, METADATA)  # type: ignore[dict-item]
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["bot.tar.gz"]


def test_names_that_could_not_be_opened_are_not_packed(path: Path) -> None:
    with pytest.raises(ModelError, match="code.py"):
        model.pack(path, {"nlu/00-X/code.py": b""}, METADATA)
    with pytest.raises(ModelError, match="kind"):
        model.pack(path, MEMBERS, {"kind": "half"})


def test_zip_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "bot.zip"
    zip_(path, [("metadata.json", metadata_of(MEMBERS)), *MEMBERS.items()])
    assert model.open_model(path).members == MEMBERS


def test_small_model_opens_within_milliseconds(path: Path) -> None:
    model.pack(path, MEMBERS, METADATA)
    times_s = []
    for _ in range(5):
        start = time.perf_counter()
        model.open_model(path)
        times_s.append(time.perf_counter() - start)
    assert min(times_s) < 0.02


# ------------------------------------------------------------------- finding


def test_newest_model_of_a_folder(tmp_path: Path) -> None:
    assert model.newest(tmp_path) is None
    for age, name in enumerate(["b.tar.gz", "a.zip", "c.tar.gz", "notes.txt", ".x.part"]):
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (1_000_000, 1_000_000 + (age if age != 2 else -5)))
    (tmp_path / "z.tar.gz").mkdir()
    assert model.newest(tmp_path) == tmp_path / "a.zip"
    assert model.find(tmp_path) == tmp_path / "a.zip"
    assert model.find(tmp_path / "b.tar.gz") == tmp_path / "b.tar.gz"


def test_nothing_found_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no model .*botapi train"):
        model.find(tmp_path)
    for call in (model.find, model.open_model):
        with pytest.raises(ModelError, match="There is no model at .*nowhere.*botapi train"):
            call(tmp_path / "nowhere.tar.gz")


# ------------------------------------------------------------------- merging


def test_dialogue_and_nlu_models_serve_together(tmp_path: Path) -> None:
    core_config = b'{"language": null, "pipeline": [], "policies": [{"name": "P"}]}'
    core = {"domain.json": b'{"a": 1}', "config.json": core_config, "policies/00-P/x.json": b"[1]"}
    nlu = {"domain.json": b"{}", "config.json": MEMBERS["config.json"], "nlu/00-X/x.json": b"[2]"}
    model.pack(tmp_path / "core.tar.gz", core, {"kind": "core"})
    model.pack(tmp_path / "nlu.tar.gz", nlu, {"kind": "nlu", "language": "en"})
    parts = [model.open_model(tmp_path / name) for name in ("core.tar.gz", "nlu.tar.gz")]
    merged = model.merge(*parts)
    assert merged.json("domain.json") == {"a": 1}
    assert merged.json("config.json") == {"language": "en", "pipeline": [{"name": "X"}], "policies": [{"name": "P"}]}
    assert (merged.part("nlu/"), merged.part("policies/")) == ({"00-X/x.json": b"[2]"}, {"00-P/x.json": b"[1]"})
    assert (merged.metadata.kind, merged.metadata.name, merged.metadata.language) == ("full", "core+nlu", "en")
    assert merged.metadata.model_id == model.merge(*parts).metadata.model_id
    assert len(merged.metadata.model_id) == 32
    with pytest.raises(ModelError, match="nlu.tar.gz has no policies; expected a dialogue model"):
        model.merge(*reversed(parts))
    with pytest.raises(ModelError, match="core.tar.gz has no NLU components; expected an NLU model"):
        model.merge(parts[0], parts[0])


# ------------------------------------------------------------------- attacks


def link(kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo("nlu/00-X/a.json")
    info.type, info.linkname = kind, "/etc/passwd"
    return info


def with_metadata(*members: tuple[Any, bytes], **changes: Any) -> list[tuple[Any, bytes]]:
    named = {name: data for name, data in members if isinstance(name, str)}
    return [("metadata.json", metadata_of(named, **changes)), *members]


DEEP = b'{"\\"[": ' + b"[" * 101 + b"]" * 101 + b"}"
BAD_MEMBERS: dict[str, tuple[list[tuple[Any, bytes]], str]] = {
    "path out of the folder": (with_metadata(("../../etc/cron.d/x.json", b"{}")), "not allowed"),
    "path out of the folder, inside": (with_metadata(("nlu/../../x.json", b"{}")), "not allowed"),
    "absolute path": (with_metadata(("/etc/x.json", b"{}")), "not allowed"),
    "backslashes": (with_metadata(("nlu\\..\\x.json", b"{}")), "not allowed"),
    "code": (with_metadata(("nlu/00-X/x.py", b"import os")), "not allowed"),
    "pickle": (with_metadata(("nlu/00-X/x.pkl", b"cos\nsystem\n")), "not allowed"),
    "hidden file": (with_metadata(("nlu/.x/x.json", b"{}")), "not allowed"),
    "new line in the name": (with_metadata(("nlu/00-X/x.json\n", b"{}")), "not allowed"),
    "member twice": (with_metadata(("domain.json", b"{}"), ("domain.json", b"{}")), "there twice"),
    "metadata twice": (with_metadata(("metadata.json", b"{}")), "not allowed"),
    "member that metadata doesn't know": ([*with_metadata(), ("domain.json", b"{}")], "SHA-256 differs"),
    "other bytes": ([("metadata.json", metadata_of({"domain.json": b"{}"})), ("domain.json", b"[]")], "SHA-256"),
    "member missing": ([("metadata.json", metadata_of({"domain.json": b"{}"}))], "domain.json is missing"),
    "deep JSON": (with_metadata(("domain.json", DEEP)), "deeper than 100"),
    "very deep JSON": (with_metadata(("domain.json", b"[" * 300_000)), "deeper than 100"),
    "deep metadata": ([("metadata.json", b'{"format": ' + b"[" * 10_000 + b"]" * 10_000 + b"}")], "deeper than 100"),
    "metadata is no JSON": ([("metadata.json", b"{format}")], "not JSON"),
    "metadata is a list": ([("metadata.json", b"[]")], "format None"),
    "newer format": (with_metadata(format=2), "format 2, this version of botapi reads 1"),
    "odd model id": (with_metadata(model_id="../x"), "32 hexadecimal digits"),
    "odd kind": (with_metadata(kind=["full"]), "expected text"),
    "unknown kind": (with_metadata(kind="half"), "expected one of full, nlu, core"),
    "sums are a list": (with_metadata(sha256=[]), "expected texts by name"),
    "name is a number": (with_metadata(name=7), "expected text"),
    "no members": ([], "did not make it"),
    "many members": (with_metadata(*((f"nlu/00-X/{n}.json", b"1") for n in range(2_100))), "more than 2000 members"),
}


@pytest.mark.parametrize("write", [tar, zip_], ids=["tar.gz", "zip"])
@pytest.mark.parametrize("fault", BAD_MEMBERS)
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_tampered_archive_is_refused(path: Path, fault: str, write: Callable[..., None]) -> None:
    members, why = BAD_MEMBERS[fault]
    write(path, members)
    with pytest.raises(ModelError, match=why) as caught:
        model.open_model(path)
    assert str(path) in caught.value.message
    assert "botapi train" in caught.value.message


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE])
def test_links_and_devices_are_refused(path: Path, kind: bytes) -> None:
    tar(path, [*with_metadata(), (link(kind), b"")])
    with pytest.raises(ModelError, match="not a plain file"):
        model.open_model(path)


def test_link_in_a_zip_is_refused(path: Path) -> None:
    info = zipfile.ZipInfo("domain.json")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    zip_(path, [*with_metadata(), (info, b"/etc/passwd")])
    with pytest.raises(ModelError, match="not a plain file"):
        model.open_model(path)


def test_extended_headers_and_sparse_files_are_refused(path: Path) -> None:
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT, pax_headers={"comment": "x" * 10_000}) as archive:
        archive.addfile(tarfile.TarInfo("metadata.json"), io.BytesIO(b""))
    with pytest.raises(ModelError, match="not a plain file"):
        model.open_model(path)
    sparse = tarfile.TarInfo("domain.json")
    sparse.type = tarfile.GNUTYPE_SPARSE
    tar(path, [*with_metadata(), (sparse, b"")])
    with pytest.raises(ModelError, match="not a plain file"):
        model.open_model(path)


def test_model_of_rasa_is_refused_with_what_to_do(path: Path) -> None:
    folder = path.parent / "rasa"
    (folder / "components" / "train_X").mkdir(parents=True)
    (folder / "components" / "train_X" / "model.pkl").write_bytes(b"x")
    (folder / "metadata.json").write_text('{"model_id": "b", "rasa_open_source_version": "3.6.21", "domain": {}}')
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, arcname="")
    with pytest.raises(ModelError, match="botapi did not make it .*Models of Rasa can't be used.*botapi train"):
        model.open_model(path)
    tar(path, [("metadata.json", (folder / "metadata.json").read_bytes())])
    with pytest.raises(ModelError, match="no format number.*Models of Rasa can't be used"):
        model.open_model(path)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"not an archive at all", id="text"),
        pytest.param(b"PK\x03\x04" + b"\xff" * 100, id="zip that ends"),
        pytest.param(b"PK\x05\x06" + b"\xff" * 18, id="zip directory anywhere"),
        pytest.param(gzip.compress(b"no tar" * 1000), id="gzip of something else"),
        pytest.param(gzip.compress(b"x" * 100)[:-20], id="gzip that ends"),
        pytest.param(b"\x1f\x8b\x08\x00" + b"\xff" * 500, id="gzip of noise"),
        pytest.param(gzip.compress(b""), id="empty gzip"),
    ],
)
def test_what_is_no_archive_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ModelError, match="botapi train"):
        model.open_model(path)


def test_every_truncation_is_refused(path: Path) -> None:
    model.pack(path, MEMBERS, METADATA)
    whole = path.read_bytes()
    for size in range(0, len(whole) - 30, 37):
        path.write_bytes(whole[:size])
        with pytest.raises(ModelError):
            model.open_model(path)


def test_every_flipped_byte_is_refused_or_harmless(path: Path) -> None:
    model.pack(path, MEMBERS, METADATA)
    whole = path.read_bytes()
    for place in range(0, len(whole), 11):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            assert model.open_model(path).members == MEMBERS
        except ModelError:
            continue


def tar_bomb(path: Path, claimed: int, real: int) -> None:
    """A member of `claimed` bytes of which `real` are there, all zero."""
    info = tarfile.TarInfo("nlu/00-X/a.npz")
    info.size = claimed
    with gzip.open(path, "wb", compresslevel=1) as file:
        member = tarfile.TarInfo("metadata.json")
        data = metadata_of({})
        member.size = len(data)
        file.write(member.tobuf() + data + bytes(-len(data) % 512) + info.tobuf(tarfile.GNU_FORMAT))
        for _ in range(real >> 20):
            file.write(bytes(1 << 20))


def zip_bomb(path: Path, claimed: int, real: int) -> None:
    zip_(path, [("metadata.json", metadata_of({})), ("nlu/00-X/a.npz", bytes(real))])


@pytest.mark.parametrize(
    ("write", "claimed", "real"),
    [
        pytest.param(tar_bomb, 200 << 20, 200 << 20, id="tar of 200 MiB of zeros"),
        pytest.param(tar_bomb, 1 << 62, 4 << 20, id="tar that claims 4 EiB"),
        pytest.param(tar_bomb, -512, 0, id="tar with a negative size"),
        pytest.param(zip_bomb, 0, 100 << 20, id="zip of 100 MiB of zeros"),
    ],
)
def test_bomb_is_refused_in_a_second_and_little_memory(
    path: Path, write: Callable[[Path, int, int], None], claimed: int, real: int
) -> None:
    write(path, claimed, real)
    tracemalloc.start()
    start = time.perf_counter()
    with pytest.raises(ModelError, match="unpacks to more than|negative size"):
        model.open_model(path)
    elapsed_s, (_, peak_bytes) = time.perf_counter() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert elapsed_s < 1
    assert peak_bytes < 32 << 20


def test_cap_counts_what_comes_out(path: Path) -> None:
    model.pack(path, MEMBERS, METADATA)
    with pytest.raises(ModelError, match="unpacks to more than 10000 bytes"):
        model.open_model(path, max_bytes=10_000)


def test_long_directory_of_a_zip_is_not_read(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(25_000):
            archive.writestr(f"nlu/00-X/{number}.json", b"")
    start = time.perf_counter()
    with pytest.raises(ModelError, match="directory is longer than"):
        model.open_model(path)
    assert time.perf_counter() - start < 1


def test_encrypted_or_strangely_packed_zip_is_refused(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("metadata.json", metadata_of({}))
    with pytest.raises(ModelError, match="encrypted, or not deflated"):
        model.open_model(path)
    zip_(path, [("metadata.json", metadata_of({}))])
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="encrypted, or not deflated"):
        model.open_model(path)


def test_json_member_that_is_missing_or_broken(path: Path) -> None:
    model.pack(path, {"domain.json": b"{broken}"}, METADATA)
    archive = model.open_model(path)
    with pytest.raises(ModelError, match="domain.json is not JSON"):
        archive.json("domain.json")
    with pytest.raises(ModelError, match="has no config.json"):
        archive.json("config.json")


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": "[[[[", "b\\\\": ["]", "\\"{"], "c": {}}',
        b'["\\u005b", "\\n[", "\\\\"]',
        b"[" * 100 + b"]" * 100,
        b"7",
        b"",
    ],
)
def test_brackets_in_texts_do_not_count_as_depth(data: bytes) -> None:
    check_json(data, "x.json")
