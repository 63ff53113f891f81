"""Whether a badge is signed, and with whose key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urldefrag

from ltitools_badges.core import canonical, contexts, data_integrity, did, facts, jose, reading


@dataclass(frozen=True)
class Given:
    """A credential to judge: a document with proofs of its own, or one that is the payload of a token."""

    document: Mapping[str, Any]
    token: jose.Token | None = None

    @property
    def proofs(self) -> list[Mapping[str, Any]]:
        """The proofs in the document. A token's payload needs none."""
        found = facts.several(self.document.get("proof")) if self.token is None else []
        return [proof for proof in found if isinstance(proof, Mapping)]


@dataclass(frozen=True)
class Proven:
    """What came of looking at a signature. `bound` tells whether the key is proved to be the issuer's."""

    outcome: Literal["good", "bad", "unknown"]
    detail: str
    bound: bool = False


class _Stop(Exception):
    """The outcome is clear."""

    def __init__(self, outcome: Literal["bad", "unknown"], detail: str) -> None:
        super().__init__(detail)
        self.proven = Proven(outcome, detail)


def opened(given: str | Mapping[str, Any]) -> Given:
    """The credential in a text or document. Raises reading.Unreadable or reading.TooComplex."""
    if not isinstance(given, str):
        reading.limited(given)
        return Given(given)
    text = given.strip()
    if jose.is_token(text):
        token = jose.read(text)
        return Given(token.payload, token)
    return Given(reading.json_object(text))


def key_address(opened: Given) -> str:
    """Where the key of an issuer may be that is no DID: the address that the proof names."""
    method = _method(opened)
    return urldefrag(method).url if method.startswith("https://") else ""


def prove(opened: Given, fetched: Mapping[str, object]) -> Proven:
    """Look at the signature: https://www.w3.org/TR/vc-data-integrity/#verify-proof

    `fetched` has the documents found at addresses, as for checking.check.
    """
    try:
        return _prove_token(opened.token, fetched) if opened.token else _prove_document(opened, fetched)
    except _Stop as stop:
        return stop.proven
    except canonical.Lossy:
        return Proven("bad", "unsigned-terms")
    except contexts.UnknownContext:
        return Proven("unknown", "context-unknown")
    except reading.Unreadable:
        return Proven("unknown", "unreadable")


def _prove_document(opened: Given, fetched: Mapping[str, object]) -> Proven:
    if not opened.proofs:
        raise _Stop("bad", "unsigned")
    proof = _supported(opened)
    if proof is None:
        raise _Stop("unknown", "proof-unsupported")
    # Terms that are not signed are told first: they are wrong whoever has signed.
    data_integrity.hashes(opened.document, proof)
    if proof.get("proofPurpose") != "assertionMethod":
        raise _Stop("bad", "key-not-allowed")
    material, bound = _key(opened, fetched)
    if not isinstance(material, str):
        raise _Stop("unknown", "proof-unsupported")
    try:
        key = did.from_multibase(material)
    except ValueError as cause:
        raise _Stop("unknown", "proof-unsupported") from cause
    if not data_integrity.holds(opened.document, proof, key):
        raise _Stop("bad", "tampered")
    return Proven("good", "signed", bound)


def _prove_token(token: jose.Token, fetched: Mapping[str, object]) -> Proven:
    if token.header.get("alg") not in jose.ALGORITHMS or not set(token.header) <= jose.HEADER or "vc" in token.payload:
        raise _Stop("unknown", "proof-unsupported")
    material, bound = _key(Given(token.payload, token), fetched)
    if isinstance(material, str):
        raise _Stop("unknown", "proof-unsupported")
    if not jose.holds(token, material):
        raise _Stop("bad", "tampered")
    if not jose.claims_agree(token.payload):
        raise _Stop("bad", "claims-differ")
    return Proven("good", "signed", bound)


def _supported(opened: Given) -> Mapping[str, Any] | None:
    """The first proof that can be judged here. One in a chain covers the others, which is not done here."""
    for proof in opened.proofs:
        if (
            proof.get("type") == "DataIntegrityProof"
            and proof.get("cryptosuite") == data_integrity.SUITE
            and "previousProof" not in proof
        ):
            return proof
    return None


def _method(opened: Given) -> str:
    """The address of the key, as the proof or the token's header has it."""
    if opened.token is not None:
        named = opened.token.header.get("kid")
    else:
        named = (_supported(opened) or {}).get("verificationMethod")
    return named if isinstance(named, str) else ""


def _key(opened: Given, fetched: Mapping[str, object]) -> tuple[str | Mapping[str, Any], bool]:
    """The key and whether it is bound to the issuer. Only a DID document that the issuer's host serves binds one.

    A key that the badge brings along (a `jwk` header, `did:key`) or that stands at some address shows that nothing was
    changed since somebody signed, and not who that was.
    """
    method, issuer = _method(opened), facts.identifier(opened.document.get("issuer"))
    if method.startswith("did:"):
        name = method.split("#")[0]
        if name != issuer:
            raise _Stop("bad", "issuer-mismatch")
        return _from_did(name, method, fetched)
    header = opened.token.header if opened.token else {}
    if not method and isinstance(header.get("jwk"), Mapping):
        return header["jwk"], False
    return _at_address(method, fetched), False


def _from_did(name: str, method: str, fetched: Mapping[str, object]) -> tuple[str | Mapping[str, Any], bool]:
    if name.startswith("did:key:"):
        return name.removeprefix("did:key:"), False
    try:
        document = fetched.get(did.address(name))
    except ValueError as cause:
        raise _Stop("unknown", "issuer-unsupported") from cause
    if not isinstance(document, Mapping):
        raise _Stop("unknown", "issuer-unreachable")
    found = did.find(document, name, method)
    if found is None:
        raise _Stop("bad", "key-unknown")
    if not found.may_assert:
        raise _Stop("bad", "key-not-allowed")
    return found.material, True


def _at_address(method: str, fetched: Mapping[str, object]) -> str | Mapping[str, Any]:
    document = fetched.get(urldefrag(method).url)
    if not isinstance(document, Mapping):
        raise _Stop("unknown", "key-unreachable")
    for entry in [document, *facts.several(document.get("verificationMethod"))]:
        if isinstance(entry, Mapping) and "kty" in entry:
            return entry
        if isinstance(entry, Mapping) and entry.get("id") == method and "publicKeyMultibase" in entry:
            return str(entry["publicKeyMultibase"])
    raise _Stop("bad", "key-unknown")
