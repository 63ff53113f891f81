"""Giving and taking badges: once for a person, a course and a micro-credential, however often it is earned."""

from __future__ import annotations

import calendar
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, update

from ltitools.plugin import Conflict, NotFound, Tenant, jobs, roster, session, upsert, utcnow
from ltitools_badges import achievements, issuers, rules
from ltitools_badges.core.content import MicroCredential
from ltitools_badges.core.status import LENGTH, StatusList
from ltitools_badges.models import Achievement, Badge, Holder, Place, Rule, Task, Version
from ltitools_badges.models import StatusList as StatusListRow
from ltitools_badges.texts import _

KEY = "badges"
SIGN = "sign"
KEPT, TAKEN, RECOVERED = "kept", "revoked", "recovered"
MAX_REASON = 500
AT_ONCE = 500
SECOND = timedelta(seconds=1)
"""What two versions of a badge differ by at least: their times are written in whole seconds."""


@dataclass(frozen=True)
class Gift:
    """A badge for one person, and what it is given for; `by_hand` where somebody has decided it, `by_person` who."""

    person_id: int
    score: Decimal | None = None
    threshold: Decimal = rules.PASS
    basis: Mapping[str, Any] = field(default_factory=dict)
    by_person: int | None = None
    reason: str = ""
    by_hand: bool = False


def give(tenant: Tenant, version: Version, course_id: int, gifts: Sequence[Gift]) -> dict[int, int]:
    """Give badges in the caller's transaction; the worker signs them.

    Returns the ids of the new ones by person: who has the badge already gets no second one.
    """
    if not gifts:
        return {}
    issuer = issuers.of(tenant)
    issuers.require_address(issuer)
    content = MicroCredential.from_json(version.content)
    now = utcnow()
    rows = [
        {
            "tenant_id": tenant.id,
            "achievement_id": version.achievement_id,
            "version_id": version.id,
            "course_id": course_id,
            "person_id": gift.person_id,
            "score": gift.score,
            "threshold": gift.threshold,
            "basis": dict(gift.basis),
            "by_hand": gift.by_hand,
            "awarded_by": gift.by_person,
            "reason": gift.reason[:MAX_REASON],
            "status_list": number,
            "status_index": index,
            "awarded_at": now,
            "valid_from": now,
            "valid_until": _after_months(now, content.valid_months),
        }
        for gift, (number, index) in zip(gifts, _places(tenant.id, len(gifts)), strict=True)
    ]
    statement = upsert(Badge).on_conflict_do_nothing(index_elements=["version_id", "course_id", "person_id"])
    made = session.execute(statement.returning(Badge.person_id, Badge.id), rows).all()
    found = {row.person_id: row.id for row in made}
    if found:
        _add_holders(tenant.id, found)
        ask_to_sign(tenant.id)
    return found


def give_by_hand(
    tenant: Tenant, achievement: Achievement, course_id: int, person_id: int, *, by_person: int | None, reason: str
) -> Badge:
    """Somebody decides that a person has earned it. Raises Conflict with a sentence where that cannot be."""
    if not reason.strip():
        raise Conflict(_("Say why: the reason is kept with the badge."))
    member = roster.member(tenant.id, course_id, person_id)
    if member is None:
        raise Conflict(_("This person is not in the course."))
    if member.person.is_test:
        raise Conflict(_("A test student cannot have a badge."))
    version = achievements.latest(tenant.id, achievement.id)
    if version is None:
        raise Conflict(_("This micro-credential is not published yet."))
    before = held(tenant.id, achievement.id, course_id, person_id)
    if before is not None and before.revoked_at is None:
        raise Conflict(_("%(name)s has this badge already.", name=member.person.name))
    if before is not None and before.version_id == version.id:
        return restore(before, by_person, reason)
    made = give(tenant, version, course_id, [Gift(person_id, by_person=by_person, reason=reason, by_hand=True)])
    if person_id not in made:
        raise Conflict(_("%(name)s has this badge already.", name=member.person.name))
    look_at_stacks(tenant.id, [person_id])
    return get(tenant.id, made[person_id])


def revoke(badge: Badge, reason: str, by_person: int | None = None) -> None:
    """Take a badge back: from now on whoever checks it reads that it is revoked. Raises Conflict without a reason."""
    revoke_all(badge.tenant_id, [(badge, reason)], by_person)


def revoke_all(tenant_id: int, taken: Sequence[tuple[Badge, str]], by_person: int | None = None) -> None:
    """Take badges of an institution back, each with its reason. Raises Conflict where one has none."""
    if not all(reason.strip() for _badge, reason in taken):
        raise Conflict(_("Say why: the reason is kept with the badge."))
    valid = [(badge, reason) for badge, reason in taken if badge.revoked_at is None]
    for badge, reason in valid:
        badge.revoked_at, badge.revoked_reason, badge.revoked_by = utcnow(), reason[:MAX_REASON], by_person
    for number in sorted({badge.status_list for badge, _reason in valid}):
        _mark(tenant_id, number, [badge.status_index for badge, _reason in valid if badge.status_list == number])
    look_at_stacks(tenant_id, [badge.person_id for badge, _reason in valid])
    _settle_all(tenant_id, [badge.id for badge, _reason in taken], TAKEN, by_person)
    session.flush()


