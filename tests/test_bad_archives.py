"""Archives that somebody packed himself: members of other shapes and names in, a 400 that names the model out."""

from __future__ import annotations

import json

import pytest

from botapi.model import open_model, pack
from botapi.wsgi import create_app
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
