"""Badges of other issuers that people hand in as components of a larger award. They count once they are checked.

Genuine is not enough: a badge counts for whom it was given to. Where it does not say so plainly, an instructor decides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update

from ltitools.plugin import LazyText, NotFound, session, upsert, utcnow
from ltitools_badges.checking_process import check_apart
from ltitools_badges.core import baking, checking, facts, proving
from ltitools_badges.core.checking import Report
from ltitools_badges.models import Foreign
from ltitools_badges.rules import Outside
from ltitools_badges.texts import lazy

GOOD, ASKED, REFUSED, LOST = "good", "asked", "refused", "lost"
FRESH = timedelta(minutes=15)
"""How long a check is good for: nothing is given for a badge that was checked longer ago."""


class Unfit(Exception):
    """What was handed in does not count. `report` is there where a badge was found in it."""

    def __init__(self, reason: LazyText, report: Report | None = None) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.report = report


class Undecided(Exception):
    """Whether a badge still counts could not be found out now; the worker tries again later."""


@dataclass(frozen=True)
class Checked:
    """A genuine badge of the issuer that a rule names. `is_theirs` says whether it names the person as its holder."""

    report: Report
    document: str
    credential_id: str
    is_theirs: bool


def examine(raw: bytes, outside: Outside, names: Collection[str], fetch: Callable[[str], bytes | None]) -> Checked:
    """Check what somebody handed in for a component; `names` are the person's name and e-mail address.

    Other servers are asked: no transaction may be open. Raises Unfit.
    """
    try:
        document = baking.unbake(raw)
    except baking.NotBaked:
        raise Unfit(
            lazy("No badge was found in it. A screenshot carries none: hand in the file of the badge.")
        ) from None
    report = check_apart(document.encode(), fetch)
    if report.verdict == "bad":
        raise Unfit(lazy("This badge does not hold up:"), report)
    if report.verdict != "good":
        raise Unfit(lazy("Whether this badge is genuine could not be found out:"), report)
    opened = proving.opened(document).document
    if facts.identifier(opened.get("issuer")) != outside.issuer:
        raise Unfit(lazy("This badge is genuine, but of another issuer than the one that counts here."))
    if outside.achievement and _achievement(opened) != outside.achievement:
        raise Unfit(lazy("This badge is genuine, but for something else than what counts here."))
    theirs = any(_names(document, name) for name in names if name.strip())
    return Checked(report, document, str(opened["id"]), theirs)


def _names(document: str, name: str) -> bool:
    """Whether a badge that was proven names this person as its holder. Its proof is not looked at once more."""
    return checking.check(document, {}, utcnow(), recipient=name).line("recipient").outcome == "good"


def _achievement(document: Mapping[str, Any]) -> str:
    subject = document.get("credentialSubject")
    return facts.identifier(subject.get("achievement")) if isinstance(subject, Mapping) else ""


def keep(tenant_id: int, person_id: int, achievement_id: int, outside: Outside, checked: Checked) -> Foreign:
    """Keep a badge that was examined, in place of what was handed in for the component before. Raises Unfit."""
    digest = hashlib.sha256(f"{outside.issuer}\n{checked.credential_id}".encode()).hexdigest()
    before = {row.component: row for row in of_person(tenant_id, person_id, achievement_id)}
    if any(row.digest == digest and row.component != outside.key for row in before.values()):
        raise Unfit(lazy("You have handed in this badge for another component already; it counts once."))
    same = before.get(outside.key)
    if same is not None and same.digest == digest and same.state == REFUSED:
        raise Unfit(lazy("An instructor has decided that this badge does not count. Please ask them."))
    accepted = checked.is_theirs or (same is not None and same.digest == digest and same.decided_by is not None)
    report, now = checked.report, utcnow()
    values = {
        "state": GOOD if accepted else ASKED,
        "detail": "",
        "name": report.name[:255],
        "recipient": report.recipient[:255],
        "issuer": outside.issuer,
        "issuer_name": report.issuer_name[:255],
        "credential_id": checked.credential_id[:2000],
        "digest": digest,
        "document": checked.document,
        "valid_until": report.valid_until,
        "checked_at": now,
        "handed_in_at": now,
    }
    if same is None or same.digest != digest:
        values |= {"decided_at": None, "decided_by": None}
    key = {"tenant_id": tenant_id, "person_id": person_id, "achievement_id": achievement_id, "component": outside.key}
    session.execute(
        upsert(Foreign)
        .values(**key, **values)
        .on_conflict_do_update(index_elements=["person_id", "achievement_id", "component"], set_=values)
    )
    return next(row for row in of_person(tenant_id, person_id, achievement_id) if row.component == outside.key)


def decide(tenant_id: int, foreign_id: int, person_id: int, *, is_theirs: bool, by_person: int) -> Foreign:
    """An instructor says whether a badge that names somebody else, or nobody, is this person's."""
    row = session.scalar(
        select(Foreign).where(
            Foreign.tenant_id == tenant_id,
            Foreign.id == foreign_id,
            Foreign.person_id == person_id,
            Foreign.state.in_((ASKED, REFUSED)),
        )
    )
    if row is None:
        raise NotFound("There is nothing to decide about this badge.")
    row.state = GOOD if is_theirs else REFUSED
    row.decided_at, row.decided_by = utcnow(), by_person
    session.flush()
    return row


