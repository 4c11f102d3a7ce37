"""Authenticator by JSON Web Token (RFC 7519): a bearer token comes in, its holder's Identity goes out, or None."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import jwt

from .auth import Identity, credentials
from .wsgi import Environ

# Algorithm -> least length of its secret in bytes (RFC 7518, 3.2); None for those with a public key.
ALGORITHMS: dict[str, int | None] = {
    "HS256": 32,
    "HS384": 48,
    "HS512": 64,
    "RS256": None,
    "RS384": None,
    "RS512": None,
    "ES256": None,
    "ES384": None,
    "ES512": None,
}
_LEAST_RSA_BITS = 2048


class JWTAuthenticator:
    """Knows whoever sends `Authorization: Bearer` with a token that is signed with `key` and not out of its time.

    `key` is the secret for HS algorithms, the public key as PEM for RS and ES. Only the configured `algorithm` is
    taken, whatever a token's header says. `exp` and `nbf` are honoured, give or take `leeway_s` seconds. The payload
    names its holder as {"user": {"username": str, "role": str}}; a signed token without them is an Identity without
    name and role. ValueError at construction for an algorithm or key that can't work.
    """

    def __init__(
        self, key: str, *, algorithm: str = "HS256", leeway_s: float = 180, logger: logging.Logger | None = None
    ) -> None:
        if algorithm not in ALGORITHMS:
            raise ValueError(f"JWT algorithm {algorithm!r} is not supported; expected one of {', '.join(ALGORITHMS)}.")
        if not key:
            raise ValueError(f"The key for JWT algorithm {algorithm} is empty; expected a secret or a public key.")
        self._algorithm = algorithm
        self._leeway_s = leeway_s
        self._logger = logger or logging.getLogger(__name__)
        least_bytes = ALGORITHMS[algorithm]
        self._key = _public_key(key, algorithm) if least_bytes is None else self._secret(key, least_bytes)

    def __call__(self, environ: Environ) -> Identity | None:
        scheme, token = credentials(environ)
        if scheme != "bearer" or token.count(".") != 2:
            return None
        try:
            payload = jwt.decode(
                token,
                self._key,
                algorithms=[self._algorithm],  # SECURITY: never from the token
                leeway=self._leeway_s,
                options={"verify_sub": False, "verify_jti": False},
            )
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            # NOTE: all but the first are what odd headers and claims make of PyJWT: numbers without end, deep nesting.
            self._logger.debug("JWT refused: %s", error)
            return None
        return _identity(payload)

    def _secret(self, key: str, least_bytes: int) -> bytes:
        secret = key.encode()
        try:
            jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).prepare_key(key)
        except jwt.InvalidKeyError as error:
            raise ValueError(
                f"The secret for JWT algorithm {self._algorithm} is a public key or certificate, which everybody may "
                "know; expected a secret text, or an algorithm such as RS256."
            ) from error
        if len(secret) < least_bytes:
            self._logger.warning(
                "The secret for JWT algorithm %s has %d bytes; %d or more are needed to be safe (RFC 7518, 3.2).",
                self._algorithm,
                len(secret),
                least_bytes,
            )
        # NOTE: HMAC fills short keys with zero bytes up to its block size, which is larger than `least_bytes`
        # (RFC 2104, 2). Filled here, signatures stay the same and PyJWT has nothing to warn of on each request.
        return secret.ljust(least_bytes, b"\0")


def _public_key(pem: str, algorithm: str) -> Any:
    """The key as an object of `cryptography`; a private key is taken for its public half."""
    implementation = jwt.algorithms.get_default_algorithms().get(algorithm)
    if implementation is None:
        raise ValueError(
            f"JWT algorithm {algorithm} needs the package cryptography, which is not installed: "
            "pip install botapi[jwt], or use HS256."
        )
    try:
        key = implementation.prepare_key(pem)
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        message = f"The key for JWT algorithm {algorithm} can't be read; expected a public key as PEM."
        raise ValueError(message) from error
    key = key.public_key() if hasattr(key, "public_key") else key
    if algorithm.startswith("RS") and key.key_size < _LEAST_RSA_BITS:
        raise ValueError(
            f"The key for JWT algorithm {algorithm} has {key.key_size} bits; "
            f"expected {_LEAST_RSA_BITS} or more (RFC 7518, 3.3)."
        )
    return key


def _identity(payload: Mapping[str, Any]) -> Identity:
    user = payload.get("user")
    if not isinstance(user, Mapping):
        user = {}
    name, role = user.get("username"), user.get("role")
    return Identity(
        name=name if isinstance(name, str) else None, role=role if isinstance(role, str) else None, claims=payload
    )
