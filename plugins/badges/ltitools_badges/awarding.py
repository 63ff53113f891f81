"""Giving and taking badges: once for a person, a course and a micro-credential, however often it is earned.

Nothing here takes a badge away by itself. Where a score falls below what it took, a person is asked.
"""

from __future__ import annotations

import calendar
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, update

from ltitools.plugin import (
    INSTRUCTORS,
    CompetencyResult,
    Conflict,
    NotFound,
    Role,
    Tenant,
    activities,
    competencies,
    grades,
    jobs,
    roster,
    session,
    upsert,
    utcnow,
)
from ltitools_badges import achievements, issuers, rules
from ltitools_badges.core.content import MicroCredential
from ltitools_badges.core.status import LENGTH, StatusList
from ltitools_badges.models import Achievement, Badge, Holder, Rule, Score, Task, Version
from ltitools_badges.models import StatusList as StatusListRow
from ltitools_badges.rules import Standing, Terms
from ltitools_badges.texts import _

KEY = "badges"
SIGN = "sign"
KEPT, TAKEN, RECOVERED = "kept", "revoked", "recovered"
MAX_REASON = 500
SHOWN_WORDS = {"en": "Shown", "fr": "Démontrée"}
"""The level in the badge's language, which is not that of whoever looks at it."""
SECOND = timedelta(seconds=1)
"""What two versions of a badge differ by at least: their times are written in whole seconds."""


@dataclass(frozen=True)
class Seen:
    """What is known of a course, read once for everybody in it: standings are made of it."""

    tenant_id: int
    course_id: int
    fractions: Mapping[int, Mapping[int, Any]]
    levels: Mapping[int, Mapping[int, str]]
    held: Mapping[int, Collection[int]]

    def standing(self, terms: Terms, person_id: int) -> Standing:
        """How far a person of the course is."""
        levels, held = self.levels.get(person_id, {}), self.held.get(person_id, ())
        return rules.standing(terms, self.fractions.get(person_id, {}), levels, held)


def look(tenant_id: int, course_id: int, terms: Iterable[Terms], person_ids: Collection[int] | None = None) -> Seen:
    """What is known of the people of a course, or of some of them, and matters to these rules."""
    scores = select(Score).where(Score.tenant_id == tenant_id, Score.course_id == course_id)
    if person_ids is not None:
        scores = scores.where(Score.person_id.in_(person_ids))
    links = rules.activities_by_link(activities.in_course(tenant_id, course_id))
    fractions = rules.fractions_of(session.scalars(scores), links)
    asked = list(terms)
    wanted = {one for each in asked for one in each.competencies}
    levels = rules.levels_in(tenant_id, course_id, person_ids, wanted)
    stacked = any(each.components for each in asked)
    held = rules.held_by(tenant_id, course_id, person_ids, utcnow()) if stacked else {}
    return Seen(tenant_id, course_id, fractions, levels, held)


def can_earn(member: roster.Member | None) -> bool:
    """Whether somebody is in the course to learn: instructors and test students never earn."""
    return (
        member is not None
        and not member.person.is_test
        and Role.LEARNER in member.roles
        and member.roles.isdisjoint(INSTRUCTORS)
    )


# --- scores ----------------------------------------------------------------------------------------------------------


def note_score(
    tenant_id: int, person_id: int, course_id: int, link_id: int, given: str, maximum: str, event_id: int
) -> None:
    """Keep the latest score on a link, exact as it was reported. Events may come again, and in another order."""
    statement = upsert(Score).values(
        tenant_id=tenant_id,
        person_id=person_id,
        course_id=course_id,
        link_id=link_id,
        given=given,
        maximum=maximum,
        event_id=event_id,
        recorded_at=utcnow(),
    )
    new = statement.excluded
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["link_id", "person_id"],
            set_={"given": new.given, "maximum": new.maximum, "event_id": new.event_id, "recorded_at": new.recorded_at},
            where=Score.event_id < new.event_id,
        )
    )


def forget_score(tenant_id: int, person_id: int, link_id: int, event_id: int) -> None:
    """A score counts no more. What was recorded after that stays."""
    for score in session.scalars(
        select(Score).where(
            Score.tenant_id == tenant_id,
            Score.link_id == link_id,
            Score.person_id == person_id,
            Score.event_id < event_id,
        )
    ):
        session.delete(score)
    session.flush()