# --- checking again --------------------------------------------------------------------------------------------------


def is_stale(rows: Collection[Foreign], now: datetime) -> bool:
    """Whether one of them was checked too long ago to give something for it."""
    return any(row.checked_at < now - FRESH for row in rows)


def check_again(tenant_id: int, person_id: int, achievement_id: int, fetch: Callable[[str], bytes | None]) -> None:
    """Check what counts for the person once more, and note what does not any more. Commits; asks other servers.

    Raises Undecided where one could not be checked now.
    """
    rows = [row for row in of_person(tenant_id, person_id, achievement_id) if row.state == GOOD]
    session.commit()
    reports = [(row, check_apart(row.document.encode(), fetch)) for row in rows]
    for row, report in reports:
        if report.verdict == "unknown":
            continue
        wrong = next((line.detail for line in report.lines if line.outcome == "bad"), "")
        session.execute(
            update(Foreign)
            .where(Foreign.tenant_id == tenant_id, Foreign.id == row.id, Foreign.digest == row.digest)
            .values(checked_at=utcnow(), detail=wrong, state=LOST if wrong else GOOD)
        )
    session.commit()
    doubtful = [row.credential_id for row, report in reports if report.verdict == "unknown"]
    if doubtful:
        raise Undecided(f"{len(doubtful)} badges of other issuers could not be checked")


# --- finding ---------------------------------------------------------------------------------------------------------


def of_person(tenant_id: int, person_id: int, achievement_id: int) -> Sequence[Foreign]:
    """What a person has handed in for a micro-credential."""
    rows = select(Foreign).where(
        Foreign.tenant_id == tenant_id, Foreign.person_id == person_id, Foreign.achievement_id == achievement_id
    )
    return session.scalars(rows.order_by(Foreign.id).execution_options(populate_existing=True)).all()


def waiting(tenant_id: int, achievement_id: int, person_ids: Collection[int]) -> dict[int, list[Foreign]]:
    """What waits for an instructor's word, by person."""
    rows = select(Foreign).where(
        Foreign.tenant_id == tenant_id, Foreign.achievement_id == achievement_id, Foreign.state == ASKED
    )
    found: dict[int, list[Foreign]] = {}
    for row in session.scalars(rows.order_by(Foreign.handed_in_at, Foreign.id)):
        if row.person_id in person_ids:
            found.setdefault(row.person_id, []).append(row)
    return found


def counting(
    tenant_id: int, achievement_ids: Collection[int], person_ids: Collection[int] | None, now: datetime
) -> dict[int, dict[int, set[str]]]:
    """The keys of the components that people have handed in and that count, by person and micro-credential."""
    if not achievement_ids:
        return {}
    rows = select(Foreign.person_id, Foreign.achievement_id, Foreign.component).where(
        Foreign.tenant_id == tenant_id,
        Foreign.achievement_id.in_(achievement_ids),
        Foreign.state == GOOD,
        or_(Foreign.valid_until.is_(None), Foreign.valid_until > now),
    )
    if person_ids is not None:
        rows = rows.where(Foreign.person_id.in_(person_ids))
    found: dict[int, dict[int, set[str]]] = {}
    for person_id, achievement_id, component in session.execute(rows):
        found.setdefault(person_id, {}).setdefault(achievement_id, set()).add(component)
    return found
