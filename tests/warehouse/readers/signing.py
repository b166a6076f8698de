"""Signed edXML messages, and the certificates that sign them, for the tests of signatures.

Data flow: :func:`authority` and :func:`signer` make keys of elliptic curves, which cost nothing;
:func:`signed` puts a signature into the header of a message, as samples have it.

What does not belong here: tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.signer import XMLSigner

DSIG = "http://www.w3.org/2000/09/xmldsig#"
NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
SENT = "2026/09/01 08:00:00"
_BEGIN, _END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()


def issue(name: str, issuer: Pair | None = None, *, ca: bool = False, key: Key | None = None,
          until: datetime = _END) -> Pair:  # fmt: skip
    """Return a certificate; one of its own if nobody issues it."""
    own = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    by = issuer.key if issuer else own
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "encipher_only", "decipher_only"), False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGIN)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=True, key_cert_sign=ca, crl_sign=ca, **usage),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False
        )
        .sign(by, hashes.SHA256())
    )
    return Pair(certificate, own)


AUTHORITY = issue("CA thử nghiệm", ca=True)
SIGNER = issue("Văn phòng thử nghiệm", AUTHORITY)
STRANGER = issue("Người lạ")
OUTDATED = issue("Hết hạn", AUTHORITY, until=_BEGIN + timedelta(days=30))


def message(
    *, header: str = "", business: str = "", files: str = "", where: str = "after"
) -> bytes:
    """Return a message with a place for the signature in its header."""
    place = f'<ds:Signature xmlns:ds="{DSIG}" Id="placeholder"/>'
    head = (
        f"<e:MessageHeader{header}><e:Subject>Về việc đất đai</e:Subject></e:MessageHeader>"
        f'<e:TraceHeaderList Id="trace"><e:Bussiness><e:BussinessDocType>0</e:BussinessDocType>'
        f"{business}</e:Bussiness></e:TraceHeaderList>"
    )
    parts = head + place if where == "after" else place + head
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><edXML xmlns="{NAMESPACE}" xmlns:e="{NAMESPACE}">'
        f"<e:edXMLEnvelope><e:edXMLHeader>{parts}</e:edXMLHeader></e:edXMLEnvelope>"
        f"<!-- ghi chú --><AttachmentEncoded Id='files'>{files}</AttachmentEncoded></edXML>"
    ).encode()


class _Weak(XMLSigner):
    """Signs with SHA-1 too, as samples of real messages are signed."""

    def check_deprecated_methods(self) -> None:
        """Permit all."""


def signed(
    data: bytes,
    pair: Pair = SIGNER,
    *,
    chain: tuple[Pair, ...] = (),
    uri: str | list[str] | None = None,
    method: SignatureMethod = SignatureMethod.ECDSA_SHA256,
    digest: DigestAlgorithm = DigestAlgorithm.SHA256,
) -> bytes:
    """Sign a message at its placeholder."""
    signer = _Weak(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=method,
        digest_algorithm=digest,
    )
    certificates = [pair.certificate, *(one.certificate for one in chain)]
    root = signer.sign(etree.fromstring(data), key=pair.key, cert=certificates, reference_uri=uri)
    return b'<?xml version="1.0" encoding="UTF-8"?>' + etree.tostring(root, encoding="UTF-8")
