"""The XML signature of an edXML message: is it right, and does it cover what the row is read from?

Data flow: a message's bytes -> its ``Signature`` -> ``signxml`` verifies digests and signature ->
:func:`state_of` compares the elements that were signed with those the row is read from -> the
certificate is judged against the authorities that the definition names, as of when the message
was sent -> the fields ``signature`` and ``signature_method``. No certificate, no list of revoked
ones and no schema is fetched: what is not in the message or in the definition is not known here.

A signature that is right says nothing about elements that it does not cover. An attacker who moves
the signed header aside and puts another in front of it breaks no digest; so a signature that does
not cover the very header that the row is read from is wrong, whatever the digests say, and so is
every message in which an id occurs twice or the header stands inside the signature itself.

Run it alone: ``python -m warehouse.readers.edxml message.xml`` prints the state with the fields.

What does not belong here: what the state of a signature means for a row (the contract), signatures
inside attachments (PDF).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from lxml import etree

from hub.errors import ConfigurationError
from sources.safe_xml import options

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

NONE = "khong_co"
"""There is none."""
TRUSTED = "hop_le"
"""Right, covers the row, and the certificate comes from an authority that the definition names."""
UNKNOWN_SIGNER = "dung_chua_ro_nguoi_ky"
"""Right and covers the row; who signed is not proved."""
PARTIAL = "ky_mot_phan"
"""Right, covers the header, but not all of business and attachments."""
WRONG = "khong_hop_le"
"""The message is not what was signed, or the signature covers something else."""
UNCHECKED = "khong_kiem_duoc"
"""It is written in a way that cannot be checked here."""
STATES = (NONE, TRUSTED, UNKNOWN_SIGNER, PARTIAL, WRONG, UNCHECKED)

_DSIG = "{http://www.w3.org/2000/09/xmldsig#}"
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_C14N = re.compile(
    r"http://www\.w3\.org/(?:TR/2001/REC-xml-c14n-20010315|2006/12/xml-c14n11|2001/10/xml-exc-c14n)"
    r"#?(?:WithComments)?"
)
_MOST_REFERENCES = 8
"""Each costs a copy of the message."""
_MOST_CERTIFICATES = 16
_ZONE = timedelta(hours=7)
_SENT = "%Y/%m/%d %H:%M:%S"
Fields = dict[str, str | None]


def examined(root: etree._Element, data: bytes, trusted: str, sent: str | None) -> Fields:
    """Return the fields ``signature`` and ``signature_method`` of a message.

    Args:
        root: The message as the row is read from it.
        data: Its bytes, from the XML declaration on.
        trusted: Certificates of the authorities to trust, as PEM text; blank for none.
        sent: When the axis says it was sent, Vietnam time; a certificate is judged at that time.

    Raises:
        ConfigurationError: ``trusted`` holds no certificate that can be read.
    """
    signatures = [item for item in root.iter("{*}Signature") if len(item)]
    if not signatures:
        return {"signature": NONE, "signature_method": None}
    method = _method(signatures[0])
    if len(signatures) > 1 or signatures[0].tag != f"{_DSIG}Signature":
        return {"signature": UNCHECKED, "signature_method": method}
    return {"signature": state_of(data, trusted, _moment(sent)), "signature_method": method}


def state_of(data: bytes, trusted: str, moment: datetime) -> str:
    """Return the state of the one signature of a message; errors as :func:`examined`."""
    trusting = authorities(trusted)
    # Comments and instructions belong to what was signed, although the row does not have them.
    parser = etree.XMLParser(**options(data, remove_comments=False, remove_pis=False))
    try:
        root = etree.fromstring(data, parser)
        signature = next(root.iter(f"{_DSIG}Signature"))
        if any(count > 1 for count in Counter(_ids(root)).values()):
            return WRONG
        signed = _signed(root, signature)
        if signed is None:
            return UNCHECKED
        certificates = _certificates(signature)
        verdict = _verified(root, parser, certificates)
        if verdict:
            return verdict
    except Exception:  # noqa: BLE001 - hostile input makes the libraries raise whatever there is
        return UNCHECKED
    covered = _coverage(root, signature, signed)
    if covered:
        return covered
    return TRUSTED if _is_trusted(certificates, trusting, moment) else UNKNOWN_SIGNER


def _method(signature: etree._Element) -> str | None:
    """Return the algorithms in short: ``rsa-sha256``, with the digest's if that is another."""
    method = next(signature.iter("{*}SignatureMethod"), None)
    digests = {item.get("Algorithm", "") for item in signature.iter("{*}DigestMethod")}
    if method is None:
        return None
    name = _short(method.get("Algorithm", ""))
    others = sorted({_short(one) for one in digests if _short(one) and _short(one) not in name})
    return "+".join([name, *others]) or None


def _short(algorithm: str) -> str:
    return re.sub(r"[^a-z0-9-]", "", algorithm.rpartition("#")[2].lower())[:30]


