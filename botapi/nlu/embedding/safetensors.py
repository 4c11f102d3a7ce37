"""Arrays in a safetensors file: a path in, named numpy arrays that stay on disk until they are used out.

Format: https://huggingface.co/docs/safetensors: eight bytes with the length of a JSON header, the header, the numbers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botapi.errors import ConfigError

MOST_HEADER_BYTES = 10 << 20
DTYPES = {"F32": "<f4", "F16": "<f2"}


def read(numpy: Any, file: Path) -> Mapping[str, Any]:
    """The arrays of a file as float32, or float16, by name; those of other types are left out.

    Raises ConfigError for what is no such file, or one that is cut off; OSError when it can't be read.
    """
    size_bytes = file.stat().st_size
    with file.open("rb") as opened:
        header_bytes = int.from_bytes(opened.read(8), "little")
        if header_bytes > min(MOST_HEADER_BYTES, size_bytes - 8):
            raise ConfigError(f"{file} is not a safetensors file, or is cut off")
        try:
            header = json.loads(opened.read(header_bytes))
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{file} is not a safetensors file: {error}") from error
    body = numpy.memmap(file, dtype=numpy.uint8, mode="r", offset=8 + header_bytes) if size_bytes > 8 else b""
    try:
        return {
            name: _array(body, about["dtype"], about["shape"], *about["data_offsets"])
            for name, about in header.items()
            if name != "__metadata__" and about["dtype"] in DTYPES
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{file} is not a safetensors file: {error}") from error


def _array(body: Any, dtype: str, shape: list[int], start: int, end: int) -> Any:
    width = int(DTYPES[dtype][-1])
    if not 0 <= start <= end <= len(body) or end - start != width * math.prod(shape):
        raise ValueError(f"an array of shape {shape} lies from byte {start} to {end} of {len(body)}")
    return body[start:end].view(DTYPES[dtype]).reshape(shape)
