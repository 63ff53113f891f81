"""Signing what waits: badges that are new or have changed, and status lists. The worker does it, outside of pages.

A badge is canonicalised, which takes some ten milliseconds, while no transaction is open; its row is written only if
nothing has changed meanwhile.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update

from ltitools.plugin import JobRun, Tenant, courses, session, tenants, utcnow
from ltitools_badges import issuers
from ltitools_badges.core import canonical, data_integrity, documents, jose, status
from ltitools_badges.core.content import Alignment, MicroCredential
from ltitools_badges.models import Achievement, Badge, Holder, Issuer, Key, StatusList, Version

log = logging.getLogger(__name__)
BATCH = 25


@dataclass(frozen=True)
class Signer:
    """An issuer with the keys that sign now."""

    issuer: documents.Issuer
    ed25519: Key
    rsa: Key

    @classmethod
    def of(cls, row: Issuer) -> Signer:
        """The issuer's, as its keys are now."""
        return cls(
            issuers.described(row),
            issuers.signing_key(row.tenant_id, issuers.ED25519),
            issuers.signing_key(row.tenant_id, issuers.RSA),
        )

    def sign(self, claims: Mapping[str, Any], now: datetime) -> tuple[str, str]:
        """The credential with a Data Integrity proof, and its twin as JWT. Refuses what a checker would read in part.

        Raises canonical.Lossy.
        """
        canonical.lossless(claims)
        method = f"{self.issuer.did}#{self.ed25519.name}"
        document = data_integrity.sign(claims, issuers.ed25519_key(self.ed25519), method, now)
        twin = jose.to_jwt(claims, issuers.rsa_key(self.rsa), f"{self.issuer.did}#{self.rsa.name}")
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")), twin


def sign(run: JobRun) -> None:
    """The worker's job: everything of a tenant that waits."""
    assert run.tenant_id is not None
    sign_due(tenants.by_id(run.tenant_id))


def sign_due(tenant: Tenant) -> int:
    """Sign every badge and status list of an institution that waits, in batches, each committed.

    Returns how many badges were signed. Raises Conflict while the public address is in doubt.
    """
    row = issuers.find(tenant.id)
    if row is None:
        return 0
    issuers.require_address(row)
    signer = Signer.of(row)
    count, last = 0, 0
    while batch := _waiting(tenant.id, last):
        last = batch[-1].id
        prepared = _prepared(tenant.id, signer.issuer, batch)
        session.commit()
        count += _sign_batch(tenant.id, signer, prepared)
    for listed in session.scalars(
        select(StatusList).where(StatusList.tenant_id == tenant.id, StatusList.document.is_(None))
    ).all():
        listed.document, listed.jwt = sign_list(signer, listed)
        session.commit()
    return count


def signed_list(tenant: Tenant, number: int) -> tuple[str, str] | None:
    """A status list as JSON and as JWT; one that the worker has not signed yet is signed here and not kept."""
    listed = session.scalar(select(StatusList).where(StatusList.tenant_id == tenant.id, StatusList.number == number))
    row = issuers.find(tenant.id)
    if listed is None or row is None:
        return None
    if listed.document is not None and listed.jwt is not None:
        return listed.document, listed.jwt
    return sign_list(Signer.of(row), listed)


def sign_list(signer: Signer, listed: StatusList) -> tuple[str, str]:
    """The credential that says which badges are revoked, and its twin. Its time is that of the change."""
    claims = status.credential(
        signer.issuer, listed.number, status.StatusList.from_text(listed.bits), listed.changed_at
    )
    return signer.sign(claims, utcnow())


@dataclass(frozen=True)
class Prepared:
    """A badge that is to be signed: its row's id, what it says, and the time that the row had when it was read."""

    badge_id: int
    claims: dict[str, Any]
    valid_from: datetime


def _sign_batch(tenant_id: int, signer: Signer, prepared: Sequence[Prepared]) -> int:
    signed = []
    for one in prepared:
        try:
            signed.append((one, *signer.sign(one.claims, utcnow())))
        except canonical.Lossy:
            # One badge that cannot be signed must not hold up those of everybody else.
            log.exception("badge %s says something that would not be signed", one.badge_id)
    for one, document, twin in signed:
        session.execute(
            update(Badge)
            .where(Badge.tenant_id == tenant_id, Badge.id == one.badge_id, Badge.valid_from == one.valid_from)
            .values(
                claims=one.claims,
                document=document,
                jwt=twin,
                keys=[signer.ed25519.name, signer.rsa.name],
                signed_at=utcnow(),
            )
        )
    session.commit()
    return len(signed)


