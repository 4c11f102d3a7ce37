"""TLS: file names of a certificate and its key in, an ssl.SSLContext for the server's side out."""

from __future__ import annotations

import ssl

from botapi.errors import ConfigError


def create_ssl_context(
    ssl_certificate: str | None,
    ssl_keyfile: str | None,
    ssl_ca_file: str | None = None,
    ssl_password: str | None = None,
) -> ssl.SSLContext | None:
    """A context with the certificate chain, or None without `ssl_certificate`.

    `ssl_ca_file` holds authorities between the certificate and a root that clients know: they are sent along where the
    certificate's own file has none of them. `ssl_password` opens the key. Clients need no certificate. Raises
    ConfigError for files that are missing or don't fit together.
    """
    if not ssl_certificate:
        return None
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ssl_ca_file)
        context.load_cert_chain(ssl_certificate, keyfile=ssl_keyfile, password=ssl_password)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"The certificate {ssl_certificate!r} with the key {ssl_keyfile!r} can't be used ({error}); "
            "expected PEM files that belong together."
        ) from error
    return context
