"""Certificates for tests: a folder in; the paths of a certificate for localhost, its key and its authorities out."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def self_signed(folder, password=None):
    """(certificate, key), PEM files in `folder`; with `password` the key is encrypted."""
    own = _Issued("localhost", is_authority=True)
    return own.write(folder, "certificate"), own.write_key(folder, password)


def issued(folder, password=None):
    """(certificate, key, intermediate authority, root authority): each signed by the one after it."""
    root = _Issued("root", is_authority=True)
    intermediate = _Issued("intermediate", root, is_authority=True)
    own = _Issued("localhost", intermediate)
    return (
        own.write(folder, "certificate"),
        own.write_key(folder, password),
        intermediate.write(folder, "intermediate"),
        root.write(folder, "root"),
    )


class _Issued:
    """A key and its certificate, signed by `by`, or by itself."""

    def __init__(self, name, by=None, *, is_authority=False):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        by = by or self
        now = datetime.now(timezone.utc)
        names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key())
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(by.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .add_extension(authority, critical=False)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .sign(by.key, hashes.SHA256())
        )

    def write(self, folder, name):
        """The path of the certificate."""
        folder.mkdir(exist_ok=True)
        path = folder / f"{name}.pem"
        path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return str(path)

    def write_key(self, folder, password):
        """The path of the key."""
        lock = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
        path = folder / "key.pem"
        path.write_bytes(
            self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, lock)
        )
        return str(path)
