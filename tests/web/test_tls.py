"""TLS contexts: files in; a context that a client can talk to, None, or one sentence about what is wrong, out."""

from __future__ import annotations

import ssl

import pytest

from botapi.errors import ConfigError
from botapi.web.tls import create_ssl_context
from tests.certificates import issued, self_signed


def handshake(context, client):
    """Let a client's and a server's context shake hands in memory; the client's view of the server's certificate."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = context.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server, server_hostname="localhost")
    for _ in range(4):
        for side in (theirs, ours):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return theirs.getpeercert()


def test_without_a_certificate_there_is_no_context():
    assert create_ssl_context(None, None) is None
    assert create_ssl_context("", "key.pem") is None


@pytest.mark.parametrize("password", [None, "secret"])
def test_a_context_shows_its_certificate(tmp_path, password):
    chain, key = self_signed(tmp_path, password)
    context = create_ssl_context(chain, key, ssl_password=password)
    found = handshake(context, ssl.create_default_context(cafile=chain))
    assert ("DNS", "localhost") in found["subjectAltName"]


def test_authorities_between_are_sent_along(tmp_path):
    certificate, key, intermediate, root = issued(tmp_path)
    client = ssl.create_default_context(cafile=root)
    found = handshake(create_ssl_context(certificate, key, intermediate), client)
    assert ((("commonName", "intermediate"),),) == found["issuer"]
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(create_ssl_context(certificate, key), client)


def test_files_that_do_not_fit_together_are_refused(tmp_path):
    chain, key = self_signed(tmp_path / "a")
    other_chain, other_key = self_signed(tmp_path / "b")
    for wrong in [(chain, other_key), (chain, "none.pem"), ("none.pem", key), (key, chain), (chain, key, "none.pem")]:
        with pytest.raises(ConfigError, match="can't be used"):
            create_ssl_context(*wrong)


def test_a_wrong_password_is_refused(tmp_path):
    chain, key = self_signed(tmp_path, "secret")
    with pytest.raises(ConfigError):
        create_ssl_context(chain, key, ssl_password="wrong")