def fetch_scores(tenant_id: int, course_id: int) -> None:
    """Keep what was recorded in a course before anybody listened; what was heard since is newer and exact."""
    rows = [
        {
            "tenant_id": tenant_id,
            "person_id": one.person_id,
            "course_id": course_id,
            "link_id": one.link_id,
            "given": str(one.given),
            "maximum": str(one.maximum),
            "event_id": 0,
            "recorded_at": one.recorded_at,
        }
        for one in grades.in_course(tenant_id, course_id)
    ]
    if rows:
        session.execute(upsert(Score).on_conflict_do_nothing(index_elements=["link_id", "person_id"]), rows)


# --- what follows from them ------------------------------------------------------------------------------------------


def consider(tenant: Tenant, course_id: int, person_id: int) -> list[Badge]:
    """Give the person what they have earned in the course, and ask where a badge is not earned any more.

    In the caller's transaction. Returns the badges that are new.
    """
    holding = rules.holding_in(tenant.id, course_id)
    if not holding or not can_earn(roster.member(tenant.id, course_id, person_id)):
        return []
    seen = look(tenant.id, course_id, map(rules.terms_of, holding), [person_id])
    given = [badge for rule in holding if (badge := _apply(tenant, rule, seen, person_id)) is not None]
    if given:
        jobs.enqueue(tenant.id, KEY, "stack", {"person_id": person_id}, unique=f"stack:{person_id}")
    return given


def consider_all(tenant: Tenant, course_id: int, achievement_id: int | None = None) -> int:
    """The same for everybody in the course; returns how many badges are new."""
    holding = [
        rule
        for rule in rules.holding_in(tenant.id, course_id)
        if achievement_id is None or rule.achievement_id == achievement_id
    ]
    if not holding:
        return 0
    fetch_scores(tenant.id, course_id)
    seen = look(tenant.id, course_id, map(rules.terms_of, holding))
    learners = [one.person.id for one in roster.members(tenant.id, course_id) if can_earn(one)]
    given = [person_id for rule in holding for person_id in learners if _apply(tenant, rule, seen, person_id)]
    for person_id in given:
        jobs.enqueue(tenant.id, KEY, "stack", {"person_id": person_id}, unique=f"stack:{person_id}")
    return len(given)


def consider_stacks(tenant: Tenant, person_id: int) -> None:
    """Give larger awards whose components the person holds now, in the courses whose rules say so."""
    rows = session.scalars(select(Rule).where(Rule.tenant_id == tenant.id, Rule.enabled.is_(True)))
    stacks = [rule for rule in rows if rule.components]
    courses = {
        course_id
        for course_id in session.scalars(
            select(Badge.course_id).where(Badge.tenant_id == tenant.id, Badge.person_id == person_id)
        )
        if course_id is not None
    }
    for rule in stacks:
        for course_id in sorted(courses if rule.course_id is None else {rule.course_id}):
            if can_earn(roster.member(tenant.id, course_id, person_id)):
                _apply(tenant, rule, look(tenant.id, course_id, [rules.terms_of(rule)], [person_id]), person_id)


def _apply(tenant: Tenant, rule: Rule, seen: Seen, person_id: int) -> Badge | None:
    terms = rules.terms_of(rule)
    standing = seen.standing(terms, person_id)
    badge = held(tenant.id, rule.achievement_id, seen.course_id, person_id)
    if badge is None:
        return _earned(tenant, rule, terms, standing, seen, person_id) if standing.earned else None
    if badge.revoked_at is None and not badge.by_hand:
        _follow(badge, terms, standing)
    return None


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


def _earned(tenant: Tenant, rule: Rule, terms: Terms, standing: Standing, seen: Seen, person_id: int) -> Badge | None:
    if rule.components and rule.course_id is None and _has_anywhere(tenant.id, rule.achievement_id, person_id):
        return None
    version = achievements.latest(tenant.id, rule.achievement_id)
    if version is None:
        return None
    return give(
        tenant,
        version,
        seen.course_id,
        person_id,
        score=None if standing.score is None else rules.floor_to(standing.score),
        threshold=terms.threshold,
        basis=standing.basis(terms) | {"shown": _shown(tenant.id, person_id, seen.course_id, terms, version)},
    )


