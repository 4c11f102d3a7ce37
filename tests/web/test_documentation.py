"""docs/http-api.md: the page in; a failure for every endpoint of the server that it doesn't know, and the reverse."""

from __future__ import annotations

import re
from pathlib import Path

from botapi.web import routes
from botapi.web.openapi.document import path_of
from botapi.web.router import pattern
from tests.endpoints import whole_table

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "http-api.md").read_text()


def test_page_and_table_name_the_same_endpoints():
    served = {(endpoint.method, path_of(endpoint)) for endpoint in whole_table()}
    written = set(re.findall(r"^\| `([A-Z]+) (/[^` ]*)` \|", PAGE, re.MULTILINE))
    assert written == served


def test_every_query_parameter_that_handlers_read_is_described():
    source = "".join(path.read_text() for path in (Path(routes.__file__).parent).rglob("*.py"))
    read = set(re.findall(r"request\.(?:query|flag|number|integer)\(\s*\"(\w+)\"", source))
    assert len(read) >= 9
    assert all(f"`{name}`" in PAGE for name in read)


def test_every_endpoint_of_conversations_and_every_older_one_has_an_example():
    """tests/test_docs.py runs the examples."""
    told = [
        endpoint for endpoint in whole_table() if re.match("/(conversations|parse|predict|evaluate)", endpoint.path)
    ]
    calls = [shown_call(line) for line in re.findall(r"^curl .*", PAGE, re.MULTILINE)]
    for endpoint in told:
        path = pattern(endpoint.path)
        assert any(method == endpoint.method and path.fullmatch(called) for method, called in calls), endpoint.path


def shown_call(line):
    """(method, path) of a curl command."""
    method = re.search(r"-X ?([A-Z]+)", line)
    return method[1] if method else "GET", re.search(r"localhost:5005(/[^ ?\"]*)", line)[1]
