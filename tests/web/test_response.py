"""Responses: values in; status, headers and bytes out, on every path exactly what WSGI wants."""

from __future__ import annotations

import json

import pytest

from botapi.web.response import (
    Response,
    empty_response,
    file_response,
    json_response,
    stream_response,
    text_response,
    yaml_response,
)
from tests.strict import client


def get(response, method="GET", **options):
    return client(response).request("/", method=method, **options)


def test_json_says_what_it_is_and_how_long():
    found = get(json_response({"a": "é"}))
    assert found.json == {"a": "é"}
    assert found.headers["Content-Type"] == "application/json"
    assert found.headers["Content-Length"] == str(len(found.body))


def test_half_surrogates_from_a_store_do_not_break_json():
    assert json.loads(json_response("\ud800").body) == "\ud800"


def test_text_and_yaml_are_utf8():
    assert get(text_response("é")).headers["Content-Type"] == "text/plain; charset=utf-8"
    assert get(text_response("é")).body == "é".encode()
    assert get(yaml_response("a: 1\n")).headers["Content-Type"] == "application/x-yaml"


def test_a_response_without_body_has_no_content_type():
    found = get(empty_response())
    assert found.status_int == 204
    assert "Content-Type" not in found.headers
    assert found.body == b""


def test_head_gets_headers_only():
    found = get(json_response([1, 2]), method="HEAD")
    assert found.headers["Content-Length"] == "5"
    assert found.body == b""


def test_a_response_can_be_used_again():
    response = json_response([1], headers=[("X-A", "b")])
    for _ in range(2):
        found = get(response)
        assert found.headers.getall("X-A") == ["b"]
        assert found.headers.getall("Content-Length") == ["3"]


def test_a_file_is_sent_whole_under_its_name(tmp_path):
    content = bytes(range(256)) * 1000
    (tmp_path / "model.tar.gz").write_bytes(content)
    found = get(file_response(tmp_path / "model.tar.gz"))
    assert found.body == content
    assert found.headers["Content-Type"] == "application/x-tar"
    assert found.headers["Content-Disposition"] == 'attachment; filename="model.tar.gz"'
    assert found.headers["filename"] == "model.tar.gz"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_file_is_closed_in_the_end(tmp_path, method):
    (tmp_path / "model.tar.gz").write_bytes(b"x")
    response = file_response(tmp_path / "model.tar.gz")
    get(response, method=method)
    assert response.body.file.closed


def test_a_file_may_be_deleted_once_it_is_open(tmp_path):
    path = tmp_path / "model.tar.gz"
    path.write_bytes(b"x" * 100_000)
    response = file_response(path)
    path.unlink()
    assert len(get(response).body) == 100_000


def test_a_stream_is_one_object_a_line():
    found = get(stream_response(iter([{"a": 1}, {"b": "é"}])))
    assert [json.loads(line) for line in found.text.splitlines()] == [{"a": 1}, {"b": "é"}]
    assert found.headers["Content-Type"] == "text/event-stream"


def test_any_status_and_header_can_be_given():
    found = client(Response(b"x", 202, [("Content-Type", "text/plain"), ("X-A", "b")])).get("/", status=202)
    assert found.headers["X-A"] == "b"
