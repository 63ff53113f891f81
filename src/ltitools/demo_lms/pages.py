"""The pages that everybody sees: sign in, courses, an activity with the tool in it, one's own grades."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from ltitools.demo_lms.access import (
    TEACHES,
    Problem,
    administrator,
    check_csrf,
    courses_of,
    open_activity,
    open_course,
    sign_in,
    somebody,
)
from ltitools.demo_lms.lms import db, lms, signing_keys, texts
from ltitools.demo_lms.models import Grade, Person
from ltitools.demo_lms.oidc import is_open
from ltitools.demo_lms.tools import active_tools, all_tools, menu_tools, tool_here, usable_tool
from ltitools.i18n import LOCALES

_ = texts.gettext
lazy = texts.lazy
pages = Blueprint("pages", __name__)


@pages.before_request
def _only_our_forms() -> None:
    if request.method == "POST":
        check_csrf()


@pages.get("/")
def home() -> ResponseReturnValue:
    """Who would you like to be? And what is there to try?"""
    people = list(db().scalars(select(Person).order_by(Person.id)))
    groups = [
        (_("Teachers"), [each for each in people if each.kind == "teacher"]),
        (_("Learners"), [each for each in people if each.kind == "learner"]),
        (_("Others"), [each for each in people if each.kind in ("admin", "test")]),
    ]
    return render_template(
        "lms/home.html",
        groups=groups,
        habits=lms().personality,
        has_tool=bool(active_tools()),
        on_the_way="on_the_way" in session,
    )


@pages.post("/sign-in")
def start() -> ResponseReturnValue:
    """Be the chosen person, and go to their course, or on to where they were asked who they are."""
    person = db().scalar(select(Person).where(Person.key == request.form.get("person", "")))
    if person is None:
        raise Problem(lazy("There is no such person"), lazy("Choose one of the people on the home page."), 404)
    on_the_way = session.get("on_the_way", "")
    sign_in(person)
    if on_the_way:
        session["came_for"] = on_the_way
        return redirect(_own_path(on_the_way), 303)
    if person.kind == "admin":
        return redirect(url_for("administration.tools"), 303)
    courses = courses_of(person)
    target = url_for("pages.course", course_id=courses[0].id) if courses else url_for("pages.courses")
    return redirect(target, 303)


@pages.post("/sign-out")
def leave() -> ResponseReturnValue:
    """Be nobody again."""
    session.clear()
    return redirect(url_for("pages.home"), 303)


@pages.post("/language")
def language() -> ResponseReturnValue:
    """Show this and the following pages in another language."""
    if request.form.get("locale") in LOCALES:
        session["locale"] = request.form["locale"]
    return redirect(_own_path(request.form.get("next", "")), 303)


def _own_path(path: str) -> str:
    """`path` if it is one of ours, else the home page: a form may not send people to another site."""
    is_ours = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if is_ours else url_for("pages.home")


@pages.get("/courses")
def courses() -> ResponseReturnValue:
    """The courses of whoever is signed in."""
    return render_template("lms/courses.html", courses=courses_of(somebody()))


@pages.get("/courses/<int:course_id>")
def course(course_id: int) -> ResponseReturnValue:
    """The activities of a course."""
    found, _person, role = open_course(course_id)
    return render_template("lms/course.html", course=found, teaching=role in TEACHES, tab="activities", is_open=is_open)


@pages.get("/courses/<int:course_id>/tool")
def course_tool(course_id: int) -> ResponseReturnValue:
    """The tool, opened from the menu of the course."""
    found, _person, role = open_course(course_id)
    if not lms().personality.course_menu:
        abort(404)
    tool = tool_here(among=menu_tools())
    return render_template(
        "lms/course_tool.html", course=found, tool=tool, teaching=role in TEACHES, tab=f"tool-{tool.id}"
    )


@pages.get("/activities/<int:activity_id>")
def activity(activity_id: int) -> ResponseReturnValue:
    """An activity: the tool in a frame, or a way to open it in a window of its own."""
    found, person, role = open_activity(activity_id)
    item = found.line_item
    return render_template(
        "lms/activity.html",
        activity=found,
        tool=usable_tool(found),
        course=found.course,
        teaching=role in TEACHES,
        tab="activities",
        may_open=role in TEACHES or is_open(found),
        in_window=found.target == "window",
        grade=db().get(Grade, (item.id, person.id)) if item else None,
    )


@pages.get("/courses/<int:course_id>/grades")
def my_grades(course_id: int) -> ResponseReturnValue:
    """A learner's own grades in a course."""
    found, person, role = open_course(course_id)
    if role in TEACHES:
        return redirect(url_for("teaching.gradebook", course_id=found.id), 303)
    rows = [(item, db().get(Grade, (item.id, person.id))) for item in found.line_items]
    return render_template("lms/my_grades.html", course=found, teaching=False, tab="grades", rows=rows)


@pages.get("/courses/<int:course_id>/members")
def members(course_id: int) -> ResponseReturnValue:
    """Who is in a course."""
    found, _person, role = open_course(course_id)
    return render_template("lms/members.html", course=found, teaching=role in TEACHES, tab="members")


@pages.get("/courses/<int:course_id>/returned")
def returned(course_id: int) -> ResponseReturnValue:
    """Where a tool sends people back to: https://www.imsglobal.org/spec/lti/v1p3#launch-presentation-claim"""
    found, _person, _role = open_course(course_id)
    told = request.args.get("lti_errormsg") or request.args.get("lti_msg") or ""
    if told:
        flash(_("The tool says: %(message)s", message=told[:500]), "info")
    return render_template("lms/returned.html", course=found)


@pages.get("/keys")
def keys() -> ResponseReturnValue:
    """What an administrator enters in a tool, and what each tool gave this LMS."""
    administrator()
    return render_template(
        "lms/keys.html",
        issuer=lms().public_url,
        endpoints=(
            (_("Authorization URL"), lms().url("oidc.authorize")),
            (_("Token URL"), lms().url("oauth.token")),
            (_("Key set URL"), lms().url("oidc.jwks")),
        ),
        habits=lms().personality,
        tools=all_tools(),
        public_keys=signing_keys(db()).as_dict(private=False)["keys"],
    )
