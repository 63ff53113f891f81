"""What earns a micro-credential in a course, and how far somebody is. Scores are compared exactly: 69.995 is not 70."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import or_, select

from ltitools.plugin import Activity, Conflict, competencies, session
from ltitools_badges.models import Badge, Rule, Score
from ltitools_badges.texts import _

PASS = Decimal(70)
"""What it takes unless an instructor says otherwise, in percent."""
ALL, AVERAGE = "all", "average"
SHOWN = "shown"
HUNDRED = Fraction(100)


@dataclass(frozen=True)
class Part:
    """An activity that counts, with its share in the score relative to the others."""

    activity_id: int
    weight: Decimal = Decimal(1)


@dataclass(frozen=True)
class Terms:
    """A rule as a value. `kind` is all (each activity reaches the threshold) or average (their weighted mean does).

    `threshold` is in percent; `competencies` and `components` are ids of what has to be shown and held as well.
    """

    parts: tuple[Part, ...] = ()
    kind: str = ALL
    threshold: Decimal = PASS
    competencies: tuple[int, ...] = ()
    components: tuple[int, ...] = ()

    @property
    def asks_nothing(self) -> bool:
        """Whether there is nothing that anybody could earn it by."""
        return not (self.parts or self.competencies or self.components)

    def checked(self) -> Terms:
        """The same; raises Conflict where nobody could mean it."""
        if self.kind not in (ALL, AVERAGE):
            raise Conflict(_("The way to count must be one of those offered."))
        if not 0 < self.threshold <= 100:
            raise Conflict(_("The threshold must be more than 0 and at most 100 percent."))
        if any(not 0 < part.weight <= 1000 for part in self.parts):
            raise Conflict(_("A weight must be more than 0 and at most 1000."))
        if len({part.activity_id for part in self.parts}) < len(self.parts):
            raise Conflict(_("An activity can count once only."))
        return self


@dataclass(frozen=True)
class PartState:
    """How far somebody is with one activity: `fraction` (0 to 1, or more) of its points, None without a score."""

    activity_id: int
    weight: Decimal
    fraction: Fraction | None
    met: bool


@dataclass(frozen=True)
class Standing:
    """How far somebody is. `score` is in percent and exact: the weighted mean of what has a score, None without any.

    `open_competencies` and `open_components` are the ids of what is still missing.
    """

    score: Fraction | None
    parts: tuple[PartState, ...]
    open_competencies: tuple[int, ...]
    open_components: tuple[int, ...]
    earned: bool
    by_score: bool
    """Whether the scores alone suffice."""

    @property
    def has_begun(self) -> bool:
        """Whether there is any score."""
        return self.score is not None

    def basis(self, terms: Terms) -> dict[str, Any]:
        """What a badge was given for, to be kept with it; numbers as texts."""
        return {
            "kind": terms.kind,
            "threshold": str(terms.threshold),
            "parts": [
                {"activity": part.activity_id, "weight": str(part.weight), "percent": shown_percent(part.fraction)}
                for part in self.parts
            ],
            "competencies": list(terms.competencies),
            "components": list(terms.components),
        }


def standing(
    terms: Terms,
    fractions: Mapping[int, Fraction],
    levels: Mapping[int, str] | None = None,
    held: Collection[int] = (),
) -> Standing:
    """How far somebody is whose best fractions by activity, levels by competency and held micro-credentials these are.

    A mean counts once every activity has a score: what was not done is not left out.
    """
    threshold = Fraction(terms.threshold) / HUNDRED
    parts = tuple(
        PartState(part.activity_id, part.weight, got, got is not None and (terms.kind == AVERAGE or got >= threshold))
        for part in terms.parts
        for got in (fractions.get(part.activity_id),)
    )
    scored = [(part.fraction, Fraction(part.weight)) for part in parts if part.fraction is not None]
    mean = sum((got * weight for got, weight in scored), Fraction()) / sum(w for _got, w in scored) if scored else None
    by_score = all(part.met for part in parts)
    if terms.kind == AVERAGE and parts:
        by_score = by_score and mean is not None and mean >= threshold
    open_competencies = tuple(one for one in terms.competencies if (levels or {}).get(one) != SHOWN)
    open_components = tuple(one for one in terms.components if one not in held)
    return Standing(
        score=None if mean is None else mean * HUNDRED,
        parts=parts,
        open_competencies=open_competencies,
        open_components=open_components,
        earned=by_score and not open_competencies and not open_components and not terms.asks_nothing,
        by_score=by_score,
    )


def shown_percent(fraction: Fraction | None) -> str | None:
    """A fraction in percent with at most two places, never rounded up: what is not reached does not read as reached."""
    if fraction is None:
        return None
    hundredths = int(fraction * 10000)
    return str((Decimal(hundredths) / 100).normalize() + 0) if hundredths % 100 else str(hundredths // 100)


def floor_to(score: Fraction, places: int = 12) -> Decimal:
    """An exact score as a decimal, cut off and not rounded, for a column."""
    return Decimal(int(score * 10**places)).scaleb(-places)


# --- kept rules ------------------------------------------------------------------------------------------------------


def terms_of(rule: Rule) -> Terms:
    """A kept rule as a value."""
    return Terms(
        parts=tuple(Part(int(part["activity"]), Decimal(part["weight"])) for part in rule.parts),
        kind=rule.kind,
        threshold=Decimal(rule.threshold).normalize() + 0,
        competencies=tuple(rule.competencies),
        components=tuple(rule.components),
    )


def find(tenant_id: int, achievement_id: int, course_id: int | None) -> Rule | None:
    """The rule that holds in a course: its own, or that of the institution. With None only that one."""
    return session.scalar(
        select(Rule)
        .where(
            Rule.tenant_id == tenant_id,
            Rule.achievement_id == achievement_id,
            or_(Rule.course_id == course_id, Rule.course_id.is_(None)),
        )
        .order_by(Rule.course_id.is_(None))
        .limit(1)
    )


def save(tenant_id: int, achievement_id: int, course_id: int | None, terms: Terms, *, enabled: bool = True) -> Rule:
    """Keep the rule of a course, or of the institution where `course_id` is None. Raises Conflict."""
    terms.checked()
    rule = find(tenant_id, achievement_id, course_id)
    if rule is None or rule.course_id != course_id:
        rule = Rule(tenant_id=tenant_id, achievement_id=achievement_id, course_id=course_id)
        session.add(rule)
    rule.kind = terms.kind
    rule.threshold = terms.threshold
    rule.parts = [{"activity": part.activity_id, "weight": str(part.weight)} for part in terms.parts]
    rule.competencies = list(terms.competencies)
    rule.components = list(terms.components)
    rule.enabled = enabled
    session.flush()
    return rule


def holding_in(tenant_id: int, course_id: int) -> Sequence[Rule]:
    """The rules that hold in a course: one for each micro-credential, switched on."""
    rows = session.scalars(
        select(Rule)
        .where(Rule.tenant_id == tenant_id, or_(Rule.course_id == course_id, Rule.course_id.is_(None)))
        .order_by(Rule.course_id.is_(None).desc())
    )
    # A rule of the course comes after that of the institution, and takes its place.
    return [rule for rule in {rule.achievement_id: rule for rule in rows}.values() if rule.enabled]


# --- what is known of people -----------------------------------------------------------------------------------------


def fractions_of(scores: Iterable[Score], activity_of: Mapping[int, int | None]) -> dict[int, dict[int, Fraction]]:
    """The best fraction of each person by activity, of scores on links; `activity_of` maps a link to its activity."""
    best: dict[int, dict[int, Fraction]] = {}
    for score in scores:
        activity_id = activity_of.get(score.link_id)
        if activity_id is None:
            continue
        got = Fraction(score.given) / Fraction(score.maximum)
        own = best.setdefault(score.person_id, {})
        own[activity_id] = max(got, own.get(activity_id, got))
    return best


def activities_by_link(placed: Iterable[tuple[Any, Activity]]) -> dict[int, int | None]:
    """Which activity each link of a course opens, as `activities.in_course` lists them."""
    return {link.id: activity.id for link, activity in placed}


def levels_in(
    tenant_id: int, course_id: int, person_ids: Collection[int] | None, wanted: Collection[int]
) -> dict[int, dict[int, str]]:
    """The latest conclusion on each wanted competency, by person and competency, in whichever version of its framework
    it was drawn. Without `person_ids` those of everybody in the course.
    """
    if not wanted:
        return {}
    if person_ids is None:
        results = competencies.results_in(tenant_id, course_id)
    else:
        results = [one for person in person_ids for one in competencies.results_of(tenant_id, person, course_id)]
    known = competencies.named(tenant_id, {*wanted, *(result.competency_id for result in results)})
    latest: dict[int, dict[str, str]] = {}
    for result in results:
        latest.setdefault(result.person_id, {}).setdefault(known[result.competency_id].guid, result.level)
    return {
        person: {one: levels[known[one].guid] for one in wanted if one in known and known[one].guid in levels}
        for person, levels in latest.items()
    }


def held_by(tenant_id: int, course_id: int, person_ids: Collection[int] | None, now: datetime) -> dict[int, set[int]]:
    """The micro-credentials that people hold and that are valid: not revoked, not expired; by person, whichever course
    they are of. Without `person_ids` of everybody who has a score in the course.
    """
    if person_ids is None:
        person_ids = session.scalars(
            select(Score.person_id).where(Score.tenant_id == tenant_id, Score.course_id == course_id).distinct()
        ).all()
    rows = session.execute(
        select(Badge.person_id, Badge.achievement_id).where(
            Badge.tenant_id == tenant_id,
            Badge.person_id.in_(person_ids),
            Badge.revoked_at.is_(None),
            or_(Badge.valid_until.is_(None), Badge.valid_until > now),
        )
    )
    held: dict[int, set[int]] = {}
    for person_id, achievement_id in rows:
        if person_id is not None:
            held.setdefault(person_id, set()).add(achievement_id)
    return held
