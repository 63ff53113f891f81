"""What people have earned: scores as they were reported, and what follows from them by the rules.

Nothing here takes a badge away by itself. Where somebody who has one would not get it now, a person is asked.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from ltitools.plugin import (
    INSTRUCTORS,
    CompetencyResult,
    Conflict,
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
from ltitools_badges import achievements, awarding, foreign, issuers, rules
from ltitools_badges.awarding import KEY, Gift
from ltitools_badges.models import Badge, Foreign, Rule, Score, Version
from ltitools_badges.rules import Standing, Terms

log = logging.getLogger(__name__)
SHOWN_WORDS = {"en": "Shown", "fr": "Démontrée"}
"""The level in the badge's language, which is not that of whoever looks at it."""
SCORE, COMPONENT = "score", "component"
"""Why somebody is asked."""


@dataclass(frozen=True)
class Seen:
    """What is known of a course, read once for everybody in it: standings are made of it."""

    tenant_id: int
    course_id: int
    fractions: Mapping[int, Mapping[int, Any]]
    levels: Mapping[int, Mapping[int, str]]
    held: Mapping[int, Mapping[int, bool]]
    outside: Mapping[int, Mapping[int, Collection[str]]]

    def standing(self, terms: Terms, achievement_id: int, person_id: int) -> Standing:
        """How far a person of the course is with a micro-credential."""
        held = {one for one, is_valid in self.held.get(person_id, {}).items() if is_valid}
        return self._standing(terms, person_id, held, self.outside.get(person_id, {}).get(achievement_id, ()))

    def standing_of_holder(self, terms: Terms, person_id: int) -> Standing:
        """The same for somebody who has it. Components of then that have expired since still count; those of other
        issuers were checked then.
        """
        return self._standing(terms, person_id, self.held.get(person_id, {}), {one.key for one in terms.outside})

    def _standing(self, terms: Terms, person_id: int, held: Collection[int], outside: Collection[str]) -> Standing:
        fractions, levels = self.fractions.get(person_id, {}), self.levels.get(person_id, {})
        return rules.standing(terms, fractions, levels, held, outside)


def look(tenant_id: int, course_id: int, terms: Mapping[int, Terms], person_ids: Collection[int] | None = None) -> Seen:
    """What is known of the people of a course, or of some of them, and matters to these rules, by micro-credential."""
    scores = select(Score).where(Score.tenant_id == tenant_id, Score.course_id == course_id)
    if person_ids is not None:
        scores = scores.where(Score.person_id.in_(person_ids))
    links = rules.activities_by_link(activities.in_course(tenant_id, course_id))
    fractions = rules.fractions_of(session.scalars(scores), links)
    wanted = {one for each in terms.values() for one in each.competencies}
    levels = rules.levels_in(tenant_id, course_id, person_ids, wanted)
    now = utcnow()
    components = {one for each in terms.values() for one in each.components}
    held = rules.held_by(tenant_id, components, person_ids, now)
    handed_in = foreign.counting(tenant_id, [key for key, each in terms.items() if each.outside], person_ids, now)
    return Seen(tenant_id, course_id, fractions, levels, held, handed_in)


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


def consider(tenant: Tenant, course_id: int, person_id: int) -> int:
    """Give the person what they have earned in the course, and ask where a badge is not earned any more.

    In the caller's transaction. Returns how many badges are new.
    """
    holding = rules.holding_in(tenant.id, course_id)
    if not holding or not can_earn(roster.member(tenant.id, course_id, person_id)):
        return 0
    return _apply(tenant, holding, course_id, [person_id])


def consider_all(tenant: Tenant, course_id: int, achievement_id: int | None = None) -> int:
    """The same for everybody in the course."""
    holding = [
        rule
        for rule in rules.holding_in(tenant.id, course_id)
        if achievement_id is None or rule.achievement_id == achievement_id
    ]
    if not holding:
        return 0
    fetch_scores(tenant.id, course_id)
    learners = [one.person.id for one in roster.members(tenant.id, course_id) if can_earn(one)]
    return _apply(tenant, holding, course_id, learners)


def consider_stacks(tenant: Tenant, person_id: int) -> None:
    """Give larger awards whose components the person holds now, in the courses whose rules say so, and ask about those
    of which a component was revoked.
    """
    courses = {
        course_id
        for course_id in session.scalars(
            select(Badge.course_id).where(Badge.tenant_id == tenant.id, Badge.person_id == person_id)
        )
        if course_id is not None
    }
    for rule in awarding.stacks(tenant.id):
        for course_id in sorted(courses if rule.course_id is None else {rule.course_id}):
            if can_earn(roster.member(tenant.id, course_id, person_id)):
                _apply(tenant, [rule], course_id, [person_id])


def ask_to_consider(tenant_id: int, course_id: int, achievement_id: int) -> None:
    """Have the worker look at everybody in the course, after the caller's commit."""
    jobs.enqueue(
        tenant_id,
        KEY,
        "consider",
        {"course_id": course_id, "achievement_id": achievement_id},
        unique=f"consider:{course_id}:{achievement_id}",
    )


def ask_everywhere(tenant_id: int) -> None:
    """Have the worker look at everybody in all courses: what was earned meanwhile was not given."""
    heard = select(Score.course_id).where(Score.tenant_id == tenant_id).distinct()
    for course_id in session.scalars(heard).all():
        for rule in rules.holding_in(tenant_id, course_id):
            ask_to_consider(tenant_id, course_id, rule.achievement_id)


