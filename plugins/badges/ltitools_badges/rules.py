"""What earns a micro-credential in a course, and how far somebody is. Scores are compared exactly: 69.995 is not 70."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
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
MAX_ADDRESS = 500
ISSUER = re.compile(r"(?:did:[a-z0-9]+:|https://)[^\s\"<>]+")
ACHIEVEMENT = re.compile(r"(?:urn:|did:|https?://)[^\s\"<>]+")


@dataclass(frozen=True)
class Part:
    """An activity that counts, with its share in the score relative to the others."""

    activity_id: int
    weight: Decimal = Decimal(1)


@dataclass(frozen=True)
class Outside:
    """A micro-credential of another issuer: what it is called here, the issuer's identity, and the id of the
    achievement, empty where any of that issuer will do.
    """

    name: str
    issuer: str
    achievement: str = ""

    @property
    def key(self) -> str:
        """What stands for it in forms and rows, whatever it is called."""
        return hashlib.sha256(f"{self.issuer}\n{self.achievement}".encode()).hexdigest()[:32]

    def checked(self) -> Outside:
        """The same; raises Conflict where no badge could ever fit."""
        if not self.name.strip() or len(self.name) > 255:
            raise Conflict(_("Give each badge of another institution a name of at most %(n)s characters.", n=255))
        if not ISSUER.fullmatch(self.issuer) or len(self.issuer) > MAX_ADDRESS:
            raise Conflict(_("The identity of an issuer begins with did: or https:// and has no spaces."))
        if self.achievement and (not ACHIEVEMENT.fullmatch(self.achievement) or len(self.achievement) > MAX_ADDRESS):
            raise Conflict(_("The id of an achievement is an address without spaces."))
        return self


@dataclass(frozen=True)
class Terms:
    """A rule as a value. `kind` is all (each activity reaches the threshold) or average (their weighted mean does).

    `threshold` is in percent; `competencies` and `components` are ids of what has to be shown and held as well;
    `outside` are micro-credentials of other issuers that have to be handed in.
    """

    parts: tuple[Part, ...] = ()
    kind: str = ALL
    threshold: Decimal = PASS
    competencies: tuple[int, ...] = ()
    components: tuple[int, ...] = ()
    outside: tuple[Outside, ...] = ()

    @property
    def asks_nothing(self) -> bool:
        """Whether there is nothing that anybody could earn it by."""
        return not (self.parts or self.competencies or self.components or self.outside)

    @property
    def is_stack(self) -> bool:
        """Whether it is made of other badges."""
        return bool(self.components or self.outside)

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
        if len({one.checked().key for one in self.outside}) < len(self.outside):
            raise Conflict(_("A badge of another institution can count once only."))
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

    `open_competencies` and `open_components` are the ids of what is still missing, `open_outside` the keys.
    """

    score: Fraction | None
    parts: tuple[PartState, ...]
    open_competencies: tuple[int, ...]
    open_components: tuple[int, ...]
    earned: bool
    by_score: bool
    """Whether the scores alone suffice."""
    open_outside: tuple[str, ...] = ()

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
    outside: Collection[str] = (),
) -> Standing:
    """How far somebody is whose best fractions by activity, levels by competency and held micro-credentials these are;
    of those of other issuers the keys.

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
    open_outside = tuple(one.key for one in terms.outside if one.key not in outside)
    missing = open_competencies or open_components or open_outside
    return Standing(
        score=None if mean is None else mean * HUNDRED,
        parts=parts,
        open_competencies=open_competencies,
        open_components=open_components,
        earned=by_score and not missing and not terms.asks_nothing,
        by_score=by_score,
        open_outside=open_outside,
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
        outside=tuple(Outside(**one) for one in rule.outside),
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
    rule.outside = [asdict(one) for one in terms.outside]
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


def held_by(
    tenant_id: int, wanted: Collection[int], person_ids: Collection[int] | None, now: datetime
) -> dict[int, dict[int, bool]]:
    """Which of the wanted micro-credentials people hold that were not revoked, and whether they are valid still; by
    person, whichever course they are of. Without `person_ids` of everybody.
    """
    if not wanted:
        return {}
    query = select(Badge.person_id, Badge.achievement_id, Badge.valid_until).where(
        Badge.tenant_id == tenant_id,
        Badge.achievement_id.in_(wanted),
        Badge.person_id.is_not(None),
        Badge.revoked_at.is_(None),
    )
    if person_ids is not None:
        query = query.where(Badge.person_id.in_(person_ids))
    held: dict[int, dict[int, bool]] = {}
    for person_id, achievement_id, until in session.execute(query):
        own = held.setdefault(person_id, {})
        own[achievement_id] = own.get(achievement_id, False) or until is None or until > now
    return held
