"""Who is here, in which language, and what they may do; and the one exception that a person is told about."""

from __future__ import annotations

import hmac
import secrets
from typing import Any

from flask import abort, g, request, session
from sqlalchemy import select

from ltitools.demo_lms.lms import db, texts
from ltitools.demo_lms.models import Activity, Course, Enrolment, Person
from ltitools.i18n import LazyText, match_locale, set_locale

_ = texts.gettext
lazy = texts.lazy

TEACHES = frozenset({"teacher", "admin"})


class Problem(Exception):
    """A request that is refused, with the words for the page."""

    def __init__(self, title: str | LazyText, text: str | LazyText, status: int = 400) -> None:
        super().__init__(str(title))
        self.title = title
        self.text = text
        self.status = status


def sign_in(person: Person) -> None:
    """Make `person` the one whose browser this is."""
    session.clear()
    session["person"] = person.id
    session["key"] = secrets.token_urlsafe(16)
    session["locale"] = person.locale
    g.pop("person", None)


def session_key() -> str:
    """What names this browser session in the database; empty when nobody is signed in."""
    return str(session.get("key", ""))


def person_here() -> Person | None:
    """Whoever is signed in."""
    if "person" not in g:
        g.person = db().get(Person, session["person"]) if "person" in session else None
    person: Person | None = g.person
    return person


def somebody() -> Person:
    """Whoever is signed in, or a page that asks to sign in."""
    person = person_here()
    if person is None:
        raise Problem(
            lazy("You are not signed in"),
            lazy("Choose a person on the home page, then open this page again."),
            403,
        )
    return person


def administrator() -> Person:
    """Whoever is signed in, if that is the administrator."""
    person = person_here()
    if person is None or person.kind != "admin":
        raise Problem(lazy("This page is for administrators"), lazy("Sign in as the administrator to see it."), 403)
    return person


def role_in(course: Course, person: Person) -> str | None:
    """teacher, learner, test or admin; None for somebody who is not in the course."""
    if person.kind == "admin":
        return "admin"
    enrolment = db().get(Enrolment, (course.id, person.id))
    if enrolment is None:
        return None
    return "test" if person.kind == "test" else enrolment.role


def courses_of(person: Person) -> list[Course]:
    """The courses that `person` can open."""
    query = select(Course).order_by(Course.id)
    if person.kind != "admin":
        query = query.join(Enrolment).where(Enrolment.person_id == person.id)
    return list(db().scalars(query))


def open_course(course_id: int, teaching: bool = False) -> tuple[Course, Person, str]:
    """The course, the person and their role in it; a page that explains where that is not theirs to open."""
    person = somebody()
    course = db().get(Course, course_id)
    if course is None:
        abort(404)
    role = role_in(course, person)
    if role is None:
        raise Problem(lazy("You are not in this course"), lazy("Only its teachers and learners can open it."), 403)
    if teaching and role not in TEACHES:
        raise Problem(
            lazy("This page is for teachers"),
            lazy("You are in this course as a learner. Sign in as one of its teachers to see the page."),
            403,
        )
    return course, person, role


def open_activity(activity_id: int, teaching: bool = False) -> tuple[Activity, Person, str]:
    """The same for an activity."""
    activity = db().get(Activity, activity_id)
    if activity is None:
        abort(404)
    _course, person, role = open_course(activity.course_id, teaching)
    return activity, person, role


def csrf_token() -> str:
    """The value that every form of ours carries: another site cannot know it."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(16)
    return str(session["csrf"])


def check_csrf() -> None:
    """Refuse a form that did not come from a page of ours."""
    if not hmac.compare_digest(request.form.get("csrf", ""), csrf_token()):
        raise Problem(
            lazy("This form is no longer valid"),
            lazy("It belongs to an earlier sign-in. Go back, reload the page and try again."),
        )


def choose_locale() -> None:
    """The language of this request: the one that was chosen, else the person's, else the browser's."""
    wanted: Any = session.get("locale")
    set_locale(match_locale(wanted, *(tag for tag, _quality in request.accept_languages)))


def locale_tag() -> str:
    """The language tag that tools are told, region and all: ``fr-CA``."""
    person = person_here()
    return str(session.get("locale") or (person.locale if person else "en"))
