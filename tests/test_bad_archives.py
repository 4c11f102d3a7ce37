"""Archives that somebody packed himself: members of other shapes and names in, a 400 that names the model out."""

from __future__ import annotations

import gzip
import json
import pickle
import struct
import tarfile
import time
import tracemalloc
from pathlib import Path
from tempfile import gettempdir

import pytest

from botapi.model import open_model, pack
from botapi.wsgi import create_app
from tests.archives import cost_of_loading, npz, tar, whole, zipped
from tests.attackedbot import agent, archive
from tests.attacks import VALUES, check
from tests.strict import client

MEMBERS = sorted(open_model(archive()).members)


@pytest.fixture
def server(tmp_path):
    """A server that takes its models from a folder of the test's own."""
    made = create_app(agent())
    made.api.model_folders = (tmp_path,)
    yield made
    made.close()


def put(server, path):
    body = json.dumps({"model_file": str(path)}).encode()
    return check(client(server).request("/model", method="PUT", body=body, expect_errors=True))


def repacked(tmp_path, **members):
    """The good model with some of its members replaced, or left out where they are None."""
    changed = {**open_model(archive()).members, **members}
    path = tmp_path / "repacked.tar.gz"
    pack(path, {name: data for name, data in changed.items() if data is not None}, {"kind": "full"})
    return path


@pytest.mark.parametrize("member", MEMBERS)
def test_every_member_as_something_else(server, tmp_path, member):
    before = server.api.agent.bot
    contents = [json.dumps(value).encode() for value in VALUES] + [
        b"",
        b"\xff",
        b"[" * 99,
        b"\x93NUMPY\x01\x00",
        b"PK\x05\x06",
    ]
    for content in [*contents, None]:
        answer = put(server, repacked(tmp_path, **{member: content}))
        if answer.status_int != 204:
            assert "repacked.tar.gz" in answer.json["message"]
            assert server.api.agent.bot is before
        server.api.agent.bot = before


@pytest.mark.parametrize("member", [name for name in MEMBERS if name.endswith(".json")])
def test_every_key_of_every_member_as_something_else(server, tmp_path, member):
    content = json.loads(open_model(archive()).members[member])
    if not isinstance(content, dict):
        return
    for key in content:
        for value in VALUES[::3]:
            path = repacked(tmp_path, **{member: json.dumps({**content, key: value}).encode()})
            put(server, path)


@pytest.mark.parametrize("name", ["bait_module.Component", "os.system", "../x", "", "__import__"])
@pytest.mark.parametrize("part", ["pipeline", "policies"])
def test_a_class_of_ones_own_is_refused(server, tmp_path, part, name):
    config = json.loads(open_model(archive()).members["config.json"])
    config[part][0] = {"name": name}
    answer = put(server, repacked(tmp_path, **{"config.json": json.dumps(config).encode()}))
    assert answer.status_int == 400
    assert name in answer.json["message"]


# ---------------------------------------------------------- hostile archives
# What a stranger's archive may cost before it is refused.
LIMIT_S = 1.0
LIMIT_BYTES = 50 << 20

GOOD = dict(open_model(archive()).members)
ARRAYS = next(name for name in MEMBERS if name.endswith("Classifier/weights.npz"))
LABELS = ARRAYS.replace("weights.npz", "labels.json")
TABLE = json.loads(GOOD[LABELS])
SHAPE = (len(TABLE["words"]) + len(TABLE["pieces"]), len(TABLE["labels"]))
GIB = 1 << 30


class Bait:
    """What a pickle would build here: a file that must never be seen."""

    def __reduce__(self):
        return open, (str(Path(gettempdir(), "botapi-bait")), "w")


PICKLE = pickle.dumps(Bait())


def weights(**changes):
    """A member like that of the classifier, some arrays replaced by (descr, shape, bytes)."""
    arrays = {
        "weights": ("<u2", SHAPE, bytes(2 * SHAPE[0] * SHAPE[1])),
        "scale": ("<f8", (1,), struct.pack("<d", 0.1)),
        "bias": ("<f8", SHAPE[1:], bytes(8 * SHAPE[1])),
        "idf": ("<f8", SHAPE[:1], struct.pack("<d", 1.0) * SHAPE[0]),
    }
    return npz(**{**arrays, **changes})


