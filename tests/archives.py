"""Archives that `pack` would not write: members with any name, bytes and claims in; a .tar.gz or .zip file out.

And what it costs to load them.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

MEASURE = """\
import json, re, sys, time
from botapi.agent.bot import Services, load_bot
from botapi.errors import ModelError
from botapi.model import open_model

def kib(name):
    return int(re.search(name + r":\\s+(\\d+)", open("/proc/self/status").read())[1])

good, *paths = sys.argv[1:]
load_bot(open_model(good), Services())
found = {}
for path in paths:
    # NOTE: what getrusage says begins with the memory of the process that started this one.
    open("/proc/self/clear_refs", "w").write("5")
    before, started, said = kib("VmRSS"), time.process_time(), ""
    try:
        load_bot(open_model(path), Services())
    except ModelError as error:
        said = error.message
    found[path] = [said, time.process_time() - started, kib("VmHWM") - before]
print(json.dumps(found))
"""

DIRECTORY_SIZE = 24  # where an entry of a zip file's directory says the unpacked size, from its signature


def metadata(members: Mapping[str, bytes]) -> bytes:
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    return json.dumps({"format": 1, "model_id": "a" * 32, "name": "made", "kind": "full", "sha256": sums}).encode()


def whole(members: Mapping[str, bytes]) -> dict[str, bytes]:
    """The members behind metadata that fits them."""
    return {"metadata.json": metadata(members), **members}


def tar(path: Path, members: Mapping[str, bytes], **claims) -> Path:
    """A .tar.gz; `claims` are fields of the last member's TarInfo."""
    with gzip.open(path, "wb", compresslevel=1) as file:
        for number, (name, data) in enumerate(members.items(), 1):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for key, value in claims.items() if number == len(members) else ():
                setattr(info, key, value)
            file.write(info.tobuf(tarfile.GNU_FORMAT))
            file.write(data)
            file.write(bytes(-len(data) % tarfile.BLOCKSIZE))
        file.write(bytes(2 * tarfile.BLOCKSIZE))
    return path


def zipped(path: Path, members: Mapping[str, bytes], *, size: int | None = None, mode: int | None = None) -> Path:
    """A .zip; the last member claims `size` bytes, and has the file mode `mode`."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (name, data) in enumerate(members.items(), 1):
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if mode is not None and number == len(members):
                info.create_system, info.external_attr = 3, mode << 16
            archive.writestr(info, data)
    if size is not None:
        file = bytearray(path.read_bytes())
        place = file.rindex(b"PK\x01\x02") + DIRECTORY_SIZE
        file[place : place + 4] = struct.pack("<I", min(size, 0xFFFFFFFE))
        path.write_bytes(file)
    return path


def npz(**arrays: tuple[str, tuple[int, ...], bytes]) -> bytes:
    """An .npz file of {name: (descr, shape, bytes)}, whatever they say."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (descr, shape, data) in arrays.items():
            header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
            archive.writestr(
                f"{name}.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data
            )
    return file.getvalue()


def cost_of_loading(good: Path, archives: Iterable[Path], folder: Path) -> dict[Path, tuple[str, float, int]]:
    """By archive what is said when it is refused ("": it loads), seconds of processor time, and KiB of memory.

    In a process of its own in `folder`, which has loaded the good one; the memory of C libraries is measured, too.
    """
    command = [sys.executable, "-c", MEASURE, *map(str, [good, *archives])]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return {Path(path): tuple(costs) for path, costs in json.loads(done.stdout).items()}
