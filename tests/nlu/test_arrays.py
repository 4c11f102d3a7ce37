"""Arrays in numpy's form: numpy reads what we write, we read what numpy writes, and damage is refused."""

from __future__ import annotations

import io
import zipfile
from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from botapi.errors import ModelError
from botapi.nlu.arrays import Array, read_arrays, write_arrays

SAMPLE = {
    "weights": Array((2, 3), array("H", [1, 2, 3, 4, 5, 65535])),
    "bias": Array((3,), array("d", [0.5, -1.0, 1e-300])),
    "scale": Array((1,), array("f", [0.25])),
}
SHAPES = {"weights": ("H", (2, 3)), "bias": ("d", (3,)), "scale": ("f", (1,))}
GOOD = write_arrays(SAMPLE)


def read(body, shapes=None):
    return read_arrays({"w.npz": body}, "w.npz", shapes or SHAPES)


def numpy_file(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def with_member(name, body):
    """A zip file with one member of our own making."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, body)
    return file.getvalue()


def with_header(text):
    return with_member("a.npy", b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode())


def numpy_file_compressed(compression):
    with zipfile.ZipFile(io.BytesIO(numpy_file(a=np.zeros(3)))) as file:
        body = file.read("a.npy")
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", compression) as file:
        file.writestr("a.npy", body)
    return found.getvalue()


def test_round_trip():
    assert read(GOOD) == SAMPLE


def test_equal_arrays_give_equal_bytes():
    assert write_arrays(SAMPLE) == GOOD


def test_numpy_reads_what_we_write():
    with np.load(io.BytesIO(GOOD), allow_pickle=False) as found:
        assert found["weights"].tolist() == [[1, 2, 3], [4, 5, 65535]]
        assert found["bias"].tolist() == [0.5, -1.0, 1e-300]
        assert [found[name].dtype for name in SAMPLE] == [np.uint16, np.float64, np.float32]


def test_we_read_what_numpy_writes():
    body = numpy_file(a=np.arange(6, dtype=np.uint16).reshape(2, 3), b=np.array([1.5]))
    found = read(body, {"a": ("H", (2, 3)), "b": ("d", (1,))})
    assert (list(found["a"].data), list(found["b"].data)) == ([0, 1, 2, 3, 4, 5], [1.5])


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"PK\x03\x04 no zip", id="no zip"),
        pytest.param(numpy_file(a=np.zeros(3), b=np.zeros(3)), id="an array too many"),
        pytest.param(numpy_file(b=np.zeros(3)), id="another name"),
        pytest.param(numpy_file(a=np.zeros(2)), id="another shape"),
        pytest.param(numpy_file(a=np.zeros((3, 1))), id="another number of dimensions"),
        pytest.param(numpy_file(a=np.zeros(3, np.float32)), id="another type"),
        pytest.param(numpy_file(a=np.zeros(3, ">f8")), id="big-endian"),
        pytest.param(numpy_file(a=np.array([1, np.nan, 2])), id="NaN"),
        pytest.param(numpy_file(a=np.array([1, np.inf, 2])), id="infinity"),
        pytest.param(numpy_file(a=np.array([None, 1, 2])), id="pickled objects"),
        pytest.param(with_member("a.npy", b"\x93NUMPY\x02\x00\x10\x00"), id="another version"),
        pytest.param(with_member("a.npy", b"\x93NUMPY\x01\x00\xff\xff{"), id="header cut off"),
        pytest.param(with_member("a.npy", b"\x93NUMPY\x01\x00\x0b\x00__import__("), id="code as header"),
        pytest.param(with_member("a.npy", b"\0" * 10_000_000), id="far too long"),
        pytest.param(with_header("{[]: 1}"), id="a key that is none"),
        pytest.param(with_header(f"1{'0' * 400}+1j"), id="a number that is too large"),
        pytest.param(numpy_file_compressed(zipfile.ZIP_BZIP2), id="another compression"),
    ],
)
def test_anything_else_is_refused(body):
    with pytest.raises(ModelError, match=r"'w\.npz'"):
        read(body, {"a": ("d", (3,))})


def test_a_missing_member_is_named():
    with pytest.raises(ModelError, match="lacks the member"):
        read_arrays({}, "w.npz", SHAPES)


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_flipped_byte_is_refused_or_does_no_harm(place, change):
    body = bytearray(GOOD)
    body[place] ^= change
    try:
        assert read(bytes(body)).keys() == SAMPLE.keys()
    except ModelError:
        pass
