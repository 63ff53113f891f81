"""The same award as a hosted badge of Open Badges 2.0, for backpacks that read nothing newer.

https://www.imsglobal.org/sites/default/files/Badges/OBv2p0Final/index.html. A hosted badge is genuine because it is
found at its address, so that it proves less than the signed one and ends with the server.
"""

from decimal import Decimal
from typing import Any

from ltitools_badges.core import alignments, documents, instants
from ltitools_badges.core.content import MicroCredential
from ltitools_badges.core.documents import Award, Issuer

CONTEXT = "https://w3id.org/openbadges/v2"


def assertion_address(issuer: Issuer, public_id: str) -> str:
    return f"{documents.credential_address(issuer, public_id)}.ob2.json"


def badge_class_address(issuer: Issuer, slug: str, version: int) -> str:
    return f"{documents.achievement_address(issuer, slug, version)}.ob2.json"


def issuer_address(issuer: Issuer) -> str:
    return f"{issuer.base}/issuer.ob2.json"


def assertion(issuer: Issuer, award: Award) -> dict[str, Any]:
    """Who has earned which badge. Without an e-mail address that the person has agreed to, it is for the identifier."""
    if award.email_hash:
        salt, hashed = award.email_hash
        recipient = {"type": "email", "hashed": True, "salt": salt, "identity": hashed}
    else:
        recipient = {"type": "url", "hashed": False, "identity": award.subject}
    found: dict[str, Any] = {
        "@context": CONTEXT,
        "type": "Assertion",
        "id": assertion_address(issuer, award.public_id),
        "recipient": recipient,
        "badge": badge_class_address(issuer, award.achievement_id, award.version),
        "verification": {"type": "HostedBadge"},
        "issuedOn": instants.text(award.awarded_at),
        "image": f"{documents.credential_address(issuer, award.public_id)}.png",
    }
    if award.valid_until:
        found["expires"] = instants.text(award.valid_until)
    evidence = [_evidence(one) for one in award.evidence]
    return {**found, "evidence": evidence} if evidence else found


def revoked(issuer: Issuer, public_id: str, reason: str = "") -> dict[str, Any]:
    """What is left at the address of a revoked assertion, served with status 410 (section "Hosted verification")."""
    found = {
        "@context": CONTEXT,
        "type": "Assertion",
        "id": assertion_address(issuer, public_id),
        "revoked": True,
    }
    return {**found, "revocationReason": reason} if reason else found


def badge_class(
    issuer: Issuer, content: MicroCredential, slug: str, version: int, threshold: Decimal
) -> dict[str, Any]:
    """What is earned."""
    described = documents.achievement(issuer, content, slug, version, threshold)
    found: dict[str, Any] = {
        "@context": CONTEXT,
        "type": "BadgeClass",
        "id": badge_class_address(issuer, slug, version),
        "name": content.name,
        "description": described["description"],
        "image": described["image"]["id"],
        "criteria": described["criteria"],
        "issuer": issuer_address(issuer),
        "@language": content.language,
    }
    places = [
        {name: value for name, value in place.items() if name not in ("type", "targetType")}
        for place in described.get("alignment", [])
        if not place["targetType"].startswith("ext:") or place["targetType"] == alignments.OCCUPATION
    ]
    if places:
        found["alignment"] = places
    return {**found, "tags": list(content.tags)} if content.tags else found


def issuer(issuer: Issuer) -> dict[str, Any]:
    """Who awards."""
    found = {
        "@context": CONTEXT,
        "type": "Issuer",
        "id": issuer_address(issuer),
        "name": issuer.name,
        "url": issuer.url,
        "email": issuer.email,
        "description": issuer.description,
        "image": issuer.image_url,
    }
    return {name: value for name, value in found.items() if value}


def _evidence(evidence: documents.Evidence) -> dict[str, str]:
    found = {
        "id": evidence.url,
        "name": evidence.name,
        "description": evidence.description,
        "genre": evidence.genre,
    }
    return {name: value for name, value in found.items() if value}
