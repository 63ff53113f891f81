"""Data Integrity proofs of the suite `eddsa-rdfc-2022`: https://www.w3.org/TR/vc-di-eddsa/#eddsa-rdfc-2022"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import base58
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ltitools_badges.core import canonical, instants

SUITE = "eddsa-rdfc-2022"


def sign(document: Mapping[str, Any], key: Ed25519PrivateKey, method: str, created: datetime) -> dict[str, Any]:
    """The document with a proof, in an array as the schema of Open Badges asks: vc-di-eddsa, section 3.2.1.

    `method` is the key's address, `did:web:…#key-2026-11`. Raises canonical.Lossy where a part would not be signed.
    """
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": SUITE,
        "created": instants.text(created),
        "verificationMethod": method,
        "proofPurpose": "assertionMethod",
    }
    signature = key.sign(hashes(unsecured, proof))
    return {**unsecured, "proof": [{**proof, "proofValue": "z" + base58.b58encode(signature).decode("ascii")}]}


def holds(document: Mapping[str, Any], proof: Mapping[str, Any], key: Ed25519PublicKey) -> bool:
    """Whether a proof is the key's over this document: vc-di-eddsa, section 3.2.2."""
    value = proof.get("proofValue")
    if not isinstance(value, str) or not value.startswith("z") or len(value) > 128:
        return False
    signed = hashes(document, proof)
    try:
        key.verify(base58.b58decode(value[1:]), signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def hashes(document: Mapping[str, Any], proof: Mapping[str, Any]) -> bytes:
    """What is signed: the hash of the proof's settings, then the hash of the document (section 3.2.4)."""
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    settings = {name: value for name, value in proof.items() if name not in ("proofValue", "@context")}
    settings["@context"] = unsecured["@context"]
    return _sha256(canonical.dataset(settings)) + _sha256(canonical.dataset(unsecured))


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8")).digest()
