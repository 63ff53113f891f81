"""Pages of a sitting. Each is there twice: for the attempt of record, and below ``/preview`` for instructors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ltitools.plugin import INSTRUCTORS, Launch, Refused, activities, current_launch, grades, session
from ltitools_diagnostic import report, sitting, versions
from ltitools_diagnostic.items import CHOICES, Kind, Response
from ltitools_diagnostic.models import DRAFT, Attempt, Version
from ltitools_diagnostic.review import option_text, reviewed, shown_order
from ltitools_diagnostic.scoring import parse_number
from ltitools_diagnostic.sitting import Question
from ltitools_diagnostic.texts import _, lazy
from ltitools_diagnostic.views import page, pages, visible_version

MAX_TYPED = 200


@dataclass(frozen=True)
class Seat:
    """Where a sitting takes place: the version, the attempt once begun, and `preview_of` for a preview."""

    launch: Launch
    version: Version | None
    attempt: Attempt | None
    preview_of: int | None

    def url(self, endpoint: str, **values: Any) -> str:
        """The address of a page of this sitting."""
        return url_for(f"diagnostic.{endpoint}", version_id=self.preview_of, **values)

    @property
    def home(self) -> str:
        """The address of the sitting's start and results."""
        return url_for("tool.home") if self.preview_of is None else self.url("preview")

    @property
    def way_back(self) -> str:
        """Where an instructor goes from a preview: to the draft, or to where the launch arrived."""
        if self.version is not None and self.version.state == DRAFT:
            return url_for("diagnostic.draft", version_id=self.version.id)
        return url_for("tool.home")


@dataclass(frozen=True)
class Field:
    """An option as a form shows it. Its value is its place on the page, so it does not tell the key's column."""

    value: int
    text: str
    chosen: bool


def learner_home(launch: Launch) -> ResponseReturnValue:
    """The launch of a learner: the start, the way back into the sitting, or the results."""
    return _home(_seat(launch, None))


@pages.get("/preview/<int:version_id>/")
def preview(version_id: int) -> ResponseReturnValue:
    """The start of an instructor's preview, or its results."""
    return _home(_seat(current_launch(), version_id))


@pages.post("/start")
@pages.post("/preview/<int:version_id>/start")
def start(version_id: int | None = None) -> ResponseReturnValue:
    """Begin, or begin a preview again, and go to the first question."""
    seat = _seat(current_launch(), version_id)
    if seat.version is None:
        return redirect(seat.home, 303)
    course_id = seat.launch.course.id if seat.launch.course else None
    person_id = seat.launch.person.id
    if seat.preview_of is not None:
        sitting.begin_preview(seat.version, person_id=person_id, course_id=course_id)
    else:
        sitting.begin(seat.version, person_id=person_id, link_id=_link_id(seat.launch), course_id=course_id)
    session.commit()
    return redirect(seat.url("question", number=1), 303)


@pages.get("/q/<int:number>")
@pages.get("/preview/<int:version_id>/q/<int:number>")
def question(number: int, version_id: int | None = None) -> ResponseReturnValue:
    """One question."""
    seat = _seat(current_launch(), version_id)
    if seat.attempt is None or seat.attempt.submitted_at is not None:
        return redirect(seat.home, 303)
    return _question_page(seat, seat.attempt, _question(seat.attempt, number))


@pages.post("/q/<int:number>")
@pages.post("/preview/<int:version_id>/q/<int:number>")
def answer(number: int, version_id: int | None = None) -> ResponseReturnValue:
    """Keep the answer and go on: to the next question, to the one before, or to the overview."""
    seat = _seat(current_launch(), version_id)
    if seat.attempt is None:
        return redirect(seat.home, 303)
    if seat.attempt.submitted_at is not None:
        return page("submitted", seat=seat), 409
    asked = _question(seat.attempt, number)
    response, problem = _read_response(asked)
    if problem:
        typed = request.form.get("answer", "")
        return _question_page(seat, seat.attempt, asked, typed=typed, problem=problem), 422
    try:
        sitting.save(seat.attempt, number, response)
    except sitting.AlreadySubmitted:
        session.rollback()
        return page("submitted", seat=seat), 409
    session.commit()
    return redirect(_next_page(seat, number, len(seat.attempt.form)), 303)


@pages.get("/overview")
@pages.get("/preview/<int:version_id>/overview")
def overview(version_id: int | None = None) -> ResponseReturnValue:
    """Which questions have an answer, and the button that submits."""
    seat = _seat(current_launch(), version_id)
    if seat.attempt is None or seat.attempt.submitted_at is not None:
        return redirect(seat.home, 303)
    answered = sitting.answered(seat.attempt)
    return page("overview", seat=seat, answered=answered, total=len(seat.attempt.form))


@pages.post("/submit")
@pages.post("/preview/<int:version_id>/submit")
def submit(version_id: int | None = None) -> ResponseReturnValue:
    """Submit once and for all, and show the results. A second time changes nothing."""
    seat = _seat(current_launch(), version_id)
    if seat.attempt is not None:
        sitting.submit(seat.attempt, counts=not seat.launch.person.is_test)
        session.commit()
    return redirect(seat.home, 303)


