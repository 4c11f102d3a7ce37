"""Forms with files: bodies in; the file of one field and its name out, or a 400."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import encode_multipart_formdata

from botapi.errors import InputError
from botapi.web.multipart import BLOCK_BYTES, copy_field

TYPE = "multipart/form-data; boundary=b"


class Slow(io.BytesIO):
    """A stream that gives a few bytes at a time, as sockets may."""

    def read(self, size=-1):
        return super().read(min(size, 7))


def field(body, content_type=TYPE, stream=io.BytesIO, name="model"):
    file = io.BytesIO()
    found = copy_field(stream(body), content_type, name, file)
    return found, file.getvalue()


@given(st.binary(max_size=300), st.sampled_from([io.BytesIO, Slow]))
def test_what_urllib3_writes_comes_back(content, stream):
    body, content_type = encode_multipart_formdata({"other": "x", "model": ("a.zip", content), "last": b"\r\n--"})
    assert field(body, content_type, stream) == ("a.zip", content)


@given(st.lists(st.sampled_from([b"\r\n", b"--b", b"\r\n--", b"b", b"-", b"\r", b"\n--c"]), max_size=12).map(b"".join))
def test_content_that_looks_like_a_boundary_comes_back(content):
    head = b'--b\r\nContent-Disposition: form-data; name="model"; filename="x"\r\n\r\n'
    if b"\r\n--b" in b"\r\n" + content:
        return
    assert field(head + content + b"\r\n--b--\r\n") == ("x", content)


def test_a_file_of_several_blocks_comes_back():
    content = bytes(range(256)) * (BLOCK_BYTES // 100)
    body, content_type = encode_multipart_formdata({"model": ("a", content)})
    assert field(body, content_type) == ("a", content)


def test_what_stands_before_and_behind_the_parts_is_left_out():
    body = b'hello\r\n--b  \r\nContent-Disposition: form-data; name="model"\r\n\r\nx\r\n--b--\r\nbye'
    assert field(body) == (None, b"x")


PART = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n'


@pytest.mark.parametrize(
    ("body", "content_type", "why"),
    [
        pytest.param(b"", TYPE, "ends in the middle", id="empty"),
        pytest.param(b"x" * 100_000, TYPE, "ends in the middle", id="no parts"),
        pytest.param(PART + b"x", TYPE, "ends in the middle", id="no end"),
        pytest.param(b"--b\r\nA: " + b"x" * 100_000, TYPE, "headers of a part", id="endless header"),
        pytest.param(b"--b\r\nA: x", TYPE, "headers of a part", id="half a header"),
        pytest.param(b"--b--\r\n", TYPE, "no field 'model'", id="no part"),
        pytest.param(PART.replace(b"model", b"other") + b"x\r\n--b--", TYPE, "no field 'model'", id="other field"),
        pytest.param(b"--b\r\n\r\nx\r\n--b--", TYPE, "no field 'model'", id="no name"),
        pytest.param(b"--b\r\n\r\n\r\n" * 50 + PART + b"x\r\n--b--", TYPE, "no field 'model'", id="many parts"),
        pytest.param(PART + b"x\r\n--b--", "multipart/form-data", "no boundary", id="no boundary"),
        pytest.param(PART + b"x\r\n--b--", "multipart/form-data; boundary=", "no boundary", id="empty boundary"),
        pytest.param(PART, f"multipart/form-data; boundary={'b' * 71}", "no boundary", id="long boundary"),
        pytest.param(PART, 'multipart/form-data; boundary="\xe4"', "no boundary", id="odd boundary"),
    ],
)
def test_a_malformed_form_is_refused(body, content_type, why):
    with pytest.raises(InputError, match=why):
        field(body, content_type)
