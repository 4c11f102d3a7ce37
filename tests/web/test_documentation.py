"""docs/http-api.md: the page in; a failure for every endpoint of the server that it doesn't know, and the reverse."""

from __future__ import annotations

import re
from pathlib import Path

from botapi.channels import load_channels
from botapi.outbound import Outbound
from botapi.web import routes

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "http-api.md").read_text()


def test_page_and_table_name_the_same_endpoints():
    channels = load_channels({"rest": None, "callback": {"url": "http://a.example"}}, Outbound())
    table = [*routes.endpoints(jwt=True), *(endpoint for channel in channels for endpoint in channel.endpoints())]
    served = {(endpoint.method, endpoint.path.replace(":path}", "}")) for endpoint in table}
    written = set(re.findall(r"^\| `([A-Z]+) (/[^` ]*)` \|", PAGE, re.MULTILINE))
    assert written == served


def test_every_query_parameter_that_handlers_read_is_described():
    source = "".join(path.read_text() for path in (Path(routes.__file__).parent).rglob("*.py"))
    read = set(re.findall(r"request\.(?:query|flag|number|integer)\(\s*\"(\w+)\"", source))
    assert len(read) >= 9
    assert all(f"`{name}`" in PAGE for name in read)
