"""The identity of an issuer, `did:web`: its name, its document, and the keys in it.

https://w3c-ccg.github.io/did-method-web/, https://www.w3.org/TR/cid-1.0/#verification-methods
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import base58
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc.jwk import RSAKey

CONTEXT = (
    "https://www.w3.org/ns/did/v1",
    "https://w3id.org/security/multikey/v1",
    "https://w3id.org/security/jwk/v1",
)
_ED25519 = bytes([0xED, 0x01])
_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]{1,5})?")
_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+")


@dataclass(frozen=True)
class PublicKey:
    """A key as a DID document shows it: Ed25519 as a multibase text, RSA as a JSON Web Key.

    The name becomes the fragment. It has a hyphen (`key-2026-11`), for a verifier exists that takes a fragment which
    could be a multibase text for the key itself.
    """

    name: str
    material: str | Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """A key that a DID document lists. `may_assert` tells whether it is listed for signing credentials."""

    material: str | Mapping[str, Any]
    may_assert: bool


def of(base: str) -> str:
    """The DID of the issuer at `https://HOST:PORT/i/acme`: `did:web:HOST%3APORT:i:acme`."""
    parts = urlsplit(base)
    return ":".join(["did:web", quote(parts.netloc, safe=""), *filter(None, parts.path.split("/"))])


def address(did: str) -> str:
    """Where the document of a `did:web` is: section "Read" of the method. ValueError for what is none."""
    host, segments = _parts(did)
    return f"https://{host}/{'/'.join([*segments, 'did.json']) if segments else '.well-known/did.json'}"


def host(did: str) -> str:
    """The host (and port) that stands behind a `did:web`: what a person has to recognise."""
    return _parts(did)[0]


def document(did: str, base: str, keys: Sequence[PublicKey]) -> dict[str, Any]:
    """The DID document: every key that ever signed, in both arrays, or its badges stop verifying.

    A key that was compromised is left out by the caller. References are texts and the controller is the issuer, as the
    public validator of 1EdTech expects.
    """
    methods = [_method(did, key) for key in keys]
    return {
        "@context": list(CONTEXT),
        "id": did,
        "alsoKnownAs": [base],
        "verificationMethod": methods,
        "assertionMethod": [method["id"] for method in methods],
    }


def key_document(did: str, key: PublicKey) -> dict[str, Any]:
    """A key alone, at an address of its own: a JSON Web Key, or a Multikey."""
    if isinstance(key.material, str):
        return {"@context": "https://w3id.org/security/multikey/v1", **_method(did, key)}
    return {**key.material, "kid": f"{did}#{key.name}"}


def multibase(key: Ed25519PublicKey) -> str:
    """`z6Mk…`: https://www.w3.org/TR/cid-1.0/#Multikey"""
    return "z" + base58.b58encode(_ED25519 + key.public_bytes_raw()).decode("ascii")


def from_multibase(text: str) -> Ed25519PublicKey:
    """ValueError for everything that is not an Ed25519 key."""
    if not text.startswith("z") or len(text) > 64:
        raise ValueError("not base58btc")
    raw = base58.b58decode(text[1:])
    if raw[:2] != _ED25519:
        raise ValueError("not an Ed25519 key")
    return Ed25519PublicKey.from_public_bytes(raw[2:])


def jwk(key: RSAPublicKey) -> dict[str, Any]:
    """A public RSA key as a JSON Web Key for RS256."""
    return {**RSAKey.import_key(key).as_dict(private=False), "alg": "RS256", "use": "sig"}


def find(document: Mapping[str, Any], did: str, method: str) -> Found | None:
    """The key of a verification method in the DID document of `did`, or None where it does not vouch for one.

    https://www.w3.org/TR/cid-1.0/#retrieve-verification-method: the document is the DID's, the method its own.
    """
    if document.get("id") != did:
        return None
    asserting = _list(document.get("assertionMethod"))
    inside = [entry for entry in asserting if isinstance(entry, Mapping)]
    for entry in [*_list(document.get("verificationMethod")), *inside]:
        if not isinstance(entry, Mapping) or _absolute(entry.get("id"), did) != method:
            continue
        if entry.get("controller") != did:
            return None
        material = entry.get("publicKeyMultibase", entry.get("publicKeyJwk"))
        if not isinstance(material, str | Mapping):
            return None
        listed = entry in inside or method in [_absolute(reference, did) for reference in asserting]
        return Found(material, listed and "revoked" not in entry)
    return None


def _method(did: str, key: PublicKey) -> dict[str, Any]:
    identified = {"id": f"{did}#{key.name}", "controller": did}
    if isinstance(key.material, str):
        return {**identified, "type": "Multikey", "publicKeyMultibase": key.material}
    return {**identified, "type": "JsonWebKey", "publicKeyJwk": dict(key.material)}


def _parts(did: str) -> tuple[str, list[str]]:
    if not did.startswith("did:web:"):
        raise ValueError("not a did:web")
    first, *segments = [unquote(part) for part in did.removeprefix("did:web:").split(":")]
    sound = all(_SEGMENT.fullmatch(part) and part not in (".", "..") for part in segments)
    if not _HOST.fullmatch(first) or not sound:
        raise ValueError("not a did:web")
    return first, segments


def _absolute(reference: Any, did: str) -> str:
    if not isinstance(reference, str):
        return ""
    return did + reference if reference.startswith("#") else reference


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
