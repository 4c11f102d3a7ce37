"""Handlers that describe the API: requests in; the OpenAPI document, or a page made from it, out."""

from __future__ import annotations

from botapi.web.api import Api
from botapi.web.openapi.document import document
from botapi.web.openapi.page import page
from botapi.web.request import Request
from botapi.web.response import Response, json_response, text_response

# SECURITY: the page loads nothing and runs nothing, whatever a model's or a channel's names might put into it.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def openapi(api: Api, request: Request) -> Response:
    """The description of all endpoints of this server, in OpenAPI 3.1."""
    return json_response(document(api.table, root=request.root, schemes=api.schemes))


def docs(api: Api, request: Request) -> Response:
    """The same as a page for people."""
    html = page(document(api.table, root=request.root, schemes=api.schemes))
    return text_response(html, content_type="text/html; charset=utf-8", headers=[("Content-Security-Policy", _POLICY)])
