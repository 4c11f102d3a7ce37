"""The table of routes: environ in; a route's application called with its path parameters, or HTTPError."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from middleware.errors import HTTPError
from middleware.metrics import ROUTE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PARAMETER = re.compile(r"\{(\w+)(?::(path|segment))?\}")
_CONVERTERS = {"path": ".*", "segment": "[^/]+"}


class Route(NamedTuple):
    """One line of the table: method, path such as `/conversations/{conversation_id:path}/tracker`, WSGI application."""

    method: str
    path: str
    app: WSGIApplication


def pattern(path: str) -> re.Pattern[str]:
    """The anchored expression of a path; `{name}` is one segment, `{name:path}` may hold slashes, or nothing."""
    parts, end = [], 0
    for found in _PARAMETER.finditer(path):
        parts.append(re.escape(path[end : found.start()]))
        parts.append(f"(?P<{found[1]}>{_CONVERTERS[found[2] or 'segment']})")
        end = found.end()
    return re.compile("".join(parts) + re.escape(path[end:]), re.DOTALL)


def shown(path: str) -> str:
    """A path as people write it, such as `/conversations/{conversation_id}/tracker`."""
    return _PARAMETER.sub(r"{\1}", path)


def path_of(environ: WSGIEnvironment) -> str:
    """PATH_INFO as text: WSGI carries its bytes as latin-1, clients send UTF-8."""
    path: str = environ.get("PATH_INFO", "")
    if not path.isascii():
        try:
            path = path.encode("latin-1").decode("utf-8")
        except UnicodeError as error:
            raise HTTPError(400, "BadRequest", "The path is not UTF-8; percent-encode its UTF-8 bytes.") from error
    if "\0" in path:
        raise HTTPError(400, "BadRequest", "The path holds a NUL character; leave it out.")
    return path or "/"


def allow(methods: Iterable[str]) -> str:
    """The value of `Allow` for a path with these methods: HEAD comes with GET, OPTIONS with all."""
    names = set(methods) | {"OPTIONS"}
    return ", ".join(sorted(names | {"HEAD"} if "GET" in names else names))


class Router:
    """Finds the application for a path and method; 404 and 405 are raised as HTTPError, OPTIONS is answered here.

    A fixed path comes before those with parameters, and of these the first in the table that fits is meant, whatever
    its methods: `DELETE /conversations/a/tracker` is 405, not the deletion of a conversation named `a/tracker`.
    `defaults` says what an empty parameter means, such as {"conversation_id": "default"} for `/conversations//tracker`.
    """

    def __init__(self, routes: Iterable[Route], *, defaults: Mapping[str, str] | None = None) -> None:
        self.defaults = dict(defaults or {})
        self.static: dict[str, dict[str, Route]] = {}
        self.dynamic: dict[str, tuple[re.Pattern[str], dict[str, Route]]] = {}
        for route in routes:
            method, path = route.method, route.path.rstrip("/") or "/"
            if "{" in path:
                methods = self.dynamic.setdefault(path, (pattern(path), {}))[1]
            else:
                methods = self.static.setdefault(path, {})
            if method in methods:
                raise ValueError(f"Two routes answer {method} {path}; a method and path may stand in the table once.")
            methods[method] = route._replace(path=shown(route.path))

    def match(self, method: str, path: str) -> tuple[Route | None, dict[str, Any], Collection[str]]:
        """(route or None, path parameters, methods that the path knows; none of them means 404)."""
        wanted = "GET" if method == "HEAD" else method
        # PERF: fixed paths are one look-up; a trailing slash is accepted, as Rasa does.
        methods = self.static.get(path) or self.static.get(path[:-1] if path.endswith("/") else path)
        if methods:
            return methods.get(wanted), {}, methods
        for expression, methods in self.dynamic.values():
            found = expression.fullmatch(path) or (path.endswith("/") and expression.fullmatch(path[:-1]))
            if found:
                params = {k: v or self.defaults.get(k, v) for k, v in found.groupdict().items()}
                return methods.get(wanted), params, methods
        return None, {}, ()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], path_of(environ)
        route, params, known = self.match(method, path)
        if route is not None:
            environ["wsgiorg.routing_args"] = ((), params)
            environ[ROUTE] = route.path
            return route.app(environ, start_response)
        if not known:
            raise HTTPError(404, "NotFound", f"There is no resource at {path!r}; see docs/http-api.md.")
        headers = [("Allow", allow(known))]
        if method == "OPTIONS":
            start_response("204 No Content", headers)
            return []
        raise HTTPError(
            405, "MethodNotAllowed", f"{path!r} does not answer {method}; use one of {headers[0][1]}.", headers=headers
        )
