"""The description as a page for people: an OpenAPI object in; HTML with its style and nothing else out."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from botapi import yamlfile
from botapi.web.openapi.operation import Json
from botapi.web.openapi.schemas import NO_NUL

STYLE = Path(__file__).with_name("page.css")
_TYPES = {"string": "text", "array": "list", "null": "null", "boolean": "true or false", "integer": "whole number"}


def page(document: Json) -> str:
    """The whole page."""
    info = document["info"]
    endpoints = list(_endpoints(document))
    root = document["servers"][0]["url"].rstrip("/")
    return "".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>{escape(info['title'])} {escape(info['version'])}: HTTP API</title>\n",
            f"<style>\n{STYLE.read_text(encoding='utf-8')}</style>\n</head>\n",
            f"<body>\n<nav>\n<h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>\n",
            *(_index(tag, endpoints) for tag in document["tags"]),
            '<h2><a href="#schemas">Schemas</a></h2>\n</nav>\n<main>\n<section class="intro">\n',
            "".join(f"<p>{marked(line)}</p>\n" for line in info["description"].splitlines()),
            f'<p>For programs: <a href="{root}/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>\n</section>\n',
            *(_section(tag, endpoints, root) for tag in document["tags"]),
            _schemas(document["components"]["schemas"]),
            "</main>\n</body>\n</html>\n",
        ]
    )


def _endpoints(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _index(tag: Json, endpoints: list[tuple[str, str, Json]]) -> str:
    lines = [
        f'<li><a href="#{operation["operationId"]}">{_badge(method)} <span>{_breakable(path)}</span></a></li>\n'
        for method, path, operation in endpoints
        if operation["tags"] == [tag["name"]]
    ]
    return f"<h2>{escape(tag['name'])}</h2>\n<ul>\n{''.join(lines)}</ul>\n" if lines else ""


def _section(tag: Json, endpoints: list[tuple[str, str, Json]], root: str) -> str:
    articles = [_article(*one, root) for one in endpoints if one[2]["tags"] == [tag["name"]]]
    if not articles:
        return ""
    head = f"<h2>{escape(tag['name'])}</h2>\n<p>{marked(tag['description'])}</p>\n"
    return f"<section>\n{head}{''.join(articles)}</section>\n"


def _article(method: str, path: str, operation: Json, root: str) -> str:
    old = ' <em class="old">deprecated</em>' if operation.get("deprecated") else ""
    lock = ' <em title="wants credentials">guarded</em>' if operation.get("security") else ""
    return "".join(
        [
            f'<article id="{operation["operationId"]}">\n',
            f"<h3>{_badge(method)} <code>{_breakable(path)}</code></h3>\n",
            f"<p><strong>{marked(operation['summary'])}</strong>{old}{lock}</p>\n",
            f"<p>{marked(operation['description'])}</p>\n" if "description" in operation else "",
            _parameters(operation.get("parameters", [])),
            _body(operation.get("requestBody", {})),
            _answers(operation["responses"]),
            f"<pre>{escape(curl(method, path, operation, root))}</pre>\n</article>\n",
        ]
    )


def _parameters(parameters: list[Json]) -> str:
    rows = [
        _row(f"<code>{escape(one['name'])}</code><small>{escape(one['in'])}</small>", kind(one["schema"]), _about(one))
        for one in parameters
    ]
    return _table("Parameters", rows)


def _about(parameter: Json) -> str:
    default = parameter["schema"].get("default")
    text = marked(parameter["description"])
    return f"{text} Default: <code>{escape(str(default))}</code>." if default is not None else text


def _body(body: Json) -> str:
    parts = []
    for media_type, content in body.get("content", {}).items():
        parts.append(f"<h4>Body <small>{escape(media_type)}</small></h4>\n{_shape(content['schema'])}")
    return "".join(parts)


def _answers(responses: Mapping[str, Json]) -> str:
    rows = []
    for status, response in responses.items():
        shapes = [
            f"{kind(content['schema'])}<small>{escape(media_type)}</small>"
            for media_type, content in response.get("content", {}).items()
        ]
        rows.append(_row(f"<b>{status}</b>", "<br>".join(shapes), marked(response["description"])))
    return _table("Answers", rows)


def _schemas(schemas: Mapping[str, Json]) -> str:
    parts = ['<section id="schemas">\n<h2>Schemas</h2>\n']
    for name, schema in schemas.items():
        about = f"<p>{marked(schema['description'])}</p>\n" if "description" in schema else ""
        parts.append(f'<article id="schema-{name}">\n<h3>{escape(name)}</h3>\n{about}{_shape(schema)}</article>\n')
    return "".join([*parts, "</section>\n"])


def _shape(schema: Json) -> str:
    """A schema at full length: a table of properties, or what kind of value it is."""
    if "properties" not in schema:
        return f"<p>{kind(schema)}</p>\n"
    required = schema.get("required", [])
    rows = [
        _row(f"<code>{escape(name)}</code>{_star(name in required)}", kind(one), marked(one.get("description", "")))
        for name, one in schema["properties"].items()
    ]
    return _table("", rows)


def kind(schema: Json) -> str:
    """What kind of value a schema takes, in a few words of HTML."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    if "const" in schema:
        return f"<code>{escape(json.dumps(schema['const']))}</code>"
    if "enum" in schema:
        return " or ".join(f"<code>{escape(json.dumps(value))}</code>" for value in schema["enum"])
    for joined, word in (("oneOf", " or "), ("anyOf", " or "), ("allOf", " and ")):
        if joined in schema and "properties" not in schema:
            return word.join(dict.fromkeys(kind(one) for one in schema[joined]))
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return " or ".join(_one_kind(one, schema) for one in types)


def _one_kind(type_name: str, schema: Json) -> str:
    if type_name == "array" and "items" in schema:
        return f"list of {kind(schema['items'])}"
    if type_name == "object" and schema.get("properties"):
        names = ", ".join(f"<code>{escape(name)}</code>" for name in schema["properties"])
        return f"object with {names}"
    if type_name == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {kind(schema['additionalProperties'])}"
    pattern = schema.get("pattern", NO_NUL)
    if type_name == "string" and pattern != NO_NUL:
        return f"text <code>{escape(pattern)}</code>" if len(pattern) < 40 else "text"
    return _TYPES.get(type_name, type_name)


def curl(method: str, path: str, operation: Json, root: str) -> str:
    """A command that calls the endpoint with its example."""
    url = f"http://localhost:5005{root}{path}"
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            (example, *_) = parameter["schema"].get("examples", ["x"])
            url = url.replace(f"{{{parameter['name']}}}", str(example))
    words = ["curl"] if method == "GET" else ["curl", "-X", method]
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        words += ["-H", f"Content-Type: {media_type}", "--data-binary", written(media_type, content["example"])]
        break
    return shlex.join([*words, url])


def written(media_type: str, example: Any) -> str:
    """An example as it stands in a body."""
    if isinstance(example, str):
        return example
    return yamlfile.dump(example) if media_type.endswith("yaml") else json.dumps(example)


def _table(title: str, rows: list[str]) -> str:
    head = f"<h4>{title}</h4>\n" if title else ""
    return f"{head}<table>\n{''.join(rows)}</table>\n" if rows else ""


def _row(*cells: str) -> str:
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>\n"


def _badge(method: str) -> str:
    return f'<b class="{method.lower()}">{method}</b>'


def _star(required: bool) -> str:
    return "<small>required</small>" if required else ""


def _breakable(path: str) -> str:
    return escape(path).replace("/", "<wbr>/")


def marked(text: str) -> str:
    """Text as HTML; what stands between backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