def many(words, labels):
    """A table that makes the classifier expect so many features for so many labels."""
    return json.dumps({**TABLE, "labels": ["a"] * labels, "words": ["b"] * words, "pieces": []}).encode()


# Members that replace those of the good model, or are added to them; a word of the refusal.
HOSTILE = {
    "pickle as a member": ({"nlu/00-X/model.pkl": PICKLE}, "not allowed"),
    "pickle as JSON": ({"config.json": PICKLE}, "not JSON"),
    "pickle as an array": ({ARRAYS: PICKLE}, "weights.npz"),
    "pickle inside an array": ({ARRAYS: weights(idf=("|O", SHAPE[:1], PICKLE))}, "idf.npy"),
    "program": ({"nlu/00-X/run.py": b"import os"}, "not allowed"),
    "path out of the folder": ({"../../bait.json": b"{}"}, "not allowed"),
    "path out of the folder by way of it": ({"nlu/../../../bait.json": b"{}"}, "not allowed"),
    "absolute path": ({"/tmp/bait.json": b"{}"}, "not allowed"),
    "path of another system": ({"nlu\\..\\..\\bait.json": b"{}"}, "not allowed"),
    "drive of another system": ({"C:\\bait.json": b"{}"}, "not allowed"),
    "bomb in one member": ({"nlu/00-X/a.npz": bytes(16 << 20)}, "unpacks to more than"),
    "bomb in many members": ({f"nlu/00-X/{n}.npz": bytes(1 << 20) for n in range(16)}, "unpacks to more than"),
    "bomb in an array": ({ARRAYS: weights(weights=("<u2", SHAPE, bytes(16 << 20)))}, "weights.npy"),
    "table that asks for 10 GiB": ({LABELS: many(70_000, labels=70_000)}, "expected at most"),
    "not a number": ({ARRAYS: weights(bias=("<f8", SHAPE[1:], struct.pack("<d", float("nan")) * SHAPE[1]))}, "none"),
    "infinity": ({ARRAYS: weights(scale=("<f8", (1,), struct.pack("<d", float("inf"))))}, "infinite"),
    "one row too many": ({ARRAYS: weights(weights=("<u2", (SHAPE[0] + 1, SHAPE[1]), bytes(99)))}, "shape"),
    "columns as rows": ({ARRAYS: weights(weights=("<u2", SHAPE[::-1], bytes(2 * SHAPE[0] * SHAPE[1])))}, "shape"),
    "negative shape": ({ARRAYS: weights(bias=("<f8", (-1,), b""))}, "shape"),
    "other type": ({ARRAYS: weights(weights=("<f2", SHAPE, bytes(2 * SHAPE[0] * SHAPE[1])))}, "type"),
    "half an array": ({ARRAYS: GOOD[ARRAYS][: len(GOOD[ARRAYS]) // 2]}, "weights.npz"),
    "lists without end": ({"domain.json": b"[" + b"[]," * 200_000 + b"[]]"}, "more values"),
    "objects without end": ({"domain.json": b'{"intents": [' + b'{"a": 0},' * 390_000 + b"0]}"}, "more values"),
    "quotes without end": ({"config.json": b'"' * (6 << 20)}, "more values"),
    "depth without end": ({"config.json": b'[{"a":' * 190_000}, "nested deeper"),
    "digits without end": ({"config.json": b"9" * (6 << 20)}, "not JSON"),
}  # fmt: skip


@pytest.mark.parametrize("write", [tar, zipped], ids=["tar.gz", "zip"])
@pytest.mark.parametrize("fault", HOSTILE)
def test_a_hostile_archive_is_refused_soon_and_cheaply(server, tmp_path, fault, write):
    members, word = HOSTILE[fault]
    path = write(tmp_path / "hostile.zip", whole({**GOOD, **members}))
    refused(server, path, word)


def refused(server, path, word):
    """The archive is refused in time and memory, with the word, and changes nothing, neither here nor on the disk."""
    before, files = server.api.agent.bot, sorted(path.parent.rglob("*"))
    started = time.process_time()
    answer = put(server, path)
    took_s = time.process_time() - started
    tracemalloc.start()
    try:
        again = put(server, path)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert answer.status_int == again.status_int == 400
    assert word in answer.json["message"]
    assert 50 < len(answer.json["message"]) < 1000
    assert server.api.agent.bot is before
    assert sorted(path.parent.rglob("*")) == files
    assert not Path(gettempdir(), "botapi-bait").exists()
    assert took_s < LIMIT_S and peak_bytes < LIMIT_BYTES


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_a_link_or_device_in_a_tar_is_refused(server, tmp_path, kind):
    members = {**whole(GOOD), "nlu/00-X/a.json": b""}
    refused(server, tar(tmp_path / "link.tar.gz", members, type=kind, linkname="/etc/passwd"), "not a plain file")


@pytest.mark.parametrize("mode", [0o120777, 0o040755, 0o010644])
def test_a_link_or_device_in_a_zip_is_refused(server, tmp_path, mode):
    members = {**whole(GOOD), "nlu/00-X/a.json": b"/etc/passwd"}
    refused(server, zipped(tmp_path / "link.zip", members, mode=mode), "not a plain file")


@pytest.mark.parametrize("write", [tar, zipped], ids=["tar.gz", "zip"])
def test_a_header_that_claims_ten_gigabytes_is_refused(server, tmp_path, write):
    members = whole({**GOOD, "nlu/00-X/a.npz": bytes(1000)})
    refused(server, write(tmp_path / "claims.zip", members, size=10 * GIB), "unpacks to more than")


def test_a_gibibyte_of_zeros_is_refused(server, tmp_path):
    path = tar(tmp_path / "bomb.tar.gz", whole({**GOOD, "nlu/00-X/a.npz": b""}), size=GIB)
    # Parts of a gzip file follow each other, so this needs no time to write.
    path.write_bytes(path.read_bytes() + 1024 * gzip.compress(bytes(1 << 20), 1))
    refused(server, path, "unpacks to more than")


def test_all_that_a_process_takes_for_hostile_archives_is_little(tmp_path):
    """The memory of C libraries is measured, too, which tests in this process don't see."""
    paths = [
        write(tmp_path / f"{number}.{write.__name__}", whole({**GOOD, **members}))
        for number, (members, _) in enumerate(HOSTILE.values())
        for write in (tar, zipped)
    ]
    paths.append(tar(tmp_path / "claims.tar.gz", whole({**GOOD, "nlu/00-X/a.npz": b""}), size=10 * GIB))
    paths.append(tar(tmp_path / "bomb.tar.gz", whole({**GOOD, "nlu/00-X/a.npz": b""}), size=GIB))
    paths[-1].write_bytes(paths[-1].read_bytes() + 1024 * gzip.compress(bytes(1 << 20), 1))
    found = cost_of_loading(archive(), paths, tmp_path)
    assert len(found) == len(paths)
    for said, took_s, grown_kib in found.values():
        assert "is refused" in said
        assert took_s < LIMIT_S and grown_kib << 10 < LIMIT_BYTES, said


def test_every_flipped_byte_is_refused_or_harmless(server, tmp_path):
    content = archive().read_bytes()
    path = tmp_path / "flipped.tar.gz"
    for place in range(0, len(content), len(content) // 30):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
        answer = put(server, path)
        assert answer.status_int in (204, 400)
        if answer.status_int == 204:
            assert open_model(path).members == GOOD


def test_a_flipped_byte_in_an_array_whose_digest_fits_is_refused_or_loads(server, tmp_path):
    content = GOOD[ARRAYS]
    for place in range(0, len(content), len(content) // 30):
        flipped = content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :]
        assert put(server, repacked(tmp_path, **{ARRAYS: flipped})).status_int in (204, 400)
