"""One person, for instructors: sittings answer by answer, more time, another attempt, and the grade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ltitools.plugin import Launch, Person, grades, people, session
from ltitools_diagnostic import delivery, pictures, report, sitting, standing
from ltitools_diagnostic.models import Attempt
from ltitools_diagnostic.review import reviewed
from ltitools_diagnostic.sitting import Who
from ltitools_diagnostic.texts import lazy
from ltitools_diagnostic.views import Mistake, instructor_launch, page, pages
from ltitools_diagnostic.views_results import in_words

MAX_REASON = 500
MAX_EXTRA_ATTEMPTS = 20
FACTOR_TEXTS = {
    "1": lazy("The time of everybody"),
    "1.25": lazy("A quarter more"),
    "1.5": lazy("Half as much again"),
    "2": lazy("Twice the time"),
    delivery.NO_LIMIT: lazy("No time limit"),
}


@dataclass(frozen=True)
class Seen:
    """A person at this activity, as an instructor of the course sees them."""

    launch: Launch
    who: Who
    person: Person
    attempts: list[Attempt]


@pages.get("/people/<int:person_id>")
def person(person_id: int) -> ResponseReturnValue:
    """A person's sittings, and what may be done about them."""
    return _person_page(_seen(instructor_launch(), person_id), ())


@pages.get("/people/<int:person_id>/sitting/<int:number>")
def persons_sitting(person_id: int, number: int) -> ResponseReturnValue:
    """One sitting of a person, answer by answer, also a voided or an unfinished one."""
    seen = _seen(instructor_launch(), person_id)
    attempt = _numbered(seen, number)
    return _sitting_page(seen, attempt, ())


def review(launch: Launch, person_id: int) -> ResponseReturnValue:
    """Where a click on a grade in the gradebook leads: the person's sitting that brought the grade."""
    seen = _seen(launch, person_id)
    past = sitting.counted(seen.attempts)
    if not past:
        return _person_page(seen, ())
    brought = next(each for each in past if each.standing == past[-1].standing)
    return _sitting_page(seen, brought, ())


@pages.post("/people/<int:person_id>/allowance")
def allow(person_id: int) -> ResponseReturnValue:
    """Give more time or attempts; it counts at once, and answers a request."""
    launch = instructor_launch()
    seen = _seen(launch, person_id)
    factor, more = request.form.get("factor", "1"), request.form.get("extra_attempts", "").strip() or "0"
    if factor not in delivery.FACTORS:
        abort(400)
    if not (more.isascii() and more.isdecimal() and int(more[:4]) <= MAX_EXTRA_ATTEMPTS):
        text = lazy("Write a whole number from 0 to %(limit)s.", limit=MAX_EXTRA_ATTEMPTS)
        return _person_page(seen, [Mistake("extra_attempts", text)]), 422
    own = seen.who
    delivery.allow(
        own.tenant_id,
        own.link_id,
        own.activity_id,
        own.person_id,
        factor=factor,
        extra_attempts=int(more),
        by=launch.person.id,
    )
    session.commit()
    return redirect(url_for("diagnostic.person", person_id=person_id), 303)


@pages.post("/people/<int:person_id>/sitting/<int:number>/void")
def void(person_id: int, number: int) -> ResponseReturnValue:
    """Reset a sitting: it stays on record with the reason, and counts nowhere."""
    launch = instructor_launch()
    seen = _seen(launch, person_id)
    attempt = _numbered(seen, number)
    reason = request.form.get("reason", "").replace("\0", "").strip()
    if not 0 < len(reason) <= MAX_REASON:
        text = lazy("Write a reason of 1 to %(limit)s characters. It stays on record.", limit=MAX_REASON)
        return _sitting_page(seen, attempt, [Mistake("reason", text)]), 422
    sitting.void(attempt, by=launch.person.id, reason=reason, clear_grade=bool(request.form.get("clear")))
    session.commit()
    return redirect(url_for("diagnostic.person", person_id=person_id), 303)


@pages.post("/people/<int:person_id>/grade")
def resend(person_id: int) -> ResponseReturnValue:
    """Send the person's grade to the LMS once more."""
    own = _seen(instructor_launch(), person_id).who
    grades.resend(own.tenant_id, own.link_id, own.person_id)
    session.commit()
    return redirect(url_for("diagnostic.person", person_id=person_id), 303)


def _seen(launch: Launch, person_id: int) -> Seen:
    """Somebody with a trace at this activity in this course; nobody else can be looked up."""
    if launch.link is None or launch.activity is None:
        abort(404)
    own = Who(launch.tenant.id, launch.link.id, launch.activity.id, person_id)
    attempts = sitting.all_of(own)
    found = people.names(own.tenant_id, [person_id]).get(person_id)
    extra = delivery.extra_of(own.tenant_id, own.link_id, own.activity_id, person_id)
    listed = report.is_member(launch, person_id)
    if found is None or not (attempts or listed or extra != delivery.NOTHING_EXTRA):
        abort(404)
    return Seen(launch, own, found, attempts)


def _numbered(seen: Seen, number: int) -> Attempt:
    attempt = next((each for each in seen.attempts if each.number == number), None)
    if attempt is None:
        abort(404)
    return attempt


def _person_page(seen: Seen, mistakes: Sequence[Mistake]) -> str:
    own = seen.who
    rules = delivery.rules_of(delivery.place_of(seen.launch))
    past = sitting.counted(seen.attempts)
    voiders = people.names(own.tenant_id, [each.voided_by for each in seen.attempts if each.voided_by])
    return page(
        "person",
        person=seen.person,
        attempts=seen.attempts,
        bests=list(standing.best(sitting.in_order(past)).values()),
        score=past[-1].standing if past else None,
        rules=rules,
        extra=delivery.extra_of(own.tenant_id, own.link_id, own.activity_id, own.person_id),
        factors=FACTOR_TEXTS,
        voiders=voiders,
        grade=grades.status(own.tenant_id, own.link_id, own.person_id),
        answered={each.id: len(sitting.answered(each)) for each in seen.attempts if each.submitted_at is None},
        mistakes=mistakes,
        zone=rules.zone,
        **in_words(),
    )


def _sitting_page(seen: Seen, attempt: Attempt, mistakes: Sequence[Mistake]) -> str:
    own = seen.who
    rules = delivery.rules_of(delivery.place_of(seen.launch))
    past = sitting.counted(seen.attempts)
    return page(
        "person_sitting",
        person=seen.person,
        attempt=attempt,
        outcomes=list(sitting.in_order([attempt])[0].values()),
        ratings=sitting.ratings(own.tenant_id, [attempt.id]).get(attempt.id, {}),
        questions=[reviewed(each, pictures.address) for each in sitting.questions(attempt)],
        only_one=past == [attempt],
        score=past[-1].standing if past else None,
        others=[each.number for each in seen.attempts if each.number != attempt.number],
        rating_texts=report.RATINGS,
        cut=report.cut_percent(),
        mistakes=mistakes,
        max_reason=MAX_REASON,
        reason=request.form.get("reason", ""),
        zone=rules.zone,
        **in_words(),
    )
