"""What describes one endpoint, and short forms for writing it: values in, parts of OpenAPI 3.1 objects out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """What the description says of an endpoint beside what the table of routes knows.

    `query`, `headers` and `path` hold a schema with a `description` for each parameter; none but those in the path is
    required. `answers` has a response object for each status, or a sentence for one that carries the error object.
    """

    summary: str
    answers: Mapping[int, Json | str]
    description: str = ""
    query: Mapping[str, Json] = field(default_factory=dict)
    headers: Mapping[str, Json] = field(default_factory=dict)
    path: Mapping[str, Json] = field(default_factory=dict)
    body: Json | None = None
    deprecated: bool = False


@dataclass(frozen=True)
class Resource:
    """Endpoints that belong together, by "METHOD /path", and the schemas that they brought along, by name."""

    name: str
    description: str
    operations: Mapping[str, Operation]
    schemas: Mapping[str, Json] = field(default_factory=dict)


def ref(name: str) -> Json:
    """The schema of this name."""
    return {"$ref": f"#/components/schemas/{name}"}


def json_body(schema: Json, example: Any, *, required: bool = True) -> Json:
    """A request body in JSON."""
    return {"required": required, "content": {"application/json": {"schema": schema, "example": example}}}


def text_body(media_type: str, schema: Json, example: str) -> Json:
    """A request body that is text, such as YAML."""
    return {"required": True, "content": {media_type: {"schema": schema, "example": example}}}


def json_answer(description: str, schema: Json, *, headers: Mapping[str, Json] | None = None) -> Json:
    """A response in JSON."""
    return answer(description, "application/json", schema, headers=headers)


def answer(description: str, media_type: str, schema: Json, *, headers: Mapping[str, Json] | None = None) -> Json:
    """A response of some media type."""
    found: Json = {"description": description, "content": {media_type: {"schema": schema}}}
    if headers:
        found["headers"] = {name: {"schema": schema, "required": True} for name, schema in headers.items()}
    return found


def empty_answer(description: str) -> Json:
    """A response without body."""
    return {"description": description}
