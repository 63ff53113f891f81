"""Proofs and tokens: that they are those of the specifications, and that nothing is left out of them."""

import copy
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.jwk import RSAKey
from school import EVERYTHING, KEY, NOW, PLAIN, RSA_KEY, School, normalized, rsa_key

from ltitools_badges.core import canonical, contexts, data_integrity, did, instants, jose

# The vector that 1EdTech publishes for Open Badges 3.0, in chapter "Linked Data Proof Test Vector" of its
# implementation guide: https://github.com/1EdTech/openbadges-specification, ob_v3p0/impl/linked-data-proof-ob.html.
VECTOR_KEY = "6241a409e6707bb640a0140a8a32bc3d193c33a661747284d6adfa4ed4180be4"
VECTOR_METHOD = "https://example.edu/issuers/565049#z6MkjZRZv3aez3r18pB1RBFJR1kwUVJ5jHt92JmQwXbd5hwi"
VECTOR_CREATED = datetime(2010, 1, 1, 19, 23, 24, tzinfo=UTC)
VECTOR_DOCUMENT_HASH = "87f65a76d40146205e3b3e06cb0fbd153f97f9ce70372390f52566bb7f9e0773"
VECTOR_PROOF_HASH = "d34009cea0dbc1ca941e09dc01c8c9d3e3ce3c5b853f67ee44698dcea10f5d19"
VECTOR_PROOF_VALUE = "z5x9aCBYovW3CQCbKdNyhEm7ffYSw1YpEdPywQJoNbzDD2gkzQDKJ1sYKJaWvqZtkMtSbz35HcbgXVEDYHxCzgkCr"
VECTOR = {
    "@context": [
        "https://www.w3.org/ns/credentials/v2",
        "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
    ],
    "id": "http://example.com/credentials/3527",
    "type": ["VerifiableCredential", "OpenBadgeCredential"],
    "issuer": {
        "id": "https://example.edu/issuers/565049",
        "type": ["Profile"],
        "url": "https://www.imsglobal.org",
        "name": "Example Corp",
    },
    "validFrom": "2010-01-01T00:00:00Z",
    "name": "Teamwork Badge",
    "credentialSubject": {
        "id": "did:example:ebfeb1f712ebc6f1c276e12ec21",
        "type": ["AchievementSubject"],
        "achievement": {
            "id": "https://example.com/achievements/21st-century-skills/teamwork",
            "type": ["Achievement"],
            "criteria": {
                "narrative": "Team members are nominated for this badge by their peers and recognized upon review by"
                " Example Corp management."
            },
            "description": "This badge recognizes the development of the capacity to collaborate within a group"
            " environment.",
            "name": "Teamwork",
        },
    },
}


def test_the_published_vector_of_1edtech_is_met_exactly() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTOR_KEY))
    signed = data_integrity.sign(VECTOR, key, VECTOR_METHOD, VECTOR_CREATED)
    [proof] = signed["proof"]
    assert data_integrity.hashes(VECTOR, proof).hex() == VECTOR_PROOF_HASH + VECTOR_DOCUMENT_HASH
    assert proof["proofValue"] == VECTOR_PROOF_VALUE
    assert did.multibase(key.public_key()) == VECTOR_METHOD.split("#")[1]
    assert data_integrity.holds(signed, proof, did.from_multibase(VECTOR_METHOD.split("#")[1]))


@pytest.mark.parametrize("content", [EVERYTHING, PLAIN], ids=["everything", "plain"])
def test_looking_for_losses_changes_nothing_of_what_is_signed(content: Any) -> None:
    credential = School().credential(content)
    assert canonical.dataset(credential) == normalized(credential)


def test_a_proof_replaces_the_one_before() -> None:
    school = School()
    once = school.badge()
    assert len(school.sign(once)["proof"]) == 1
    assert school.sign(once) == once


LOSSES: dict[str, tuple[list[str | int], Any, str]] = {
    "an undefined term": (["credentialSubject", "achievement", "averageScore"], "12", "averageScore"),
    "a term misspelled": (["awardeddDate"], "2026-11-20T15:04:05Z", "awardeddDate"),
    "a term of another type": (["credentialSubject", "targetUrl"], "https://x.example.org", "targetUrl"),
    "an undefined type": (["type", 1], "OpenBadgesCredential", "OpenBadgesCredential"),
    "a relative id": (["evidence", 0, "id"], "portfolio.html", "portfolio.html"),
    "an id with a space": (["evidence", 0, "id"], "https://x.example.org/my work", "https://x.example.org/my work"),
    "an id that is text": (["credentialSubject", "achievement", "image"], "a picture", "a picture"),
    "a language that is none": (["name"], {"@value": "Ada", "@language": "in english"}, "in english"),
    "a member by its address": (["https://schema.org/name"], "Ada", "https://schema.org/name"),
    "a keyword": (["@graph"], [], "@graph"),
    "a blank node with a name": (["evidence", 0, "id"], "_:b0", "_:b0"),
}