def restore(badge: Badge, by_person: int | None, reason: str) -> Badge:
    """Give a badge again that was revoked: at the same address, with another place in the status list.

    A revocation cannot be undone (https://www.w3.org/TR/vc-bitstring-status-list/, section 3.2), so copies of before
    stay revoked; the holder gets the new one.
    """
    badge.revoked_at, badge.revoked_reason, badge.revoked_by = None, "", None
    badge.reason, badge.awarded_by, badge.by_hand = reason[:MAX_REASON], by_person, True
    [(badge.status_list, badge.status_index)] = _places(badge.tenant_id, 1)
    sign_anew(badge)
    look_at_stacks(badge.tenant_id, [badge.person_id])
    return badge


def keep(badge: Badge, by_person: int) -> None:
    """Somebody decides that a badge stays although the score fell."""
    badge.by_hand = True
    settle(badge, KEPT, by_person)
    session.flush()


def sign_anew(badge: Badge) -> None:
    """What a badge says has changed: it is signed again, as the same badge with a later beginning of its validity."""
    badge.valid_from, badge.signed_at = max(utcnow(), badge.valid_from + SECOND), None
    session.flush()
    ask_to_sign(badge.tenant_id)


def ask_to_sign(tenant_id: int) -> None:
    """Have the worker sign what waits, after the caller's commit."""
    jobs.enqueue(tenant_id, KEY, SIGN, unique=SIGN)


def find_holder(tenant_id: int, person_id: int) -> Holder | None:
    """A person as a holder; None before their first badge."""
    return session.scalar(select(Holder).where(Holder.tenant_id == tenant_id, Holder.person_id == person_id))


def holder_of(tenant_id: int, person_id: int) -> Holder:
    """A person as a holder, made at their first badge."""
    _add_holders(tenant_id, [person_id])
    found = find_holder(tenant_id, person_id)
    assert found is not None
    return found


def _add_holders(tenant_id: int, person_ids: Iterable[int]) -> None:
    statement = upsert(Holder).on_conflict_do_nothing(index_elements=["tenant_id", "person_id"])
    session.execute(statement, [{"tenant_id": tenant_id, "person_id": person_id} for person_id in person_ids])


# --- what follows ----------------------------------------------------------------------------------------------------


def stacks(tenant_id: int) -> list[Rule]:
    """The rules of larger awards, made of other badges."""
    rows = session.scalars(select(Rule).where(Rule.tenant_id == tenant_id, Rule.enabled.is_(True)))
    return [rule for rule in rows if rules.terms_of(rule).is_stack]


def look_at_stacks(tenant_id: int, person_ids: Iterable[int]) -> None:
    """Have the worker look at the larger awards of these people, whose badges have changed."""
    if stacks(tenant_id):
        for person_id in person_ids:
            jobs.enqueue(tenant_id, KEY, "stack", {"person_id": person_id}, unique=f"stack:{person_id}")


def ask(badge: Badge, score: Decimal | None, cause: str) -> None:
    """Have somebody decide about a badge that would not be given now."""
    statement = upsert(Task).values(
        tenant_id=badge.tenant_id, badge_id=badge.id, cause=cause, score=score, raised_at=utcnow()
    )
    session.execute(statement.on_conflict_do_nothing())


def settle(badge: Badge, decision: str, by_person: int | None = None) -> None:
    """What was asked about a badge is decided."""
    _settle_all(badge.tenant_id, [badge.id], decision, by_person)


def _settle_all(tenant_id: int, badge_ids: Sequence[int], decision: str, by_person: int | None) -> None:
    for start in range(0, len(badge_ids), AT_ONCE):
        session.execute(
            update(Task)
            .where(
                Task.tenant_id == tenant_id,
                Task.badge_id.in_(badge_ids[start : start + AT_ONCE]),
                Task.settled_at.is_(None),
            )
            .values(settled_at=utcnow(), settled_by=by_person, decision=decision)
        )


# --- finding ---------------------------------------------------------------------------------------------------------


def held(tenant_id: int, achievement_id: int, course_id: int, person_id: int) -> Badge | None:
    """The latest badge of a person for a micro-credential in a course, revoked or not."""
    return session.scalar(
        select(Badge)
        .where(
            Badge.tenant_id == tenant_id,
            Badge.achievement_id == achievement_id,
            Badge.course_id == course_id,
            Badge.person_id == person_id,
        )
        .order_by(Badge.id.desc())
        .limit(1)
    )


def get(tenant_id: int, badge_id: int) -> Badge:
    """One badge of the institution; raises NotFound."""
    found = session.scalar(select(Badge).where(Badge.tenant_id == tenant_id, Badge.id == badge_id))
    if found is None:
        raise NotFound("This badge is not there.")
    return found


def find_public(tenant_id: int, public_id: str) -> Badge | None:
    """The badge with this public id."""
    return session.scalar(select(Badge).where(Badge.tenant_id == tenant_id, Badge.public_id == public_id))


