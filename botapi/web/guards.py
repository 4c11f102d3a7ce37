"""What must hold before a handler runs: a handler or application in; the same out, with its 401, 403, 404 or 409."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn

from botapi.errors import Conflict, NotFound
from botapi.web.api import Api, Handler
from botapi.web.errors import ErrorResponse
from botapi.web.request import Request
from middleware.auth import Authenticate, Authenticator, Identity
from middleware.roles import Roles
from middleware.token import TokenAuthenticator

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def ensure_loaded_agent(app: Api, require_core_is_ready: bool = False) -> Callable[[Handler], Handler]:
    """Decorator: 409 unless a model is loaded; with `require_core_is_ready` one that can predict actions."""

    def decorator(handler: Handler) -> Handler:
        @wraps(handler)
        def decorated(api: Api, request: Request, **params: Any) -> WSGIApplication:
            bot = app.agent.ready_bot()
            if require_core_is_ready and bot.ensemble is None:
                raise Conflict("The loaded model only understands messages. Load one that was trained with stories.")
            return handler(api, request, **params)

        return decorated

    return decorator


def ensure_conversation_exists() -> Callable[[Handler], Handler]:
    """Decorator: 404 unless the path's conversation has events."""

    def decorator(handler: Handler) -> Handler:
        @wraps(handler)
        def decorated(api: Api, request: Request, *, conversation_id: str, **params: Any) -> WSGIApplication:
            if not api.agent.exists(conversation_id):
                raise NotFound("Conversation ID not found.")
            return handler(api, request, conversation_id=conversation_id, **params)

        return decorated

    return decorator


def requires_auth(
    app: Api, token: str | None = None, *, by_sender: bool = False
) -> Callable[[WSGIApplication], WSGIApplication]:
    """A layer that lets in who sends the token, or a JWT that `app.jwt` accepts; everybody where neither is set.

    The token and the role `admin` may do everything, the role `user` only what is under his own conversation id; with
    `by_sender` he is let in under his name, which the handler must hold him to.
    """
    authenticators: list[Authenticator] = [TokenAuthenticator(token)] if token else []
    if app.jwt is not None:
        authenticators.append(app.jwt)
    if not authenticators:
        return lambda application: application
    return partial(Authenticate, authenticators=authenticators, authorize=_has_role if by_sender else Roles())


def no_api(application: WSGIApplication) -> WSGIApplication:
    """Refuse what belongs to the API, on a server that does not serve it."""

    def refused(environ: WSGIEnvironment, start_response: StartResponse) -> NoReturn:
        message = "What is asked for belongs to the API, which is not served here; start the server with --enable-api."
        raise ErrorResponse(HTTPStatus.FORBIDDEN, "NotAuthorized", message)

    return refused


def _has_role(identity: Identity, environ: WSGIEnvironment) -> bool:
    return identity.role == "admin" or (identity.role == "user" and bool(identity.name))


def authenticate(_: Request) -> NoReturn:
    """Refuse to give out tokens: `POST /auth` exists to say so."""
    raise ErrorResponse(
        HTTPStatus.UNAUTHORIZED,
        "NotAuthenticated",
        "Direct JWT authentication not supported. You should already have a valid JWT from an authentication "
        "provider; this server only makes sure that the token is valid and does not issue new ones.",
        headers=[("WWW-Authenticate", 'Bearer realm="api"')],
    )
