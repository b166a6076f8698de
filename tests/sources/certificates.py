"""Certificates that tests make: an authority, what it issues, and what nobody should trust.

Data flow: :func:`issue` -> a :class:`Pair` of PEM files in the test's own folder.

What does not belong here: servers that show them.
"""

from __future__ import annotations

import contextlib
import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as files and objects."""

    path: Path
    key_path: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def issue(
    folder: Path,
    name: str,
    issuer: Pair | None = None,
    *,
    host: str = "localhost",
    days: tuple[int, int] = (-1, 1),
    passphrase: bytes = b"",
) -> Pair:
    """Issue a certificate; without an issuer it is an authority, signed by itself.

    Args:
        folder: Where ``<name>.pem`` and ``<name>.key`` go.
        name: Its common name.
        issuer: Who signs it.
        host: Name or address that it is for.
        days: Begin and end of its validity, counted from today.
        passphrase: What locks the key.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([_name(host)]), critical=False)
        .sign(issuer.key if issuer else key, hashes.SHA256())
    )
    locked = (
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption()
    )
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key", certificate, key)
    pair.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pair.key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    )
    pair.key_path.chmod(0o600)
    return pair


def _name(host: str) -> x509.GeneralName:
    with contextlib.suppress(ValueError):
        return x509.IPAddress(ipaddress.ip_address(host))
    return x509.DNSName(host)