def _apply(tenant: Tenant, holding: Sequence[Rule], course_id: int, person_ids: Collection[int]) -> int:
    """Do what the rules say about these people, in as few statements for a thousand of them as for one."""
    terms = {rule.achievement_id: rules.terms_of(rule) for rule in holding}
    seen = look(tenant.id, course_id, terms, person_ids if len(person_ids) == 1 else None)
    given: set[int] = set()
    for rule in holding:
        own = terms[rule.achievement_id]
        badges = awarding.in_course(
            tenant.id, rule.achievement_id, course_id, person_ids if len(person_ids) == 1 else None
        )
        earned: dict[int, Standing] = {}
        for person_id in person_ids:
            badge = badges.get(person_id)
            if badge is None:
                standing = seen.standing(own, rule.achievement_id, person_id)
                if standing.earned:
                    earned[person_id] = standing
            elif badge.revoked_at is None and not badge.by_hand:
                _follow(badge, own, seen.standing_of_holder(own, person_id))
        given |= _give_earned(tenant, rule, own, course_id, earned) if earned else set()
    awarding.look_at_stacks(tenant.id, sorted(given))
    return len(given)


def _give_earned(tenant: Tenant, rule: Rule, terms: Terms, course_id: int, earned: Mapping[int, Standing]) -> set[int]:
    """Give the badge to those who have earned it; returns who has a new one."""
    version = achievements.latest(tenant.id, rule.achievement_id)
    if version is None or _is_held_up(tenant):
        return set()
    handed_in: dict[int, Sequence[Foreign]] = {}
    if terms.is_stack:
        if rule.course_id is None:
            earned = {who: one for who, one in earned.items() if not _has_anywhere(tenant.id, rule.achievement_id, who)}
        if terms.outside:
            handed_in = {who: _handed_in(tenant.id, rule.achievement_id, terms, course_id, who) for who in earned}
            earned = {who: one for who, one in earned.items() if handed_in[who]}
    shown = _shown(tenant.id, course_id, terms, version, earned)
    gifts = [
        Gift(
            who,
            None if standing.score is None else rules.floor_to(standing.score),
            terms.threshold,
            {
                **standing.basis(terms),
                "shown": shown[who],
                "outside": [{"name": row.name, "url": row.credential_id} for row in handed_in.get(who, ())],
            },
        )
        for who, standing in earned.items()
    ]
    return set(awarding.give(tenant, version, course_id, gifts))


def _is_held_up(tenant: Tenant) -> bool:
    """Whether somebody has to decide first which address badges name. Scores are kept; `ask_everywhere` follows."""
    issuer = issuers.find(tenant.id)
    try:
        if issuer is not None:
            issuers.require_address(issuer)
    except Conflict:
        log.warning("badges of institution %s wait for a decision about its address", tenant.key)
        return True
    return False


def _handed_in(tenant_id: int, achievement_id: int, terms: Terms, course_id: int, person_id: int) -> Sequence[Foreign]:
    """The badges of other issuers that count for the person. None while they have to be checked again, which the worker
    does before anything is given for them.
    """
    wanted = {one.key for one in terms.outside}
    rows = [
        row
        for row in foreign.of_person(tenant_id, person_id, achievement_id)
        if row.component in wanted and row.state == foreign.GOOD
    ]
    if not foreign.is_stale(rows, utcnow()):
        return rows
    where = {"achievement_id": achievement_id, "course_id": course_id, "person_id": person_id}
    jobs.enqueue(tenant_id, KEY, "outside", where, unique=f"outside:{achievement_id}:{course_id}:{person_id}")
    return ()


def _shown(
    tenant_id: int, course_id: int, terms: Terms, version: Version, person_ids: Collection[int]
) -> dict[int, list[dict[str, Any]]]:
    """The competencies that each person has shown: those that the rule wants, or else those of what counts.

    Each with its place in the framework, version-pinned, in the words of the badge's language.
    """
    if len(person_ids) == 1:
        results = [one for who in person_ids for one in competencies.results_of(tenant_id, who, course_id)]
    else:
        results = competencies.results_in(tenant_id, course_id)
    latest: dict[int, dict[int, CompetencyResult]] = {who: {} for who in person_ids}
    for result in results:
        latest.get(result.person_id, {}).setdefault(result.competency_id, result)
    counted = {part.activity_id for part in terms.parts}
    wanted = {
        who: sorted(
            one.competency_id
            for one in own.values()
            if one.level == rules.SHOWN
            and (one.competency_id in terms.competencies if terms.competencies else one.activity_id in counted)
        )
        for who, own in latest.items()
    }
    language = str(version.content["language"])
    framed = {one.competency.id: one for one in competencies.in_force(tenant_id)} if any(wanted.values()) else {}
    return {
        who: [_told(framed[number], language) for number in numbers if number in framed]
        for who, numbers in wanted.items()
    }


def _told(one: competencies.Framed, language: str) -> dict[str, Any]:
    return {
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


def _has_anywhere(tenant_id: int, achievement_id: int, person_id: int) -> bool:
    """A larger award is given once, not once for each course that leads to it."""
    found = select(Badge.id).where(
        Badge.tenant_id == tenant_id, Badge.achievement_id == achievement_id, Badge.person_id == person_id
    )
    return session.scalar(found.limit(1)) is not None


def _follow(badge: Badge, terms: Terms, standing: Standing) -> None:
    """What somebody has who has the badge has changed: a better score is written into it, a loss is asked about."""
    score = None if standing.score is None else rules.floor_to(standing.score)
    if not standing.earned:
        awarding.ask(badge, score, COMPONENT if standing.by_score and standing.open_components else SCORE)
        return
    awarding.settle(badge, awarding.RECOVERED)
    if score is not None and (badge.score is None or score > badge.score):
        badge.score, badge.basis = score, {**badge.basis, **standing.basis(terms)}
        awarding.sign_anew(badge)
