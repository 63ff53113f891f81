"""Pages of a sitting: the self-rating, the questions, the overview, and submission.

Each is there twice: for the sitting of record, and below ``/preview`` for instructors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

from flask import abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ltitools.plugin import current_launch, session
from ltitools_diagnostic import asking, delivery, moments, pictures, report, sitting, versions
from ltitools_diagnostic.items import Response
from ltitools_diagnostic.models import Attempt
from ltitools_diagnostic.seats import Seat, seat_of
from ltitools_diagnostic.sitting import Question
from ltitools_diagnostic.views import page, pages

Places = Sequence[Sequence[int]]
"""The numbers of the questions on each page of a form."""


def first_page(seat: Seat, attempt: Attempt) -> str:
    """Where a sitting goes on: at the self-rating, or at the first question without an answer."""
    answered = sitting.answered(attempt)
    if seat.rules.self_rating and not answered and not seat.past:
        rated = sitting.ratings(attempt.tenant_id, [attempt.id])
        if not rated:
            return seat.url("rating")
    if len(answered) == len(attempt.form):
        return seat.url("overview")
    first_open = next(number for number in range(1, len(attempt.form) + 1) if number not in answered)
    return seat.url("question", number=_page_of(seat, attempt, first_open))


@pages.get("/rating")
@pages.get("/preview/<int:version_id>/rating")
def rating(version_id: int | None = None) -> ResponseReturnValue:
    """How well the person thinks they can do each competency, before the first question."""
    seat = seat_of(current_launch(), version_id)
    attempt = _open(seat)
    if attempt is None:
        return redirect(seat.home, 303)
    sections = _asked_sections(attempt)
    known = sitting.ratings(attempt.tenant_id, [attempt.id]).get(attempt.id, {})
    return page("rating", seat=seat, sections=sections, ratings=report.RATINGS, known=known, **time_left(seat))


@pages.post("/rating")
@pages.post("/preview/<int:version_id>/rating")
def save_rating(version_id: int | None = None) -> ResponseReturnValue:
    """Keep the self-rating and go to the questions. What is not rated stays open: nobody has to."""
    seat = seat_of(current_launch(), version_id)
    attempt = _open(seat)
    if attempt is None:
        return redirect(seat.home, 303)
    given = {section.row_id: request.form.get(f"rating-{section.row_id}", "") for section in _asked_sections(attempt)}
    rated = {row_id: int(value) for row_id, value in given.items() if value in map(str, sitting.SELF_RATINGS)}
    try:
        sitting.rate(attempt, rated)
    except sitting.AlreadySubmitted:
        session.rollback()
        return redirect(seat.home, 303)
    session.commit()
    return redirect(seat.url("question", number=1), 303)


@pages.get("/q/<int:number>")
@pages.get("/preview/<int:version_id>/q/<int:number>")
def question(number: int, version_id: int | None = None) -> ResponseReturnValue:
    """One page of questions: a single one, or those of one competency."""
    seat = seat_of(current_launch(), version_id)
    attempt = _open(seat)
    if attempt is None:
        return redirect(seat.home, 303)
    return _question_page(seat, attempt, sitting.pages(attempt, grouped=seat.grouped), number, {})


@pages.post("/q/<int:number>")
@pages.post("/preview/<int:version_id>/q/<int:number>")
def answer(number: int, version_id: int | None = None) -> ResponseReturnValue:
    """Keep the answers of a page and go on: to the next page, to the one before, or to the overview.

    What cannot be read stays on the page with a reason, and the other answers of the page are kept.
    """
    seat = seat_of(current_launch(), version_id)
    attempt = seat.attempt
    if attempt is None:
        return redirect(seat.home, 303) if not seat.past else (page("submitted", seat=seat), 409)
    if attempt.submitted_at is not None:
        return page("submitted", seat=seat), 409
    if seat.overdue:
        return _end(seat, attempt)
    places = sitting.pages(attempt, grouped=seat.grouped)
    asked = _on_page(attempt, places, number)
    responses, problems = _read(asked)
    try:
        sitting.save(attempt, responses)
    except sitting.AlreadySubmitted:
        session.rollback()
        return page("submitted", seat=seat), 409
    session.commit()
    where = request.form.get("go", "next")
    if where == "time":
        return _end(seat, attempt)
    if problems:
        return _question_page(seat, attempt, places, number, problems), 422
    return redirect(_next_page(seat, len(places), number, where), 303)


@pages.get("/overview")
@pages.get("/preview/<int:version_id>/overview")
def overview(version_id: int | None = None) -> ResponseReturnValue:
    """Which questions have an answer, and the button that submits."""
    seat = seat_of(current_launch(), version_id)
    attempt = _open(seat)
    if attempt is None:
        return redirect(seat.home, 303)
    places = sitting.pages(attempt, grouped=seat.grouped)
    page_of = {number: place for place, numbers in enumerate(places, start=1) for number in numbers}
    return page(
        "overview",
        seat=seat,
        answered=sitting.answered(attempt),
        total=len(attempt.form),
        page_of=page_of,
        **time_left(seat),
    )


@pages.post("/submit")
@pages.post("/preview/<int:version_id>/submit")
def submit(version_id: int | None = None) -> ResponseReturnValue:
    """Submit once and for all, and show the results. A second time changes nothing."""
    seat = seat_of(current_launch(), version_id)
    if seat.attempt is not None:
        if seat.overdue:
            return _end(seat, seat.attempt)
        sitting.submit(seat.attempt, counts=not seat.launch.person.is_test)
        session.commit()
    return redirect(seat.home, 303)


def _open(seat: Seat) -> Attempt | None:
    """The sitting that may be gone on with: not submitted, and in time."""
    attempt = seat.attempt
    return None if attempt is None or attempt.submitted_at is not None or seat.overdue else attempt


def _end(seat: Seat, attempt: Attempt) -> ResponseReturnValue:
    """The time is over: what was saved is submitted, and the results are shown."""
    over = seat.deadline is not None and seat.now >= seat.deadline
    if over:
        counts = not seat.launch.person.is_test
        sitting.submit(attempt, counts=counts, ended_by=sitting.BY_TIME, at=seat.deadline)
        session.commit()
    return redirect(seat.home if over else seat.url("overview"), 303)


def _read(asked: Sequence[Question]) -> tuple[dict[int, Response], dict[int, str]]:
    """The answers of a page by question number, and what is wrong with those that could not be read."""
    responses: dict[int, Response] = {}
    problems: dict[int, str] = {}
    for each in asked:
        if request.form.get("go") == f"clear-{each.number}":
            responses[each.number] = None
            continue
        response, problem = asking.read(each, request.form)
        if problem:
            problems[each.number] = problem
        else:
            responses[each.number] = response
    return responses, problems


def _question_page(seat: Seat, attempt: Attempt, places: Places, number: int, problems: Mapping[int, str]) -> str:
    asked = _on_page(attempt, places, number)
    form = request.form if problems else None
    return page(
        "question",
        seat=seat,
        number=number,
        last=len(places),
        views=[asking.view(each, problems.get(each.number, ""), form, images=pictures.address) for each in asked],
        section=_section_title(attempt, asked) if seat.grouped else None,
        total=len(attempt.form),
        answered=len(sitting.answered(attempt)),
        **time_left(seat),
    )


def time_left(seat: Seat) -> dict[str, object]:
    """What a page needs to show the time that is left; no time limit, no clock."""
    left = None if seat.deadline is None else seat.deadline - seat.now
    show = left is not None and left < delivery.SHOW_CLOCK_UNDER
    return {
        "seconds_left": max(0, ceil(left.total_seconds())) if show and left is not None else None,
        "clock": moments.clock(left) if show and left is not None else "",
        "may_ask": seat.preview_of is None and seat.rules.time_limit is not None,
        "ends_at": None if seat.deadline is None else moments.shown(seat.deadline, seat.rules.zone),
        "time_up_url": seat.url("submit"),
        "more_time_url": url_for("diagnostic.more_time"),
    }


def _on_page(attempt: Attempt, places: Places, number: int) -> list[Question]:
    if not 1 <= number <= len(places):
        abort(404)
    return sitting.questions(attempt, set(places[number - 1]))


def _page_of(seat: Seat, attempt: Attempt, question_number: int) -> int:
    places = sitting.pages(attempt, grouped=seat.grouped)
    return next(place for place, numbers in enumerate(places, start=1) if question_number in numbers)


def _next_page(seat: Seat, last: int, number: int, where: str) -> str:
    if where.startswith("clear-"):
        return seat.url("question", number=number)
    if where == "more-time":
        return url_for("diagnostic.more_time")
    if where == "back" and number > 1:
        return seat.url("question", number=number - 1)
    if where == "overview" or number == last:
        return seat.url("overview")
    return seat.url("question", number=number + 1)


def _asked_sections(attempt: Attempt) -> list[versions.AskedSection]:
    """The competencies that this sitting asks about."""
    return versions.asked_sections(attempt.tenant_id, attempt.version_id, [item_id for item_id, _order in attempt.form])


def _section_title(attempt: Attempt, asked: Sequence[Question]) -> Mapping[str, str]:
    rows = {section.row_id: section.titles for section in _asked_sections(attempt)}
    return rows[asked[0].competency_row_id]
