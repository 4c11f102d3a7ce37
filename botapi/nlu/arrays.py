"""Arrays of a model in numpy's own `.npz` form, without numpy: arrays in, bytes out, and back with all sizes checked.

Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, version 1.0, little-endian only.
"""

from __future__ import annotations

import ast
import io
import math
import sys
import zipfile
import zlib
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botapi.errors import ModelError
from botapi.nlu.tables import ADVICE

# Type code of the standard library's array -> the same as numpy writes it.
DTYPES = {"f": "<f4", "d": "<f8", "H": "<u2", "B": "|u1"}
MAGIC = b"\x93NUMPY\x01\x00"
ALIGNMENT = 64
# SECURITY: arrays may hold MAX_RATIO times the bytes of their file, or MAX_BYTES_OF_SMALL where that is more.
MAX_BYTES = 1 << 30
MAX_RATIO = 30
MAX_BYTES_OF_SMALL = 8 << 20
ZIP_TIME = (1980, 1, 1, 0, 0, 0)


Kind = tuple[str, tuple[int, ...]]  # type code, shape
# What the standard library raises for a damaged zip file or header.
DAMAGES = (
    ValueError, TypeError, OverflowError, SyntaxError, EOFError, NotImplementedError, RuntimeError, MemoryError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


@dataclass(frozen=True)
class Array:
    """Numbers in row-major order: `len(data)` is the product of `shape`."""

    shape: tuple[int, ...]
    data: array[Any]


def write_arrays(arrays: Mapping[str, Array]) -> bytes:
    """An `.npz` file that `numpy.load` opens; the same arrays give the same bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in arrays.items():
            info = zipfile.ZipInfo(f"{name}.npy", ZIP_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            archive.writestr(info, _header(value) + _little_endian(value.data).tobytes())
    return file.getvalue()


def read_arrays(members: Mapping[str, bytes], name: str, shapes: Mapping[str, Kind]) -> dict[str, Array]:
    """The arrays of a member, which must be exactly those of `shapes`, and finite.

    Raises ModelError when anything is missing, too much, or of another type or size.
    """
    if name not in members:
        raise ModelError(f"The model lacks the member {name!r}; {ADVICE}")
    try:
        _check_sizes(shapes.values(), len(members[name]))
        with zipfile.ZipFile(io.BytesIO(members[name])) as archive:
            found = {info.filename: info for info in archive.infolist()}
            if sorted(found) != sorted(f"{key}.npy" for key in shapes) or len(found) != len(archive.infolist()):
                raise ValueError(f"it has {sorted(found)[:10]}, expected {sorted(shapes)}")
            return {key: _read(archive, found[f"{key}.npy"], *shapes[key]) for key in shapes}
    except DAMAGES as error:
        raise ModelError(f"Member {name!r} of the model has unexpected contents: {error}; {ADVICE}") from error


def _check_sizes(kinds: Iterable[Kind], file_bytes: int) -> None:
    size_bytes = sum(math.prod(shape) * array(typecode).itemsize for typecode, shape in kinds)
    limit = min(MAX_BYTES, max(MAX_BYTES_OF_SMALL, MAX_RATIO * file_bytes))
    if size_bytes > limit:
        raise ValueError(f"arrays of {size_bytes} bytes, expected at most {limit} in a file of {file_bytes}")


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, typecode: str, shape: tuple[int, ...]) -> Array:
    data: array[Any] = array(typecode)
    size_bytes = math.prod(shape) * data.itemsize
    expected = _header(Array(shape, data))
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{info.filename} is compressed in another way")
    if info.file_size > size_bytes + 4096:
        raise ValueError(f"{info.filename} has {info.file_size} bytes, expected {size_bytes} and a header")
    with archive.open(info) as file:
        body = file.read(size_bytes + 4097)
    start = _header_size(body)
    if _description(body[:start]) != _description(expected):
        raise ValueError(f"{info.filename} is not an array of type {DTYPES[typecode]} and shape {shape}")
    if len(body) - start != size_bytes:
        raise ValueError(f"{info.filename} has {len(body) - start} bytes of numbers, expected {size_bytes}")
    data.frombytes(body[start:])
    data = _little_endian(data)
    if typecode in "fd" and not all(map(math.isfinite, data)):
        raise ValueError(f"{info.filename} has a number that is infinite or none")
    return Array(shape, data)


def _header(value: Array) -> bytes:
    description = f"{{'descr': '{DTYPES[value.data.typecode]}', 'fortran_order': False, 'shape': {value.shape}, }}"
    padding = -(len(MAGIC) + 2 + len(description) + 1) % ALIGNMENT
    text = description + " " * padding + "\n"
    return MAGIC + len(text).to_bytes(2, "little") + text.encode("latin-1")


def _header_size(body: bytes) -> int:
    if not body.startswith(MAGIC):
        raise ValueError("an array does not begin as version 1.0 of numpy's format does")
    return len(MAGIC) + 2 + int.from_bytes(body[len(MAGIC) : len(MAGIC) + 2], "little")


def _description(header: bytes) -> Any:
    """The {descr, fortran_order, shape} of a header; a literal, which is never evaluated as code."""
    return ast.literal_eval(header[len(MAGIC) + 2 :].decode("latin-1").strip())


def _little_endian(data: array[Any]) -> array[Any]:
    if sys.byteorder == "little":
        return data
    swapped = array(data.typecode, data)
    swapped.byteswap()
    return swapped
