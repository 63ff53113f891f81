"""The badge as a signed JSON Web Token (VC-JWT): https://www.imsglobal.org/spec/ob/v3p0/#jwt-proof"""

import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.util import urlsafe_b64decode

from ltitools_badges.core import canonical, instants, reading

#: What Open Badges 3.0 allows to sign with, and to say in a header.
ALGORITHMS = ("RS256", "ES256")
HEADER = {"alg", "kid", "jwk", "typ"}

_MIN_RSA_BITS = 2048


class _Registry(jws.JWSRegistry):
    """The library's limits are those of session tokens. A key in a header and a badge as a payload need more."""

    max_header_length = 4096
    max_payload_length = 2 * reading.MAX_BYTES


_REGISTRY = _Registry(algorithms=list(ALGORITHMS))


@dataclass(frozen=True)
class Token:
    """A token that was read but not verified yet."""

    text: str
    header: Mapping[str, Any]
    payload: dict[str, Any]


def to_jwt(document: Mapping[str, Any], key: RSAPrivateKey, method: str) -> str:
    """The credential and the claims that repeat it (iss, jti, sub, nbf, exp), signed with RS256.

    `method` is the key's address. A `jwk` in the header would prove who holds the key and not who issued the badge, so
    there is none. Raises canonical.Lossy as for the other proof, since both have to say the same.
    """
    payload = {name: value for name, value in document.items() if name != "proof"}
    canonical.lossless(payload)
    claims: dict[str, Any] = {
        "iss": payload["issuer"]["id"] if isinstance(payload["issuer"], Mapping) else payload["issuer"],
        "jti": payload["id"],
        "nbf": int(instants.read(payload["validFrom"]).timestamp()),
    }
    if "id" in payload["credentialSubject"]:
        claims["sub"] = payload["credentialSubject"]["id"]
    if "validUntil" in payload:
        claims["exp"] = int(instants.read(payload["validUntil"]).timestamp())
    header = {"alg": "RS256", "kid": method, "typ": "JWT"}
    body = canonical.text({**payload, **claims}).encode("utf-8")
    return jws.serialize_compact(header, body, RSAKey.import_key(key), registry=_REGISTRY)


def is_token(text: str) -> bool:
    """Whether a text looks like a token rather than like JSON."""
    return text.count(".") == 2 and text.startswith("ey")


def read(text: str) -> Token:
    """The parts of a token. reading.Unreadable or reading.TooComplex where it cannot be read."""
    if len(text) > 2 * reading.MAX_BYTES:
        raise reading.TooComplex("bytes")
    parts = text.split(".")
    if len(parts) != 3:
        raise reading.Unreadable("not three parts")
    try:
        header, payload = (urlsafe_b64decode(part.encode("ascii")).decode("utf-8") for part in parts[:2])
    except (binascii.Error, UnicodeError) as cause:
        raise reading.Unreadable("not base64url") from cause
    return Token(text, reading.json_object(header), reading.json_object(payload))


def claims_agree(payload: Mapping[str, Any]) -> bool:
    """Whether the token's claims say what the credential in it says."""
    issuer, subject = payload.get("issuer"), payload.get("credentialSubject")
    repeated = {
        "iss": issuer.get("id") if isinstance(issuer, Mapping) else issuer,
        "jti": payload.get("id"),
        "sub": subject.get("id") if isinstance(subject, Mapping) else None,
        "nbf": _timestamp(payload.get("validFrom")),
        "exp": _timestamp(payload.get("validUntil")),
    }
    return all(payload[claim] == said for claim, said in repeated.items() if claim in payload)


def holds(token: Token, material: Mapping[str, Any]) -> bool:
    """Whether the token is signed with the private part of this JSON Web Key."""
    algorithm = token.header.get("alg")
    if algorithm not in ALGORITHMS or not set(token.header) <= HEADER:
        return False
    try:
        public = _key(material)
        jws.deserialize_compact(token.text, public, registry=_REGISTRY)
    except (JoseError, ValueError, TypeError, KeyError):
        return False
    return True


def _key(material: Mapping[str, Any]) -> RSAKey | ECKey:
    public = {name: value for name, value in material.items() if name in ("kty", "n", "e", "crv", "x", "y")}
    if public.get("kty") == "EC" and public.get("crv") == "P-256":
        return ECKey.import_key(public)
    if public.get("kty") != "RSA" or len(str(public.get("n", ""))) < _MIN_RSA_BITS // 6:
        raise ValueError("not a key for RS256 or ES256")
    return RSAKey.import_key(public)


def _timestamp(written: Any) -> int | None:
    try:
        return int(instants.read(written).timestamp())
    except ValueError:
        return None
