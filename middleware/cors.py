"""Cross-origin requests: the Origin header comes in, Access-Control-* headers or the answer to a preflight go out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .wsgi import App, Environ, Headers, StartResponse, edit_headers, respond

_VARY = ("Vary", "Origin")
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_token = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+").fullmatch
_any_host = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)\*\.(?P<host>[A-Za-z0-9.-]+(?::\d+)?)").fullmatch


class CORS:
    """Layer: tells browsers which other sites may use the application, and answers their preflights.

    `origins` is a list of origins or one string. `*` lets everybody read without credentials (RFC: Fetch, 3.2.5).
    `https://*.example.com` means every host below that one. Any other entry with characters of regular expressions is
    one, matched from end to end. Case doesn't matter. An allowed origin is echoed; others get no Access-Control-*
    header. Where the answer depends on Origin, every response says `Vary: Origin`.

    A preflight (OPTIONS with Origin and Access-Control-Request-Method) is answered here, with 200 and no body,
    whatever the path, since it comes without credentials. `max_age_s` is how long a browser may keep the answer.
    Access-Control-* headers of the application inside are dropped: two answers are none. Without `origins` the layer
    does nothing.
    """

    def __init__(
        self,
        app: App,
        *,
        origins: str | Sequence[str] = (),
        expose: Sequence[str] = ("filename",),
        methods: Sequence[str] = METHODS,
        max_age_s: int = 600,
    ) -> None:
        listed = [origins] if isinstance(origins, str) else list(origins)
        listed = [origin.strip().rstrip("/") for origin in listed if origin.strip()]
        self._app = app
        self._everybody = "*" in listed
        self._exact = {origin.lower() for origin in listed if not _special(origin)}
        self._patterns = [_pattern(origin) for origin in listed if origin != "*" and _special(origin)]
        self._nobody = not listed
        self._vary = [] if self._everybody else [_VARY]
        self._expose = [("Access-Control-Expose-Headers", ", ".join(expose))] if expose else []
        self._preflight = [("Access-Control-Allow-Methods", ", ".join(methods))]
        self._max_age = ("Access-Control-Max-Age", str(max_age_s))
        self._open = [("Access-Control-Allow-Origin", "*"), *self._expose]

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if self._nobody:
            return self._app(environ, start_response)
        origin = environ.get("HTTP_ORIGIN")
        granted = self._granted(origin)
        if origin is not None and environ["REQUEST_METHOD"] == "OPTIONS":
            if environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD"):
                return respond(environ, start_response, 200, self._preflight_headers(environ, granted))
        added = [*self._vary, *granted]

        def edit(headers: Headers) -> Headers:
            # PERF: most responses have no header that begins like Access-Control-* or Vary.
            for name, _ in headers:
                if name[:1] in "aAvV":
                    return _replaced(headers, added)
            return [*headers, *added]

        return self._app(environ, edit_headers(start_response, edit))

    def _granted(self, origin: str | None) -> Headers:
        """The headers of every response to this origin: an empty list where it is not allowed."""
        if self._everybody:
            return self._open
        if origin is None or not self._allows(origin):
            return []
        allow = ("Access-Control-Allow-Origin", origin)
        return [allow, ("Access-Control-Allow-Credentials", "true"), *self._expose]

    def _allows(self, origin: str) -> bool:
        return origin.lower() in self._exact or any(pattern.fullmatch(origin) for pattern in self._patterns)

    def _preflight_headers(self, environ: Environ, granted: Headers) -> Headers:
        headers = [("Content-Type", "text/plain; charset=utf-8"), *self._vary]
        if not granted:
            return headers
        headers += [*granted, *self._preflight, self._max_age]
        asked = (name.strip() for name in environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "").split(","))
        # SECURITY: what is echoed was written by the caller, so only header names pass.
        names = sorted(name for name in asked if _token(name))
        if names:
            headers.append(("Access-Control-Allow-Headers", ", ".join(names)))
        return headers


def _replaced(headers: Headers, added: Headers) -> Headers:
    """The headers without Access-Control-*, with `added`; `Vary: Origin` only where they don't say so already."""
    kept = []
    for name, value in headers:
        lower = name.lower()
        if lower == "vary" and not {"origin", "*"}.isdisjoint(field.strip() for field in value.lower().split(",")):
            added = [pair for pair in added if pair != _VARY]
        if not lower.startswith("access-control-"):
            kept.append((name, value))
    return kept + added


def _special(origin: str) -> bool:
    return any(character in origin for character in "*?\\[]()^$|+")


def _pattern(origin: str) -> re.Pattern[str]:
    """A configured origin that stands for many, compiled."""
    hosts = _any_host(origin)
    if hosts is not None:
        origin = re.escape(hosts["scheme"]) + r"[a-z0-9.-]+\." + re.escape(hosts["host"])
    try:
        return re.compile(origin, re.IGNORECASE)
    except re.error as error:
        raise ValueError(
            f"{origin!r} is no allowed origin: expected `*`, scheme://host[:port], scheme://*.host "
            f"or a regular expression, and as one it is broken ({error})."
        ) from error