def in_course(
    tenant_id: int, achievement_id: int, course_id: int, person_ids: Collection[int] | None = None
) -> dict[int, Badge]:
    """The latest badge of everybody who has one for a micro-credential in a course, by person; revoked ones too.

    With `person_ids` of these people only.
    """
    rows = select(Badge).where(
        Badge.tenant_id == tenant_id, Badge.achievement_id == achievement_id, Badge.course_id == course_id
    )
    if person_ids is not None:
        rows = rows.where(Badge.person_id.in_(person_ids))
    return {badge.person_id: badge for badge in session.scalars(rows.order_by(Badge.id))}


def of_person(tenant_id: int, person_id: int) -> Sequence[Badge]:
    """All badges of a person in the institution, the newest first."""
    rows = select(Badge).where(Badge.tenant_id == tenant_id, Badge.person_id == person_id)
    return session.scalars(rows.order_by(Badge.awarded_at.desc(), Badge.id.desc())).all()


def open_tasks(tenant_id: int, achievement_id: int, course_id: int) -> list[tuple[Task, Badge]]:
    """What somebody has to decide in a course, the oldest first."""
    rows = session.execute(
        select(Task, Badge)
        .join(Badge, Badge.id == Task.badge_id)
        .where(
            Task.tenant_id == tenant_id,
            Task.settled_at.is_(None),
            Badge.achievement_id == achievement_id,
            Badge.course_id == course_id,
        )
        .order_by(Task.raised_at, Task.id)
    )
    return [(task, badge) for task, badge in rows]


def counts(tenant_id: int) -> dict[int, tuple[int, int]]:
    """How many badges of each micro-credential were given, and how many of those are revoked."""
    rows = session.execute(
        select(Badge.achievement_id, func.count(), func.count(Badge.revoked_at))
        .where(Badge.tenant_id == tenant_id)
        .group_by(Badge.achievement_id)
    )
    return {row[0]: (row[1], row[2]) for row in rows}


# --- status lists ----------------------------------------------------------------------------------------------------


def _places(tenant_id: int, count: int) -> list[tuple[int, int]]:
    """Random free places in the institution's newest status list; a list that is half full is followed by another.

    Random, so that a place says nothing about who was given a badge before or after whom.
    """
    places: list[tuple[int, int]] = []
    while len(places) < count:
        row = _list_with_room(tenant_id)
        found = _draw(tenant_id, row.number, min(count - len(places), LENGTH // 2 - row.taken))
        session.execute(
            upsert(Place),
            [{"tenant_id": tenant_id, "status_list": row.number, "status_index": index} for index in found],
        )
        row.taken += len(found)
        session.flush()
        places += [(row.number, index) for index in found]
    return places


def _draw(tenant_id: int, number: int, count: int) -> list[int]:
    """So many free places of a list, in the order in which chance gave them."""
    found: dict[int, None] = {}
    while len(found) < count:
        drawn = [StatusList().random_free(found) for _each in range(min(count - len(found), AT_ONCE))]
        given = select(Place.status_index).where(
            Place.tenant_id == tenant_id, Place.status_list == number, Place.status_index.in_(drawn)
        )
        taken = set(session.scalars(given))
        found |= dict.fromkeys(index for index in drawn if index not in taken)
    return list(found)


def _list_with_room(tenant_id: int) -> StatusListRow:
    row = _newest_list(tenant_id)
    if row is None or row.taken >= LENGTH // 2:
        number = 1 if row is None else row.number + 1
        empty = upsert(StatusListRow).values(
            tenant_id=tenant_id, number=number, bits=StatusList().to_text(), taken=0, changed_at=utcnow()
        )
        session.execute(empty.on_conflict_do_nothing(index_elements=["tenant_id", "number"]))
        row = _newest_list(tenant_id)
        assert row is not None
    return row


def _newest_list(tenant_id: int) -> StatusListRow | None:
    """Locked, so that two badges never get the same place."""
    return session.scalar(
        select(StatusListRow)
        .where(StatusListRow.tenant_id == tenant_id)
        .order_by(StatusListRow.number.desc())
        .limit(1)
        .with_for_update()
    )


def _mark(tenant_id: int, number: int, indices: Iterable[int]) -> None:
    """Set bits of a list. It is signed by the worker, and by whoever asks for it before that."""
    row = session.scalars(
        select(StatusListRow)
        .where(StatusListRow.tenant_id == tenant_id, StatusListRow.number == number)
        .with_for_update()
    ).one()
    bits = StatusList.from_text(row.bits)
    for index in indices:
        bits.set(index)
    row.bits, row.document, row.jwt, row.changed_at = bits.to_text(), None, None, utcnow()
    session.flush()
    ask_to_sign(tenant_id)


def _after_months(moment: datetime, months: int | None) -> datetime | None:
    """The same day so many months later, or the last of a month that is shorter."""
    if months is None:
        return None
    year, month = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + year, month + 1
    day = min(moment.day, calendar.monthrange(year, month)[1])
    return moment.replace(year=year, month=month, day=day)
