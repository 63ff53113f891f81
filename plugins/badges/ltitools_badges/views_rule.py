"""The page on which an instructor says what earns the badge in the course."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ltitools.plugin import Activity, Conflict, Launch, Link, NotFound, activities, competencies, session
from ltitools_badges import achievements, awarding, considering, rules
from ltitools_badges.models import Rule
from ltitools_badges.rules import ALL, AVERAGE, PASS, Outside, Part, Terms
from ltitools_badges.texts import _, lazy
from ltitools_badges.views import Mistake, instructor_launch, page, pages, shown_achievement

MAX_OUTSIDE = 10
KINDS = {
    ALL: lazy("Each of them has to reach the threshold"),
    AVERAGE: lazy("Their weighted mean has to reach the threshold, and each has to be done"),
}


@dataclass(frozen=True)
class Choice:
    """An activity that may count, and the weight that stands beside it. `note` is no-column, not-opened or empty."""

    activity: Activity
    title: str
    note: str
    chosen: bool
    weight: str


@pages.get("/rule")
def rule() -> ResponseReturnValue:
    """What counts in this course."""
    launch, course_id = _here()
    found = rules.find(launch.tenant.id, shown_achievement(launch).id, course_id)
    begun_with = found or _of_the_owner(launch)
    terms = rules.terms_of(begun_with) if begun_with else Terms()
    return _rule_page(launch, course_id, terms, is_own=found is None or found.course_id == course_id)


def _of_the_owner(launch: Launch) -> Rule | None:
    """What earns it in the course that owns it: what a course that was copied begins with."""
    owner = launch.activity.owner_course_id if launch.activity else None
    if owner is None:
        return None
    return rules.find(launch.tenant.id, shown_achievement(launch).id, owner)


@pages.post("/rule")
def save_rule() -> ResponseReturnValue:
    """Let this count from now on, and look at everybody again."""
    launch, course_id = _here()
    achievement = shown_achievement(launch)
    mistakes: list[Mistake] = []
    terms = _typed(mistakes)
    known = {activity.id for _link, activity in _countable(launch, course_id)}
    if not {part.activity_id for part in terms.parts} <= known | _kept_parts(launch, course_id):
        raise NotFound("One of these activities is not in this course.")
    if terms.asks_nothing:
        mistakes.append(Mistake("activities", lazy("Choose at least one activity, competency or micro-credential.")))
    if not mistakes:
        try:
            rules.save(launch.tenant.id, achievement.id, course_id, terms)
        except Conflict as problem:
            mistakes.append(Mistake("threshold", str(problem)))
    if mistakes:
        session.rollback()
        return _rule_page(launch, course_id, terms, is_own=True, mistakes=mistakes), 422
    considering.ask_to_consider(launch.tenant.id, course_id, achievement.id)
    session.commit()
    return redirect(url_for("tool.home", done="rule"), 303)


def _here() -> tuple[Launch, int]:
    launch = instructor_launch()
    if launch.course is None:
        raise NotFound("This launch is of no course.")
    return launch, launch.course.id


def _typed(mistakes: list[Mistake]) -> Terms:
    """The rule that the form names; what cannot be read is a mistake, and stands at its usual value."""
    form = request.form
    parts = []
    for number in _numbers("activity"):
        weight = _decimal(form.get(f"weight-{number}", "1"), Decimal(0))
        if not 0 < weight <= 1000:
            mistakes.append(Mistake(f"weight-{number}", lazy("Write a weight that is more than 0 and at most 1000.")))
            weight = Decimal(1)
        parts.append(Part(number, weight))
    threshold = _decimal(form.get("threshold", ""), Decimal(0))
    if not 0 < threshold <= 100:
        mistakes.append(Mistake("threshold", lazy("Write a percentage that is more than 0 and at most 100.")))
        threshold = PASS
    kind = form.get("kind", ALL)
    return Terms(
        tuple(parts),
        kind if kind in KINDS else ALL,
        threshold,
        tuple(_numbers("competency")),
        tuple(_numbers("component")),
        tuple(_outside(mistakes)),
    )


def _outside(mistakes: list[Mistake]) -> list[Outside]:
    """The badges of other institutions in the form's rows; an empty row says nothing."""
    found: list[Outside] = []
    for number in range(MAX_OUTSIDE):
        name, issuer, achievement = (
            " ".join(request.form.get(f"outside-{field}-{number}", "").split())
            for field in ("name", "issuer", "achievement")
        )
        if name or issuer or achievement:
            one = Outside(name, issuer, achievement)
            try:
                one.checked()
                if one.key in {other.key for other in found}:
                    raise Conflict(_("A badge of another institution can count once only."))
            except Conflict as problem:
                mistakes.append(Mistake(f"outside-name-{number}", str(problem)))
            found.append(one)
    return found


