"""/openapi.json and /docs: the table of routes in; a description that names each and says what it takes out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import jsonschema_rs
import pytest
from webtest import TestApp

from botapi.errors import InputError
from botapi.state.events import EVENTS, LEGACY_NAMES, from_dict
from botapi.web.api import Endpoint
from botapi.web.openapi import RESOURCES
from botapi.web.openapi.document import SECURITY_SCHEMES, all_schemas, document, path_of
from tests.attacks import VALUES, variations
from tests.endpoints import whole_table
from tests.strict import client
from tests.test_bad_fields import COMMON, FIELDS, UNDERSTOOD

SUBSCHEMAS = ("items", "additionalProperties", "propertyNames", "contains", "not")
SUBSCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")


TABLE = whole_table()
DOCUMENT = document(TABLE, schemes=SECURITY_SCHEMES)
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)


def validator(schema):
    """A validator of one schema beside all that it may refer to."""
    return jsonschema_rs.Draft202012Validator({**schema, "components": {"schemas": all_schemas()}})


def schemas_of(part) -> Iterator[dict]:
    """Every schema of parameters, bodies, answers and headers in a part of the document."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "schema":
                yield from parts_of(value)
            else:
                yield from schemas_of(value)
    elif isinstance(part, list):
        for value in part:
            yield from schemas_of(value)


def parts_of(schema) -> Iterator[dict]:
    """A schema and all schemas inside it."""
    yield schema
    for key in SUBSCHEMAS:
        if isinstance(schema.get(key), dict):
            yield from parts_of(schema[key])
    inner = [one for key in SUBSCHEMA_LISTS for one in schema.get(key, ())]
    for one in (*inner, *schema.get("properties", {}).values()):
        yield from parts_of(one)


def test_entries_and_table_name_the_same_endpoints():
    written = [key for resource in RESOURCES for key in resource.operations]
    assert sorted(written) == sorted(f"{endpoint.method} {path_of(endpoint)}" for endpoint in TABLE)


def test_the_document_is_what_openapi_3_1_asks_for():
    assert DOCUMENT["openapi"] == "3.1.0"
    assert {"title", "version", "description"} <= set(DOCUMENT["info"])
    tags = [tag["name"] for tag in DOCUMENT["tags"]]
    assert len(set(tags)) == len(tags)
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(names)) == len(names)
    for key, operation in OPERATIONS.items():
        named = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"]
        assert named == re.findall(r"\{(\w+)\}", key)
        assert operation["tags"][0] in tags
        assert all(response["description"] for response in operation["responses"].values())


def test_no_schema_says_nothing():
    for schema in [*all_schemas().values(), *schemas_of(DOCUMENT["paths"])]:
        for part in parts_of(schema):
            says = set(part) - {"description", "examples", "default"}
            assert says, schema
            if part.get("type") == "object":
                assert part.get("properties") or part.get("additionalProperties"), part
            if part.get("type") == "array":
                assert "items" in part, part
            jsonschema_rs.meta.validate(part)


def test_schemas_are_there_and_are_used():
    text = json.dumps(DOCUMENT)
    named = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert named == set(DOCUMENT["components"]["schemas"])


@every_operation
def test_every_refusal_is_the_error_object(operation):
    refusals = [answer for status, answer in operation["responses"].items() if status[0] == "4"]
    for answer in refusals:
        assert answer["content"] == {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}


@every_operation
def test_examples_fit_their_schemas(operation):
    for content in operation.get("requestBody", {}).get("content", {}).values():
        validator(content["schema"]).validate(content["example"])
    for parameter in operation.get("parameters", ()):
        for example in parameter["schema"].get("examples", ()):
            validator(parameter["schema"]).validate(example)


def test_what_is_guarded_says_so():
    for endpoint in TABLE:
        operation = OPERATIONS[f"{endpoint.method} {path_of(endpoint)}"]
        assert ("security" in operation) is not endpoint.public
        assert {"401", "403"} <= set(operation["responses"]) or endpoint.public


