"""Files in forms: a request with a `multipart/form-data` body in (RFC 7578); one file's bytes and name out.

The body is read block by block, so that a long file never lies in memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message
from typing import IO, Any

from botapi.errors import InputError

FORM = "multipart/form-data"
BLOCK_BYTES = 1 << 16
MAX_HEADER_BYTES = 8 << 10
MAX_PARTS = 20
BOUNDARY = re.compile(r"[ -~]{0,69}[!-~]")  # RFC 2046, 5.1.1, and the signs that it leaves out: clients use them


def copy_field(stream: Any, content_type: str, field: str, file: IO[bytes]) -> str | None:
    """Copy what the form has in `field` into `file`; returns the file name that its sender gave, or None.

    `stream` is wsgi.input, which ends where the body does. Raises InputError for a malformed form or one without it.
    """
    parts = _Parts(stream, _boundary(content_type))
    for _ in range(MAX_PARTS):
        headers = parts.next()
        if headers is None:
            break
        disposition = _header(headers.get("content-disposition", ""))
        is_wanted = disposition.get_param("name", header="content-disposition") == field
        for block in parts.blocks():
            if is_wanted:
                file.write(block)
        if is_wanted:
            return disposition.get_filename()
    raise _refused(f"it has no field {field!r}", field)


def _boundary(content_type: str) -> bytes:
    boundary = Message()
    boundary["content-type"] = content_type
    found = boundary.get_boundary("")
    if not BOUNDARY.fullmatch(found):
        raise _refused("its Content-Type names no boundary")
    return found.encode("ascii")


def _header(value: str) -> Message:
    message = Message()
    message["content-disposition"] = value
    return message


class _Parts:
    """The parts of a form, in order: `next()` gives the headers of one, then `blocks()` its content."""

    def __init__(self, stream: Any, boundary: bytes) -> None:
        self._stream = stream
        self._delimiter = b"\r\n--" + boundary
        # The first delimiter may stand at the very beginning, without the line break before it.
        self._rest = b"\r\n"
        self._is_over = False
        for _ in self.blocks():  # what stands before it is to be ignored
            pass

    def next(self) -> dict[str, str] | None:
        """The headers of the next part, names in lower case; None behind the last one."""
        if self._is_over:
            return None
        while b"\r\n\r\n" not in self._rest:
            if len(self._rest) > MAX_HEADER_BYTES or not self._more():
                raise _refused("the headers of a part don't end")
        lines, self._rest = self._rest.split(b"\r\n\r\n", 1)
        # The line break belongs to the next delimiter, too, where the part is empty.
        self._rest = b"\r\n" + self._rest if self._rest.startswith(self._delimiter[2:]) else self._rest
        pairs = (line.partition(":") for line in lines.decode("utf-8", "replace").split("\r\n"))
        return {name.strip().lower(): value.strip() for name, _, value in pairs}

    def blocks(self) -> Iterator[bytes]:
        """The content of the part, up to the next delimiter, which is taken away."""
        size = len(self._delimiter)
        while (place := self._rest.find(self._delimiter)) < 0:
            # What may be the beginning of a delimiter is kept.
            kept = max(0, len(self._rest) - size + 1)
            yield self._rest[:kept]
            self._rest = self._rest[kept:]
            if not self._more():
                raise _refused("it ends in the middle")
        yield self._rest[:place]
        self._rest = self._rest[place + size :]
        while len(self._rest) < 2 and self._more():
            pass
        self._is_over = self._rest.startswith(b"--")

    def _more(self) -> bool:
        block = self._stream.read(BLOCK_BYTES)
        self._rest += block
        return bool(block)


def _refused(why: str, field: str = "") -> InputError:
    return InputError(f"The form is not accepted: {why}.", details={"parameter": field, "in": "body"})