def _waiting(tenant_id: int, after: int) -> Sequence[Badge]:
    rows = select(Badge).where(Badge.tenant_id == tenant_id, Badge.signed_at.is_(None), Badge.id > after)
    return session.scalars(rows.order_by(Badge.id).limit(BATCH)).all()


def _prepared(tenant_id: int, issuer: documents.Issuer, badges: Sequence[Badge]) -> list[Prepared]:
    """What the badges say, read in as few queries as there are kinds of things."""
    versions = _by_id(Version, tenant_id, {badge.version_id for badge in badges})
    found = _by_id(Achievement, tenant_id, {badge.achievement_id for badge in badges})
    related = _related(tenant_id, issuer, found)
    people = {badge.person_id for badge in badges}
    holders = {
        row.person_id: row
        for row in session.scalars(select(Holder).where(Holder.tenant_id == tenant_id, Holder.person_id.in_(people)))
    }
    titles = courses.named(tenant_id, {badge.course_id for badge in badges if badge.course_id is not None})
    prepared = []
    for badge in badges:
        version, holder = versions[badge.version_id], holders[badge.person_id]
        course = titles.get(badge.course_id) if badge.course_id is not None else None
        award = documents.Award(
            public_id=badge.public_id,
            version=version.number,
            achievement_id=found[badge.achievement_id].slug,
            subject=holder.subject,
            awarded_at=badge.awarded_at,
            valid_from=badge.valid_from,
            valid_until=badge.valid_until,
            threshold=Decimal(badge.threshold),
            score=badge.score,
            name=holder.name,
            email_hash=_email_hash(holder),
            status_list=badge.status_list,
            status_index=badge.status_index,
            measured=_measured(badge.basis),
            evidence=_evidence(badge.basis),
            components=_components(tenant_id, issuer, badge),
            source_name=course.title if course else "",
            source_url=issuer.url if course else "",
            related=related.get(badge.achievement_id, ()),
        )
        content = MicroCredential.from_json(version.content)
        prepared.append(Prepared(badge.id, documents.credential(issuer, content, award), badge.valid_from))
    return prepared


def _email_hash(holder: Holder) -> tuple[str, str] | None:
    if not holder.email:
        return None
    return holder.salt, documents.hashed_email(holder.email, holder.salt)


def _measured(basis: Mapping[str, Any]) -> tuple[documents.Measured, ...]:
    """The competencies that were shown, as results of their own."""
    return tuple(
        documents.Measured(one["name"], one["level"], "level", Alignment(**one["alignment"]))
        for one in basis.get("shown", ())
    )


def _evidence(basis: Mapping[str, Any]) -> tuple[documents.Evidence, ...]:
    return tuple(documents.Evidence(**one) for one in basis.get("evidence", ()))


def _components(tenant_id: int, issuer: documents.Issuer, badge: Badge) -> tuple[tuple[str, str], ...]:
    """The badges of the holder that this one is made of, of other issuers too: name and address."""
    outside = tuple((str(one["name"]), str(one["url"])) for one in badge.basis.get("outside", ()))
    wanted = badge.basis.get("components", [])
    if not wanted:
        return outside
    rows = session.execute(
        select(Badge, Version)
        .join(Version, Version.id == Badge.version_id)
        .where(
            Badge.tenant_id == tenant_id,
            Badge.person_id == badge.person_id,
            Badge.achievement_id.in_(wanted),
            Badge.revoked_at.is_(None),
        )
        .order_by(Badge.id)
    )
    own = [(str(version.content["name"]), documents.credential_address(issuer, one.public_id)) for one, version in rows]
    return (*own, *outside)


def _related(
    tenant_id: int, issuer: documents.Issuer, found: Mapping[int, Achievement]
) -> dict[int, tuple[tuple[str, str], ...]]:
    """The editions in the other language, by micro-credential: language and address of their newest version."""
    twins = {row.twin_id: row.id for row in found.values() if row.twin_id is not None}
    if not twins:
        return {}
    rows = session.execute(
        select(Achievement, Version)
        .join(Version, Version.achievement_id == Achievement.id)
        .where(Achievement.tenant_id == tenant_id, Achievement.id.in_(twins), Version.state == "published")
        .order_by(Version.number)
    )
    return {
        twins[twin.id]: (
            (str(version.content["language"]), documents.achievement_address(issuer, twin.slug, version.number)),
        )
        for twin, version in rows
    }


def _by_id(table: Any, tenant_id: int, ids: set[int]) -> dict[int, Any]:
    return {
        row.id: row for row in session.scalars(select(table).where(table.tenant_id == tenant_id, table.id.in_(ids)))
    }
