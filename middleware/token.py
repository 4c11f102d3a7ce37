"""Authenticator by a shared token: environ comes in, the Identity of its holder goes out, or None."""

from __future__ import annotations

from hmac import compare_digest
from urllib.parse import unquote_to_bytes

from .auth import Identity, credentials
from .wsgi import Environ


class TokenAuthenticator:
    """Knows whoever sends the token: as `?token=` (the first one counts), or as `Authorization: Bearer` or `Token`.

    The token is compared as UTF-8 bytes, in constant time. Its holder has the role `role` and no name.
    """

    def __init__(self, token: str, *, parameter: str = "token", role: str = "admin") -> None:
        if not token:
            raise ValueError("The token is empty; expected a secret text.")
        self._token = token.encode()
        self._parameter = parameter.encode()
        self._identity = Identity(name=None, role=role)

    def __call__(self, environ: Environ) -> Identity | None:
        if self._matches(self._in_query(environ)) or self._matches(_in_header(environ)):
            return self._identity
        return None

    def _matches(self, given: bytes) -> bool:
        return compare_digest(given, self._token)

    def _in_query(self, environ: Environ) -> bytes:
        """The first non-empty value of the parameter; empty where there is none."""
        # PEP 3333: texts in environ are bytes in latin-1 clothes; what isn't can't hold the token.
        query = environ.get("QUERY_STRING", "").encode("latin-1", "replace")
        for pair in query.replace(b"+", b" ").split(b"&"):
            name, _, value = pair.partition(b"=")
            if value and unquote_to_bytes(name) == self._parameter:
                return unquote_to_bytes(value)
        return b""


def _in_header(environ: Environ) -> bytes:
    scheme, value = credentials(environ)
    return value.encode("latin-1", "replace") if scheme in ("bearer", "token") else b""
