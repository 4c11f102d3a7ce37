"""Who calls, and may he: environ comes in and goes on with an Identity in it, or 401 or 403 goes out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import HTTPError, respond_error
from .wsgi import App, Environ, StartResponse

IDENTITY = "middleware.identity"


@dataclass(frozen=True)
class Identity:
    """Who sent a request: name and role as the credentials say (None where they don't), and their other claims."""

    name: str | None
    role: str | None
    claims: Mapping[str, Any] = field(default_factory=dict)


Authenticator = Callable[[Environ], "Identity | None"]
Authorizer = Callable[[Identity, Environ], bool]


class Authenticate:
    """Layer: lets through whom an authenticator knows and the authorizer allows.

    `authenticators` are asked in order; the first that returns an Identity wins, and no other is asked. Nobody: 401
    with WWW-Authenticate. `authorize(identity, environ)` says False: 403. Without `authorize` everybody known may.
    The Identity goes to `environ["middleware.identity"]`.
    """

    def __init__(
        self,
        app: App,
        *,
        authenticators: Sequence[Authenticator],
        authorize: Authorizer | None = None,
        realm: str = "api",
    ) -> None:
        if not authenticators:
            raise ValueError("No authenticators: nobody could ever get in; give at least one, or leave the layer out.")
        self._app = app
        self._authenticators = tuple(authenticators)
        self._authorize = authorize
        self._challenge = ("WWW-Authenticate", f'Bearer realm="{realm}"')

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        identity = self._identify(environ)
        if identity is None:
            message = "User is not authenticated: the request has no credentials that are valid here."
            error = HTTPError(401, "NotAuthenticated", message, headers=[self._challenge])
            return respond_error(environ, start_response, error)
        if self._authorize is not None and not self._authorize(identity, environ):
            error = HTTPError(403, "NotAuthorized", "User has insufficient permissions.")
            return respond_error(environ, start_response, error)
        environ[IDENTITY] = identity
        return self._app(environ, start_response)

    def _identify(self, environ: Environ) -> Identity | None:
        for authenticator in self._authenticators:
            identity = authenticator(environ)
            if identity is not None:
                return identity
        return None


def credentials(environ: Environ) -> tuple[str, str]:
    """The Authorization header as (scheme in lower case, the rest); empty strings where there is none."""
    scheme, _, rest = environ.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
    return scheme.lower(), rest.strip()