def _signed(root: etree._Element, signature: etree._Element) -> list[etree._Element] | None:
    """Return the elements that the signature refers to; None if one is found in another way."""
    found = []
    references = signature.findall(f"{_DSIG}SignedInfo/{_DSIG}Reference")
    if len(references) > _MOST_REFERENCES:
        return None
    for reference in references:
        for transform in reference.iter(f"{_DSIG}Transform"):
            algorithm = transform.get("Algorithm", "")
            if algorithm != _ENVELOPED and not _C14N.fullmatch(algorithm):
                return None  # signxml passes over what it does not know
        uri = reference.get("URI")
        if uri == "":
            found.append(root)
        elif uri and uri.startswith("#") and "(" not in uri:
            named = [item for item in root.iter() if uri[1:] in _ids_of(item)]
            found += named
            if not named:
                return None
        else:
            return None
    return found


def _verified(root: etree._Element, parser: Any, certificates: list[Certificate]) -> str | None:  # noqa: ANN401 - lxml-stubs differ on parsers
    """Return WRONG if a digest or the signature is, else None."""
    # 0.1 s that most batches do not need.
    from signxml.algorithms import DigestAlgorithm, SignatureMethod  # noqa: PLC0415 - as above
    from signxml.exceptions import InvalidSignature  # noqa: PLC0415 - as above
    from signxml.verifier import SignatureConfiguration, XMLVerifier  # noqa: PLC0415 - as above

    config = SignatureConfiguration(
        require_x509=bool(certificates),
        expect_references=True,
        # A message is told to be weak, not refused; HMAC would take a public key for a secret.
        signature_methods=frozenset(one for one in SignatureMethod if "HMAC" not in one.name),
        digest_algorithms=frozenset(DigestAlgorithm),
        verification_time=certificates[0].not_valid_before_utc if certificates else None,
    )
    try:
        XMLVerifier().verify(
            root,
            x509_cert=certificates[0] if certificates else None,
            parser=parser,
            expect_config=config,
        )
    except InvalidSignature:
        return WRONG
    return None


def _coverage(
    root: etree._Element, signature: etree._Element, signed: Sequence[etree._Element]
) -> str | None:
    """Return WRONG or PARTIAL if the row is read from elements that are not signed, else None."""

    def is_signed(element: etree._Element) -> bool:
        above = [element, *element.iterancestors()]
        return signature not in above and any(one in above for one in signed)

    header = next(root.iter("{*}MessageHeader"), None)
    if header is None or not is_signed(header):
        return WRONG
    business = next(root.iter("{*}Bussiness"), None)
    others = [business if business is not None else next(root.iter("{*}Business"), None)]
    others += root.iter("{*}AttachmentEncoded")
    return None if all(is_signed(one) for one in others if one is not None) else PARTIAL


def _certificates(signature: etree._Element) -> list[Certificate]:
    """Return the certificates beside the signature, the signer's own first."""
    from cryptography import x509  # noqa: PLC0415 - as signxml above

    pem = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"
    found = [
        x509.load_pem_x509_certificate(pem.format((item.text or "").strip()).encode())
        for item in islice(signature.iter(f"{_DSIG}X509Certificate"), _MOST_CERTIFICATES)
    ]
    issuers = {one.issuer for one in found if one.issuer != one.subject}
    return sorted(found, key=lambda one: one.subject in issuers)


def _is_trusted(
    certificates: list[Certificate], trusting: Sequence[Certificate], moment: datetime
) -> bool:
    """Say whether the signer's certificate comes from a trusted authority, and was in force."""
    if not certificates or not trusting:
        return False
    from cryptography.x509 import verification  # noqa: PLC0415 - as signxml above

    policy = (
        verification.PolicyBuilder()
        .store(verification.Store(list(trusting)))
        .extension_policies(
            ee_policy=verification.ExtensionPolicy.permit_all(),
            ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(),
        )
    )
    try:
        verifier = policy.time(moment).build_client_verifier()
        verifier.verify(certificates[0], certificates[1:])
    except (verification.VerificationError, ValueError, OverflowError):
        return False
    return True


@lru_cache(maxsize=4)
def authorities(trusted: str) -> tuple[Certificate, ...]:
    """Read the authorities of a definition; raises ``ConfigurationError`` if there are none."""
    if not trusted.strip():
        return ()
    from cryptography import x509  # noqa: PLC0415 - as signxml above

    try:
        return tuple(x509.load_pem_x509_certificates(trusted.encode()))
    except ValueError:
        raise ConfigurationError(
            "reader option `trusted_ca` holds no certificate that can be read",
            where="definition",
            next_step="paste the authority's certificates as PEM text",
        ) from None


def _moment(sent: str | None) -> datetime:
    """Return when a message was sent; now, if the axis does not say it readably."""
    try:
        return datetime.strptime((sent or "").strip(), _SENT).replace(tzinfo=UTC) - _ZONE
    except (ValueError, OverflowError):
        return datetime.now(UTC)


def _ids(root: etree._Element) -> Iterator[str]:
    """Yield every id in a document."""
    for item in root.iter():
        yield from _ids_of(item)


def _ids_of(element: etree._Element) -> set[str]:
    """Return the ids of an element, however the attribute is spelt."""
    return {
        str(value)
        for name, value in element.attrib.items()
        if str(name).rpartition("}")[2].lower() == "id"
    }