def _numbers(field: str) -> list[int]:
    return [int(value) for value in request.form.getlist(field) if value.isdecimal() and len(value) < 10]


def _decimal(text: str, otherwise: Decimal) -> Decimal:
    """A number as people write it, with a point or a comma."""
    try:
        value = Decimal(text.strip().replace(",", ".").removesuffix("%").strip())
    except InvalidOperation:
        return otherwise
    return value if value.is_finite() and abs(value) < 10**6 and value == round(value, 5) else otherwise


def _countable(launch: Launch, course_id: int) -> list[tuple[Link | None, Activity]]:
    """The activities that can have a score in the course: those of other tools, each once.

    First those that somebody has opened there. An LMS names a link only then, so what the course or the institution
    has besides follows without one: an instructor who has just placed it finds it all the same.
    """
    found: dict[int, tuple[Link | None, Activity]] = {}
    for link, activity in activities.in_course(launch.tenant.id, course_id):
        found.setdefault(activity.id, (link, activity))
    for activity in activities.at_hand(launch.tenant.id, course_id):
        found.setdefault(activity.id, (None, activity))
    return [both for both in found.values() if both[1].plugin != awarding.KEY]


def _kept_parts(launch: Launch, course_id: int) -> set[int]:
    found = rules.find(launch.tenant.id, shown_achievement(launch).id, course_id)
    return {part.activity_id for part in rules.terms_of(found).parts} if found else set()


def _choices(launch: Launch, course_id: int, terms: Terms) -> list[Choice]:
    weights: Mapping[int, Decimal] = {part.activity_id: part.weight for part in terms.parts}
    choices = [
        Choice(
            activity,
            (link.title if link else "") or activity.title,
            "no-column" if link and not link.graded else "" if link else "not-opened",
            activity.id in weights,
            str(weights.get(activity.id, 1)),
        )
        for link, activity in _countable(launch, course_id)
    ]
    there = {choice.activity.id for choice in choices}
    # What counts by the institution's rule may not have been opened in this course yet.
    for number, weight in weights.items():
        if number not in there:
            row: Any = activities.get(launch.tenant.id, number)
            activity = Activity(row.id, row.plugin, row.slug, row.title, {}, row.owner_course_id)
            choices.append(Choice(activity, activity.title, "not-opened", True, str(weight)))
    return choices


def _rule_page(launch: Launch, course_id: int, terms: Terms, *, is_own: bool, mistakes: Sequence[Mistake] = ()) -> str:
    achievement = shown_achievement(launch)
    framed: dict[str, list[competencies.Framed]] = {}
    for one in competencies.in_force(launch.tenant.id):
        framed.setdefault(one.framework(), []).append(one)
    others = [
        (one, version)
        for one, version in achievements.all_of(launch.tenant.id)
        if one.id != achievement.id and version.state == "published"
    ]
    return page(
        "rule",
        choices=_choices(launch, course_id, terms),
        terms=terms,
        typed_threshold=request.form.get("threshold", str(terms.threshold)),
        kinds=KINDS,
        framed=framed,
        others=others,
        outside_rows=[*terms.outside, *[Outside("", "")] * 2][:MAX_OUTSIDE],
        is_own=is_own,
        mistakes=mistakes,
    )