def _shown(tenant_id: int, person_id: int, course_id: int, terms: Terms, version: Version) -> list[dict[str, Any]]:
    """The competencies that the person has shown: those that the rule wants, or else those of what counts.

    Each with its place in the framework, version-pinned, in the words of the badge's language.
    """
    results = competencies.results_of(tenant_id, person_id, course_id)
    latest: dict[int, CompetencyResult] = {}
    for result in results:
        latest.setdefault(result.competency_id, result)
    counted = {part.activity_id for part in terms.parts}
    wanted = [
        one.competency_id
        for one in latest.values()
        if one.level == rules.SHOWN
        and (one.competency_id in terms.competencies if terms.competencies else one.activity_id in counted)
    ]
    language = str(version.content["language"])
    framed = {one.competency.id: one for one in competencies.in_force(tenant_id)} if wanted else {}
    return [
        {
            "name": one.competency.title(language),
            "level": SHOWN_WORDS[language],
            "alignment": {
                "framework": one.framework(language),
                "version": str(one.number),
                "code": one.competency.code,
                "name": one.competency.title(language),
                "url": one.uri,
            },
        }
        for one in (framed[number] for number in sorted(wanted) if number in framed)
    ]


def _has_anywhere(tenant_id: int, achievement_id: int, person_id: int) -> bool:
    """A larger award is given once, not once for each course that leads to it."""
    found = select(Badge.id).where(
        Badge.tenant_id == tenant_id, Badge.achievement_id == achievement_id, Badge.person_id == person_id
    )
    return session.scalar(found.limit(1)) is not None


def _follow(badge: Badge, terms: Terms, standing: Standing) -> None:
    """The score of somebody who has the badge has changed: a better one is written into it, a worse one asked about."""
    score = None if standing.score is None else rules.floor_to(standing.score)
    if not standing.earned:
        _ask(badge, score)
        return
    _settle(badge, RECOVERED)
    if score is not None and (badge.score is None or score > badge.score):
        badge.score, badge.basis = score, standing.basis(terms)
        sign_anew(badge)


def _ask(badge: Badge, score: Decimal | None) -> None:
    statement = upsert(Task).values(tenant_id=badge.tenant_id, badge_id=badge.id, score=score, raised_at=utcnow())
    session.execute(statement.on_conflict_do_nothing())


def _settle(badge: Badge, decision: str, by_person: int | None = None) -> None:
    session.execute(
        update(Task)
        .where(Task.tenant_id == badge.tenant_id, Task.badge_id == badge.id, Task.settled_at.is_(None))
        .values(settled_at=utcnow(), settled_by=by_person, decision=decision)
    )


# --- giving and taking -----------------------------------------------------------------------------------------------


def give(
    tenant: Tenant,
    version: Version,
    course_id: int,
    person_id: int,
    *,
    score: Decimal | None = None,
    threshold: Decimal = rules.PASS,
    basis: Mapping[str, Any] | None = None,
    by_person: int | None = None,
    reason: str = "",
) -> Badge | None:
    """Give a badge in the caller's transaction; the worker signs it. None where the person has it already."""
    issuer = issuers.of(tenant)
    issuers.require_address(issuer)
    number, index = _place(tenant.id)
    content = MicroCredential.from_json(version.content)
    now = utcnow()
    statement = upsert(Badge).values(
        tenant_id=tenant.id,
        achievement_id=version.achievement_id,
        version_id=version.id,
        course_id=course_id,
        person_id=person_id,
        score=score,
        threshold=threshold,
        basis=dict(basis or {}),
        by_hand=by_person is not None,
        awarded_by=by_person,
        reason=reason[:MAX_REASON],
        status_list=number,
        status_index=index,
        awarded_at=now,
        valid_from=now,
        valid_until=_after_months(now, content.valid_months),
    )
    made = session.execute(
        statement.on_conflict_do_nothing(index_elements=["version_id", "course_id", "person_id"]).returning(Badge.id)
    ).first()
    if made is None:
        return None
    holder_of(tenant.id, person_id)
    ask_to_sign(tenant.id)
    return get(tenant.id, made.id)


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
    badge = give(tenant, version, course_id, person_id, by_person=by_person, reason=reason)
    if badge is None:
        raise Conflict(_("%(name)s has this badge already.", name=member.person.name))
    badge.by_hand = True
    return badge


def revoke(badge: Badge, reason: str, by_person: int | None = None) -> None:
    """Take a badge back: from now on whoever checks it reads that it is revoked. Raises Conflict without a reason."""
    if not reason.strip():
        raise Conflict(_("Say why: the reason is kept with the badge."))
    if badge.revoked_at is None:
        badge.revoked_at, badge.revoked_reason, badge.revoked_by = utcnow(), reason[:MAX_REASON], by_person
        _mark(badge)
    _settle(badge, TAKEN, by_person)
    session.flush()


