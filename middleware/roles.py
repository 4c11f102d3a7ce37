"""Authorizer by role: an Identity and the path's parameters come in, whether he may comes out."""

from __future__ import annotations

from dataclasses import dataclass

from .auth import Identity
from .wsgi import Environ

ROUTING_ARGS = "wsgiorg.routing_args"


@dataclass(frozen=True)
class Roles:
    """`admin` may do everything, `user` what is under his own name: where the path parameter `parameter` is his name.

    Path parameters are the second part of `environ["wsgiorg.routing_args"]`, as routers leave them there. Roles and
    names are case-sensitive; an unknown role may nothing.
    """

    parameter: str = "conversation_id"
    routing_args: str = ROUTING_ARGS

    def __call__(self, identity: Identity, environ: Environ) -> bool:
        if identity.role == "admin":
            return True
        if identity.role != "user" or not identity.name:
            return False
        _, named = environ.get(self.routing_args, ((), {}))
        return bool(named.get(self.parameter) == identity.name)