@pytest.mark.parametrize(("place", "value", "lost"), LOSSES.values(), ids=LOSSES)
def test_what_would_not_be_signed_is_refused(place: list[str | int], value: Any, lost: str) -> None:
    school = School()
    document = school.credential()
    inside: Any = document
    for step in place[:-1]:
        inside = inside[step]
    inside[place[-1]] = value
    with pytest.raises(canonical.Lossy) as refused:
        school.sign(document)
    assert refused.value.terms == (lost,)
    with pytest.raises(canonical.Lossy):
        jose.to_jwt(document, rsa_key(), f"{school.did}#{RSA_KEY}")


def test_the_type_of_the_schema_needs_the_context_of_the_extensions() -> None:
    document = School().credential()
    document["@context"].remove(contexts.EXTENSIONS)
    with pytest.raises(canonical.Lossy, match="1EdTechJsonSchemaValidator2019"):
        canonical.lossless(document)


@pytest.mark.parametrize(
    "named",
    [
        "https://example.org/context",
        contexts.UNDEFINED,
        {"@vocab": "https://example.org/"},
        ["https://www.w3.org/ns/credentials/v2/"],
        None,
    ],
)
def test_a_context_that_is_not_pinned_is_refused(named: Any) -> None:
    document = School().credential()
    document["@context"] = [*document["@context"], named]
    with pytest.raises(contexts.UnknownContext):
        canonical.lossless(document)


def test_a_context_inside_a_document_is_refused() -> None:
    document = School().credential()
    document["credentialSubject"]["@context"] = contexts.CREDENTIALS
    with pytest.raises(canonical.Lossy, match="@context"):
        canonical.lossless(document)


def test_contexts_come_from_the_package_and_are_the_final_ones() -> None:
    known = contexts.known()
    assert set(contexts.BADGE) <= set(known)
    assert all("@context" in context for context in known.values())


def test_another_text_under_the_address_of_a_context_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    name, _sha256 = contexts._PINNED[contexts.EXTENSIONS]
    monkeypatch.setitem(contexts._PINNED, contexts.EXTENSIONS, (name, "0" * 64))
    contexts.load.cache_clear()
    try:
        with pytest.raises(contexts.ChangedContext, match="extensions"):
            contexts.load(contexts.EXTENSIONS)
    finally:
        contexts.load.cache_clear()


def test_a_token_says_what_the_badge_says_and_nothing_about_its_key() -> None:
    school = School()
    credential = school.credential(valid_until=datetime(2030, 1, 1, tzinfo=UTC))
    token = jose.read(jose.to_jwt(credential, rsa_key(), f"{school.did}#{RSA_KEY}"))
    assert token.header == {"alg": "RS256", "kid": f"{school.did}#{RSA_KEY}", "typ": "JWT"}
    claims = {
        "iss": school.did,
        "jti": credential["id"],
        "sub": credential["credentialSubject"]["id"],
        "nbf": int(NOW.timestamp()),
        "exp": 1893456000,
    }
    assert token.payload == {**credential, **claims}
    assert jose.claims_agree(token.payload)
    assert not jose.claims_agree({**token.payload, "sub": "urn:uuid:somebody-else"})


def test_a_token_that_its_key_did_not_sign_does_not_hold() -> None:
    token = jose.read(School().token())
    assert jose.holds(token, did.jwk(rsa_key().public_key()))
    assert not jose.holds(token, did.jwk(rsa_key(1).public_key()))


def test_a_key_is_never_used_with_another_algorithm() -> None:
    """The oldest trick: a token signed with HMAC, for which the public key serves as the secret."""
    public = did.jwk(rsa_key().public_key())
    body = canonical.text(School().credential()).encode()
    forged = jws.serialize_compact({"alg": "PS256"}, body, RSAKey.import_key(rsa_key()), algorithms=["PS256"])
    assert not jose.holds(jose.read(forged), public)
    assert not jose.holds(jose.read(forged), {"kty": "oct", "k": public["n"]})


def test_times_are_written_in_utc_to_the_second() -> None:
    assert instants.text(datetime.fromisoformat("2026-11-20T10:04:05.999-05:00")) == "2026-11-20T15:04:05Z"
    assert instants.read("2026-11-20T10:04:05-05:00") == NOW
    for written in ("2026-11-20", "2026-11-20T10:04:05", "", None, 20261120):
        with pytest.raises(ValueError, match=r"time|format"):
            instants.read(written)


def test_signing_leaves_the_document_as_it_is() -> None:
    school = School()
    credential = school.credential()
    before = copy.deepcopy(credential)
    school.sign(credential)
    assert credential == before


def test_threads_sign_at_the_same_time() -> None:
    """The worker signs while pages are checked, and the library's caches are those of the process."""
    school = School()
    with ThreadPoolExecutor(8) as threads:
        badges = list(threads.map(lambda _number: school.badge(), range(24)))
    key = school.keys[KEY].public_key()
    assert all(data_integrity.holds(badge, badge["proof"][0], key) for badge in badges)