def restore(badge: Badge, by_person: int | None, reason: str) -> Badge:
    """Give a badge again that was revoked: at the same address, with another place in the status list.

    A revocation cannot be undone (https://www.w3.org/TR/vc-bitstring-status-list/, section 3.2), so copies of before
    stay revoked; the holder gets the new one.
    """
    badge.revoked_at, badge.revoked_reason, badge.revoked_by = None, "", None
    badge.reason, badge.awarded_by, badge.by_hand = reason[:MAX_REASON], by_person, True
    badge.status_list, badge.status_index = _place(badge.tenant_id)
    sign_anew(badge)
    return badge


def keep(badge: Badge, by_person: int) -> None:
    """Somebody decides that a badge stays although the score fell."""
    badge.by_hand = True
    _settle(badge, KEPT, by_person)
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
    session.execute(
        upsert(Holder)
        .values(tenant_id=tenant_id, person_id=person_id)
        .on_conflict_do_nothing(index_elements=["tenant_id", "person_id"])
    )
    found = find_holder(tenant_id, person_id)
    assert found is not None
    return found


# --- finding ---------------------------------------------------------------------------------------------------------


def get(tenant_id: int, badge_id: int) -> Badge:
    """One badge of the institution; raises NotFound."""
    found = session.scalar(select(Badge).where(Badge.tenant_id == tenant_id, Badge.id == badge_id))
    if found is None:
        raise NotFound("This badge is not there.")
    return found


def find_public(tenant_id: int, public_id: str) -> Badge | None:
    """The badge with this public id."""
    return session.scalar(select(Badge).where(Badge.tenant_id == tenant_id, Badge.public_id == public_id))


def in_course(tenant_id: int, achievement_id: int, course_id: int) -> dict[int, Badge]:
    """The latest badge of everybody who has one for a micro-credential in a course, by person; revoked ones too."""
    rows = session.scalars(
        select(Badge)
        .where(
            Badge.tenant_id == tenant_id,
            Badge.achievement_id == achievement_id,
            Badge.course_id == course_id,
            Badge.person_id.is_not(None),
        )
        .order_by(Badge.id)
    )
    return {badge.person_id: badge for badge in rows if badge.person_id is not None}


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


def _place(tenant_id: int) -> tuple[int, int]:
    """A random free place in the institution's newest status list; a list that is half full is followed by another.

    Random, so that a place says nothing about who was given a badge before or after whom.
    """
    row = _newest_list(tenant_id)
    if row is None or row.taken >= LENGTH // 2:
        number = 1 if row is None else row.number + 1
        empty = upsert(StatusListRow).values(
            tenant_id=tenant_id, number=number, bits=StatusList().to_text(), taken=0, key="", changed_at=utcnow()
        )
        session.execute(empty.on_conflict_do_nothing(index_elements=["tenant_id", "number"]))
        row = _newest_list(tenant_id)
        assert row is not None
    taken = set(
        session.scalars(select(Badge.status_index).where(Badge.tenant_id == tenant_id, Badge.status_list == row.number))
    )
    row.taken += 1
    session.flush()
    return row.number, StatusList().random_free(taken)


def _newest_list(tenant_id: int) -> StatusListRow | None:
    """Locked, so that two badges never get the same place."""
    return session.scalar(
        select(StatusListRow)
        .where(StatusListRow.tenant_id == tenant_id)
        .order_by(StatusListRow.number.desc())
        .limit(1)
        .with_for_update()
    )


def _mark(badge: Badge) -> None:
    """Set the badge's bit. The list is signed by the worker, and by whoever asks for it before that."""
    row = session.scalars(
        select(StatusListRow)
        .where(StatusListRow.tenant_id == badge.tenant_id, StatusListRow.number == badge.status_list)
        .with_for_update()
    ).one()
    bits = StatusList.from_text(row.bits)
    bits.set(badge.status_index)
    row.bits, row.document, row.jwt, row.changed_at = bits.to_text(), None, None, utcnow()
    session.flush()
    ask_to_sign(badge.tenant_id)


def _after_months(moment: datetime, months: int | None) -> datetime | None:
    """The same day so many months later, or the last of a month that is shorter."""
    if months is None:
        return None
    year, month = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + year, month + 1
    day = min(moment.day, calendar.monthrange(year, month)[1])
    return moment.replace(year=year, month=month, day=day)
