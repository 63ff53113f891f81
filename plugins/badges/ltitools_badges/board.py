"""Who in a course has a badge, who is close, and why somebody has not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from ltitools.plugin import Person, roster
from ltitools_badges import awarding, considering, foreign, rules
from ltitools_badges.models import Badge, Foreign, Rule, Task
from ltitools_badges.rules import Standing, Terms

CLOSE = Fraction(10)
"""So many points below the threshold are close."""
STATES = ("has", "asked", "parted", "close", "begun", "nothing", "revoked")


@dataclass(frozen=True)
class Row:
    """A learner of the course. `badge` is the latest, revoked or not; `task` is there where somebody has to decide."""

    person: Person
    standing: Standing
    badge: Badge | None
    task: Task | None
    is_close: bool
    handed_in: tuple[Foreign, ...] = ()
    """Badges of other issuers that wait for an instructor's word."""

    @property
    def state(self) -> str:
        """One of STATES."""
        if self.badge is not None and self.badge.revoked_at is None and self.task is not None:
            return "parted" if self.task.cause == considering.COMPONENT else "asked"
        if self.badge is not None:
            return "revoked" if self.badge.revoked_at else "has"
        return "close" if self.is_close else "begun" if self.standing.has_begun else "nothing"

    @property
    def percent(self) -> str | None:
        """Their score, for reading."""
        score = self.standing.score
        return None if score is None else rules.shown_percent(score / rules.HUNDRED)


@dataclass(frozen=True)
class Board:
    """The learners of a course by name, and what their badge takes there."""

    terms: Terms
    rows: list[Row]

    @property
    def counts(self) -> Mapping[str, int]:
        """How many there are of each state."""
        return {state: sum(row.state == state for row in self.rows) for state in STATES}

    @property
    def tasks(self) -> list[Row]:
        """Those who have the badge and would not get it now: somebody has to decide."""
        return [row for row in self.rows if row.task is not None]

    @property
    def waiting(self) -> list[Row]:
        """Those who have handed in a badge that may be somebody else's."""
        return [row for row in self.rows if row.handed_in]


def of(tenant_id: int, achievement_id: int, course_id: int, rule: Rule | None) -> Board:
    """The board of a micro-credential in a course, in as many queries for five hundred people as for one."""
    terms = rules.terms_of(rule) if rule is not None and rule.enabled else Terms()
    seen = considering.look(tenant_id, course_id, {achievement_id: terms})
    badges = awarding.in_course(tenant_id, achievement_id, course_id)
    tasks = {badge.id: task for task, badge in awarding.open_tasks(tenant_id, achievement_id, course_id)}
    members = roster.members(tenant_id, course_id)
    handed_in = foreign.waiting(tenant_id, achievement_id, {one.person.id for one in members}) if terms.outside else {}
    rows = []
    for member in members:
        badge = badges.get(member.person.id)
        if badge is None and not (considering.can_earn(member) and member.status == "active"):
            continue
        standing = (
            seen.standing(terms, achievement_id, member.person.id)
            if badge is None
            else seen.standing_of_holder(terms, member.person.id)
        )
        rows.append(
            Row(
                member.person,
                standing,
                badge,
                tasks.get(badge.id) if badge else None,
                _is_close(standing, terms),
                tuple(handed_in.get(member.person.id, ())),
            )
        )
    return Board(terms, rows)


def _is_close(standing: Standing, terms: Terms) -> bool:
    """Whether only a little is missing: a few points, or nothing but a competency or a component."""
    if standing.earned or standing.score is None or any(part.fraction is None for part in standing.parts):
        return False
    return standing.score >= Fraction(terms.threshold) - CLOSE