def _seat(launch: Launch, version_id: int | None) -> Seat:
    if version_id is not None:
        launch.require(*INSTRUCTORS)
        version = visible_version(launch, version_id)
        attempt = sitting.find_preview(launch.tenant.id, version_id, launch.person.id)
        return Seat(launch, version, attempt, version_id)
    if not launch.is_learner:
        text = lazy("Only learners of the course answer the questions. Instructors have a preview.")
        raise Refused("role-forbidden", text, 403)
    activity_id = launch.activity.id if launch.activity else 0
    found = sitting.find(launch.tenant.id, _link_id(launch), activity_id, launch.person.id)
    if found is not None:
        return Seat(launch, versions.get(launch.tenant.id, found.version_id), found, None)
    return Seat(launch, versions.published(launch.tenant.id, activity_id), None, None)


def _link_id(launch: Launch) -> int:
    if launch.link is None:
        text = lazy("This page was not opened from an activity of a course.")
        raise Refused("diagnostic-no-link", text)
    return launch.link.id


def _home(seat: Seat) -> ResponseReturnValue:
    if seat.version is None:
        return page("not_ready")
    if seat.attempt is not None and seat.attempt.submitted_at is not None:
        return _results(seat, seat.attempt)
    sections = versions.sections(seat.launch.tenant.id, [seat.version])[seat.version.id]
    return page(
        "start",
        seat=seat,
        title=activities.get(seat.launch.tenant.id, seat.version.activity_id).title,
        sections=sections,
        total=sum(section.drawn for section in sections),
        answered=len(sitting.answered(seat.attempt)) if seat.attempt else 0,
        next_number=_first_open(seat.attempt),
    )


def _results(seat: Seat, attempt: Attempt) -> ResponseReturnValue:
    grade = None
    if seat.launch.link is not None and seat.preview_of is None:
        grade = grades.status(seat.launch.tenant.id, seat.launch.link.id, seat.launch.person.id)
    return page(
        "results",
        seat=seat,
        outcomes=report.outcomes(attempt),
        score=report.decimal_text(attempt.score or sitting.NOTHING),
        grade=grade,
        grade_text=report.grade_text(grade) if grade else "",
        questions=[reviewed(each) for each in sitting.questions(attempt)],
        levels=report.LEVELS,
        sentences=report.SENTENCES,
        cut=report.cut_percent(),
    )


def _first_open(attempt: Attempt | None) -> int:
    """The first question without an answer, or the first one."""
    if attempt is None:
        return 1
    answered = sitting.answered(attempt)
    return next((number for number in range(1, len(attempt.form) + 1) if number not in answered), 1)


def _question(attempt: Attempt, number: int) -> Question:
    if not 1 <= number <= len(attempt.form):
        abort(404)
    return sitting.questions(attempt, {number})[0]


def _question_page(
    seat: Seat, attempt: Attempt, asked: Question, *, typed: str | None = None, problem: str = ""
) -> str:
    item, response = asked.item, asked.response
    chosen = set(response) if item.kind in CHOICES and response is not None else set()
    if typed is None:
        typed = response if isinstance(response, str) else ""
    return page(
        "question",
        seat=seat,
        asked=asked,
        kind=item.kind.value,
        fields=[
            Field(place, option_text(item, index), index in chosen)
            for place, index in enumerate(shown_order(asked))
            if item.kind in CHOICES
        ],
        typed=typed,
        problem=problem,
        total=len(attempt.form),
        answered=len(sitting.answered(attempt)),
        max_typed=MAX_TYPED,
    )


def _read_response(asked: Question) -> tuple[Response, str]:
    """What the form says, and what is wrong with it. Nothing chosen or typed clears the answer."""
    if request.form.get("go") == "clear":
        return None, ""
    if asked.item.kind in CHOICES:
        order = shown_order(asked)
        places = [int(value) for value in request.form.getlist("answer") if value.isdecimal()]
        chosen = sorted({order[place] for place in places if place < len(order)})
        if asked.item.kind is not Kind.MULTIPLE:
            chosen = chosen[:1]
        return chosen or None, ""
    typed = request.form.get("answer", "").replace("\0", "").strip()
    if len(typed) > MAX_TYPED:
        return None, _("Your answer is longer than %(limit)s characters. Shorten it.", limit=MAX_TYPED)
    if typed and asked.item.kind is Kind.NUMERIC and parse_number(typed) is None:
        return None, _("Write the answer as a number only, without a unit, for example 1250 or 12.5.")
    return typed or None, ""


def _next_page(seat: Seat, number: int, total: int) -> str:
    where = request.form.get("go", "next")
    if where == "clear":
        return seat.url("question", number=number)
    if where == "back" and number > 1:
        return seat.url("question", number=number - 1)
    if where == "overview" or number == total:
        return seat.url("overview")
    return seat.url("question", number=number + 1)