def accepted(event) -> bool:
    try:
        from_dict(event)
    except InputError:
        return False
    return True


@pytest.mark.parametrize("kind", [*EVENTS, *LEGACY_NAMES])
def test_the_schema_takes_the_events_that_are_taken(kind):
    """Each field of each kind of event, with a value of every kind, both ways."""
    schema = validator({"$ref": "#/components/schemas/NewEvent"})
    full = {"event": kind, **COMMON, **FIELDS.get(kind, {})}
    assert accepted(full) and schema.is_valid(full)
    for event in variations(full):
        assert schema.is_valid(event) is accepted(event), event


@pytest.mark.parametrize("field", UNDERSTOOD)
def test_the_schema_takes_what_messages_may_be_understood_as(field):
    schema = validator({"$ref": "#/components/schemas/NewEvent"})
    for value in (*VALUES, *([{**UNDERSTOOD["entities"][0], "role": one, "start": one}] for one in VALUES)):
        event = {"event": "user", "parse_data": {**UNDERSTOOD, field: value}}
        assert schema.is_valid(event) is accepted(event), event


def test_the_server_tells_its_own_endpoints(app, server):
    found = app.get("/openapi.json").json
    told = {(method.upper(), path) for path, methods in found["paths"].items() for method in methods}
    assert told == {(endpoint.method, path_of(endpoint)) for endpoint in server.table}
    assert found["servers"] == [{"url": "/"}]
    assert "securitySchemes" not in found["components"] and "/auth" not in found["paths"]


def test_a_mounted_server_tells_where_it_is(server):
    app = TestApp(server, extra_environ={"SCRIPT_NAME": "/b\u00f6t".encode().decode("latin-1")})
    assert app.get("/openapi.json").json["servers"] == [{"url": "/b%C3%B6t"}]
    assert "http://localhost:5005/b%C3%B6t/version" in app.get("/docs").text


def test_the_schemes_are_those_of_the_server(serve):
    app = client(serve(auth_token="t", jwt_secret="a secret of thirty-two characters"))
    found = app.get("/openapi.json?token=t").json
    assert set(found["components"]["securitySchemes"]) == set(SECURITY_SCHEMES)
    assert found["paths"]["/status"]["get"]["security"] == [{"token": []}, {"bearer": []}, {"jwt": []}]
    assert "security" not in found["paths"]["/version"]["get"]


def test_endpoints_of_the_projects_own_channels_are_told_by_their_docstrings():
    def receive(api, request):
        """Take a message from a letter box.

        Slowly.
        """

    (methods,) = document([Endpoint("POST", "/webhooks/letters/{box}", receive, public=True)])["paths"].values()
    assert methods["post"]["summary"] == "Take a message from a letter box"
    assert [one["name"] for one in methods["post"]["parameters"]] == ["box", "Idempotency-Key"]


class Page(HTMLParser):
    """The targets, links and assets of a page."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.tags = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append(tag)
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given[name] for name in ("href", "src") if name in given]


def test_the_page_shows_everything_and_loads_nothing(app):
    found = app.get("/docs")
    assert found.headers["Content-Type"] == "text/html; charset=utf-8"
    assert found.headers["Content-Security-Policy"].startswith("default-src 'none'")
    page = Page(found.text)
    assert not {"script", "img", "link", "iframe"} & set(page.tags) and "url(" not in found.text
    assert len(set(page.ids)) == len(page.ids)
    local = [link for link in page.links if link.startswith("#")]
    assert {link[1:] for link in local} <= set(page.ids)
    assert set(page.links) - set(local) == {"/openapi.json"}
    operations = [one for methods in app.get("/openapi.json").json["paths"].values() for one in methods.values()]
    assert {one["operationId"] for one in operations} <= set(page.ids)
