"""Limits of bodies: what endpoints.yml says holds for every endpoint, and the answer says it."""

from __future__ import annotations

import pytest

from botapi.errors import ConfigError
from botapi.web.api import Endpoint
from botapi.web.bodies import limited
from tests.strict import client

LIMITS = {"body_limit": {"bytes": 1000, "upload_bytes": 2000}}


@pytest.mark.parametrize(
    "path, limit",
    [
        ("/webhooks/rest/webhook", 1000),
        ("/conversations/a/tracker/events", 1000),
        ("/model/parse", 1000),
        ("/model/train", 2000),
        ("/model/test/stories", 2000),
    ],
)
def test_a_body_over_the_limit_is_413(serve, path, limit):
    app = client(serve(endpoints=LIMITS))
    found = app.post(path, b"[" * (limit + 1), status=413).json
    assert (found["reason"], found["details"]) == ("PayloadTooLarge", {"limit_bytes": limit})
    app.post(path, b"[" * limit, status=400)


def test_without_the_section_chat_takes_a_mebibyte_and_training_a_hundred(serve):
    limits = {endpoint.path: endpoint.limit_bytes for endpoint in serve().table if endpoint.method == "POST"}
    assert limits["/webhooks/rest/webhook"] == limits["/conversations/{conversation_id:path}/tracker/events"] == 1 << 20
    assert limits["/model/train"] == limits["/model/test/intents"] == 100 << 20


def test_an_endpoint_may_have_a_limit_of_its_own():
    (found,) = limited([Endpoint("POST", "/x", lambda: None, limit_bytes=5)], LIMITS["body_limit"])
    assert found.limit_bytes == 5


@pytest.mark.parametrize("section", [{"size": 1}, {"bytes": 0}, {"bytes": "1000"}, {"upload_bytes": True}])
def test_a_senseless_section_is_refused(section):
    with pytest.raises(ConfigError, match="body_limit"):
        limited([], section)
