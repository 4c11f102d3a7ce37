"""The description as one document: the table of routes in; an OpenAPI 3.1 object out."""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from collections.abc import Iterable
from itertools import chain

from botapi import __version__
from botapi.web.api import Endpoint
from botapi.web.openapi import RESOURCES, events, schemas
from botapi.web.openapi.operation import Json, Operation, ref
from botapi.web.router import shown

CONVERSATION_ID = schemas.told(
    schemas.TEXT,
    "The conversation's id; it may hold slashes, and empty it means `default`.",
    examples=["ann"],
)
SECURITY_SCHEMES: dict[str, Json] = {
    "token": {"type": "apiKey", "in": "query", "name": "token", "description": "The server's `--auth-token`."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "The same in the header."},
    "jwt": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Payload `{user: {username, role}}`: `admin` may do everything, `user` what is below "
        "`/conversations/<username>/`.",
    },
}
DESCRIPTION = """\
Bodies are read as what they should be, whatever `Content-Type` says.
Refused with 400: broken JSON, NUL characters and half surrogate pairs, nesting over 100 levels, \
numbers of more than 300 digits, a query of more than 100 parameters, and paths and queries that are not UTF-8.
`HEAD` works where `GET` does; `OPTIONS` answers with `Allow`; other methods are 405.
`X-Request-ID` is taken from the request or made up, and returned."""


def document(table: Iterable[Endpoint], *, root: str = "", schemes: Iterable[str] = ()) -> Json:
    """The OpenAPI object for a table.

    `root` is where the application is mounted, `schemes` which of SECURITY_SCHEMES open what is not public; without
    any, everything is open.
    """
    schemes = tuple(schemes)
    described = {key: (one, resource.name) for resource in RESOURCES for key, one in resource.operations.items()}
    paths: dict[str, Json] = {}
    for endpoint in table:
        path = path_of(endpoint)
        operation, tag = described.get(f"{endpoint.method} {path}", (_own(endpoint), "Channels"))
        paths.setdefault(path, {})[endpoint.method.lower()] = {
            "tags": [tag],
            "operationId": re.sub(r"\W+", "_", f"{endpoint.method.lower()}{path}").strip("_"),
            **_operation(endpoint, operation, schemes),
        }
    components: Json = {"schemas": all_schemas()}
    if schemes:
        components["securitySchemes"] = {name: SECURITY_SCHEMES[name] for name in schemes}
    return {
        "openapi": "3.1.0",
        "info": {"title": "botapi", "version": __version__, "description": DESCRIPTION},
        "servers": [{"url": root or "/"}],
        "tags": [{"name": resource.name, "description": resource.description} for resource in RESOURCES],
        "paths": paths,
        "components": components,
    }


def path_of(endpoint: Endpoint) -> str:
    """The path of an endpoint, with its parameters as OpenAPI writes them."""
    return shown(endpoint.path)


def all_schemas() -> Json:
    """The schemas of all resources, by name."""
    parts = (schemas.SCHEMAS, events.SCHEMAS, *(resource.schemas for resource in RESOURCES))
    return dict(chain.from_iterable(part.items() for part in parts))


def _own(endpoint: Endpoint) -> Operation:
    """What is known of an endpoint that a channel of the project's own brought along."""
    summary = (inspect.getdoc(endpoint.handler) or "An endpoint of a channel").partition("\n")[0].rstrip(".")
    return Operation(summary, answers={200: {"description": "As the channel says."}})


def _operation(endpoint: Endpoint, operation: Operation, schemes: tuple[str, ...]) -> Json:
    found: Json = {"summary": operation.summary}
    if operation.description:
        found["description"] = operation.description
    known = defaultdict(lambda: schemas.TEXT, {"conversation_id": CONVERSATION_ID, **operation.path})
    parameters = [
        *(_parameter(name, "path", known[name]) for name in re.findall(r"\{(\w+)", endpoint.path)),
        *(_parameter(name, "query", schema) for name, schema in operation.query.items()),
        *(_parameter(name, "header", schema) for name, schema in operation.headers.items()),
    ]
    if endpoint.method == "POST":
        parameters.append(_parameter("Idempotency-Key", "header", schemas.IDEMPOTENCY_KEY))
    if parameters:
        found["parameters"] = parameters
    if operation.body:
        found["requestBody"] = operation.body
    if schemes and not endpoint.public:
        found["security"] = [{name: []} for name in schemes]
    if operation.deprecated:
        found["deprecated"] = True
    answers = {**_errors(endpoint, operation, schemes), **operation.answers}
    found["responses"] = {str(status): _answer(answers[status]) for status in sorted(answers)}
    return found


def _parameter(name: str, place: str, schema: Json) -> Json:
    rest = {key: value for key, value in schema.items() if key != "description"}
    found: Json = {"name": name, "in": place, "description": schema.get("description", ""), "schema": rest}
    return {**found, "required": True} if place == "path" else found


def _errors(endpoint: Endpoint, operation: Operation, schemes: tuple[str, ...]) -> dict[int, str]:
    """The errors that follow from the table and from what the endpoint reads."""
    found = {}
    if operation.query or operation.body or "{" in endpoint.path or endpoint.method == "POST":
        found[400] = "The path, a parameter or the body is not what it should be."
    if schemes and not endpoint.public:
        found |= {401: "The credentials are missing or wrong.", 403: "The role is not enough."}
    if (schemes and not endpoint.public) or endpoint.by_sender:
        found[429] = "Too many requests of this caller, or messages of this sender; only with `rate_limit`."
    if endpoint.needs == "conversation":
        found[404] = "The conversation is not known."
    if endpoint.needs:
        found[409] = "No model is loaded, or one that can't do this."
    if endpoint.method == "POST":
        found[409] = f"{found.get(409, '')} A request with this `Idempotency-Key` is being answered.".strip()
        found[422] = "The `Idempotency-Key` came before with another request."
    if operation.body:
        found[413] = f"The body is larger than {endpoint.limit_bytes} bytes."
    return found


def _answer(given: Json | str) -> Json:
    if not isinstance(given, str):
        return given
    return {"description": given, "content": {"application/json": {"schema": ref("Error")}}}
