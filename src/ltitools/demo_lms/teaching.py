"""The pages of teachers: add, change, copy and remove activities; the gradebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from ltitools.demo_lms.access import check_csrf, courses_of, open_activity, open_course, role_in
from ltitools.demo_lms.addresses import origin_of
from ltitools.demo_lms.lms import db, lms, texts
from ltitools.demo_lms.models import Activity, Course, Enrolment, Grade, LineItem, Person, ScorePost, Tool
from ltitools.demo_lms.tools import active_tools, choosers, tool_here

_ = texts.gettext
teaching = Blueprint("teaching", __name__)

LONGEST_TITLE = 200


@teaching.before_request
def _only_our_forms() -> None:
    if request.method == "POST":
        check_csrf()


# Activities -------------------------------------------------------------------------------------------------


@teaching.get("/courses/<int:course_id>/add")
def add(course_id: int) -> ResponseReturnValue:
    """The tool's own list of what can be added, in a frame (deep linking); first the tools, if there are several."""
    course, _person, _role = open_course(course_id, teaching=True)
    found = choosers()
    tool = tool_here(among=found)
    if len(found) > 1 and "tool" not in request.args:
        return render_template("lms/add_from.html", course=course, found=found, teaching=True, tab="activities")
    return render_template("lms/add.html", course=course, tool=tool, teaching=True, tab="activities")


@dataclass
class ActivityForm:
    """What a teacher enters for an activity of `tool`, as text, and what is wrong with it by field."""

    tool: Tool
    title: str = ""
    text: str = ""
    url: str = ""
    custom: str = ""
    target: str = "iframe"
    graded: bool = True
    score_maximum: str = "100"
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, activity: Activity) -> ActivityForm:
        """The form filled in from an activity."""
        item = activity.line_items[0] if activity.line_items else None
        return cls(
            tool=activity.tool or tool_here(),
            title=activity.title,
            text=activity.text,
            url=activity.url or "",
            custom="\n".join(f"{name}={value}" for name, value in activity.custom.items()),
            target=activity.target,
            graded=item is not None,
            score_maximum=f"{item.score_maximum:g}" if item else "100",
        )

    @classmethod
    def sent(cls, form: Mapping[str, str], tool: Tool) -> ActivityForm:
        """The form as it was sent, with its errors."""
        sent = cls(
            tool=tool,
            title=form.get("title", "").strip()[:LONGEST_TITLE],
            text=form.get("text", "").strip(),
            url=form.get("url", "").strip(),
            custom=form.get("custom", ""),
            target="window" if form.get("target") == "window" else "iframe",
            graded=form.get("graded") == "yes",
            score_maximum=form.get("score_maximum", "").strip(),
        )
        sent._check()
        return sent

    def _check(self) -> None:
        if not self.title:
            self.errors["title"] = _("Give the activity a title.")
        if self.url and origin_of(self.url) != self.tool.origin:
            self.errors["url"] = _("Enter an address that begins with %(origin)s.", origin=self.tool.origin)
        wrong = [line for line in self.custom.splitlines() if line.strip() and "=" not in line]
        if wrong:
            self.errors["custom"] = _("Write “name=value” in each line. Not so: %(line)s", line=wrong[0][:40])
        if self.graded and (read_number(self.score_maximum) or 0) <= 0:
            self.errors["score_maximum"] = _("Enter a number greater than zero.")

    def custom_values(self) -> dict[str, str]:
        """The custom parameters: one ``name=value`` in each line."""
        pairs = (line.split("=", 1) for line in self.custom.splitlines() if "=" in line)
        return {name.strip(): value.strip() for name, value in pairs if name.strip()}

    def apply_to(self, activity: Activity) -> None:
        """Write the form to `activity` and its column."""
        activity.tool = self.tool
        activity.title, activity.text = self.title, self.text
        activity.url, activity.custom = self.url or None, self.custom_values()
        activity.target = self.target
        if not self.graded:
            for item in list(activity.line_items):
                db().delete(item)
            return
        if not activity.line_items:
            activity.line_items.append(LineItem(course=activity.course, label="", score_maximum=0))
        activity.line_items[0].label = self.title
        activity.line_items[0].score_maximum = read_number(self.score_maximum) or 0


def read_number(text: str) -> float | None:
    """A number with a decimal point or comma, or None."""
    try:
        value = float(text.replace(",", ".").replace("\u00a0", "").replace("\u202f", "").strip())
    except ValueError:
        return None
    return value if abs(value) < 1e9 else None


@teaching.route("/courses/<int:course_id>/add-by-hand", methods=["GET", "POST"])
def add_by_hand(course_id: int) -> ResponseReturnValue:
    """An activity whose address and parameters the teacher types."""
    course, _person, _role = open_course(course_id, teaching=True)
    tool = tool_here()
    form = ActivityForm.sent(request.form, tool) if request.method == "POST" else ActivityForm(tool)
    if request.method == "GET" or form.errors:
        return _form_page(form, course, None)
    activity = Activity(course=course, title=form.title)
    db().add(activity)
    form.apply_to(activity)
    db().commit()
    flash(_("Added to the course: %(titles)s.", titles=activity.title), "success")
    return redirect(url_for("pages.course", course_id=course.id), 303)


@teaching.route("/activities/<int:activity_id>/edit", methods=["GET", "POST"])
def edit(activity_id: int) -> ResponseReturnValue:
    """Change an activity."""
    activity, _person, _role = open_activity(activity_id, teaching=True)
    form = ActivityForm.of(activity)
    if request.method == "POST":
        form = ActivityForm.sent(request.form, form.tool)
    if request.method == "GET" or form.errors:
        return _form_page(form, activity.course, activity)
    form.apply_to(activity)
    db().commit()
    flash(_("Saved: %(title)s.", title=activity.title), "success")
    return redirect(url_for("pages.course", course_id=activity.course_id), 303)


def _form_page(form: ActivityForm, course: Course, activity: Activity | None) -> ResponseReturnValue:
    page = render_template(
        "lms/activity_form.html",
        form=form,
        course=course,
        activity=activity,
        teaching=True,
        tab="activities",
        launch_url=form.tool.launch_url,
        tools=active_tools() if activity is None else [],
    )
    return page, 422 if form.errors else 200


@teaching.route("/activities/<int:activity_id>/delete", methods=["GET", "POST"])
def delete(activity_id: int) -> ResponseReturnValue:
    """Remove an activity with its column and grades, after a question."""
    activity, _person, _role = open_activity(activity_id, teaching=True)
    course = activity.course
    if request.method == "GET":
        return render_template("lms/delete.html", activity=activity, course=course, teaching=True, tab="activities")
    title = activity.title
    db().delete(activity)
    db().commit()
    flash(_("Deleted: %(title)s.", title=title), "success")
    return redirect(url_for("pages.course", course_id=course.id), 303)


@teaching.post("/activities/<int:activity_id>/duplicate")
def duplicate(activity_id: int) -> ResponseReturnValue:
    """The same activity once more in its course, with a link id and a column of its own."""
    activity, _person, _role = open_activity(activity_id, teaching=True)
    title = _("%(title)s (copy)", title=activity.title)
    add_copy(activity, activity.course, title)
    db().commit()
    flash(_("Added to the course: %(titles)s.", titles=title), "success")
    return redirect(url_for("pages.course", course_id=activity.course_id), 303)


@teaching.route("/courses/<int:course_id>/copy", methods=["GET", "POST"])
def copy_course(course_id: int) -> ResponseReturnValue:
    """All activities of a course into another or a new one. People and grades stay behind."""
    course, person, _role = open_course(course_id, teaching=True)
    others = [each for each in courses_of(person) if each != course and role_in(each, person) in ("teacher", "admin")]
    if request.method == "GET":
        return render_template("lms/copy.html", course=course, others=others, teaching=True, tab="activities")
    chosen = request.form.get("into", "new")
    target = next((each for each in others if str(each.id) == chosen), None)
    if target is None and chosen != "new":
        abort(404)
    title = request.form.get("title", "").strip()[:LONGEST_TITLE]
    if target is None:
        target = _new_course(course, person, title or _("%(title)s (copy)", title=course.title))
    for activity in list(course.activities):
        add_copy(activity, target, activity.title)
    target.copied_from = course
    db().commit()
    flash(_("The activities were copied. This is the copy."), "success")
    return redirect(url_for("pages.course", course_id=target.id), 303)


def _new_course(origin: Course, teacher: Person, title: str) -> Course:
    """A course like `origin`, with its teachers and no learners yet."""
    course = Course(label=f"{origin.label}-2", title=title)
    teachers = {each.person for each in origin.enrolments if each.role == "teacher"}
    if teacher.kind == "teacher":
        teachers.add(teacher)
    course.enrolments = [Enrolment(person=each, role="teacher") for each in teachers]
    db().add(course)
    return course


def add_copy(activity: Activity, course: Course, title: str) -> None:
    """Put the activity into `course` again: all of it but its identity and its grades."""
    columns = [
        LineItem(
            course=course,
            label=title if item.label == activity.title else item.label,
            score_maximum=item.score_maximum,
            tag=item.tag,
            resource_id=item.resource_id,
        )
        for item in activity.line_items
    ]
    copy = Activity(
        course=course,
        tool_id=activity.tool_id,
        title=title,
        text=activity.text,
        url=activity.url,
        custom=dict(activity.custom),
        target=activity.target,
        icon_url=activity.icon_url,
        opens_at=activity.opens_at,
        closes_at=activity.closes_at,
        due_at=activity.due_at,
        copied_from=activity,
        line_items=columns,
    )
    db().add(copy)


# The gradebook ----------------------------------------------------------------------------------------------


@teaching.get("/courses/<int:course_id>/gradebook")
def gradebook(course_id: int) -> ResponseReturnValue:
    """Learners by columns."""
    course, _person, _role = open_course(course_id, teaching=True)
    grades: dict[tuple[int, int], Grade] = {
        (grade.line_item_id, grade.person_id): grade
        for grade in db().scalars(select(Grade).join(LineItem).where(LineItem.course_id == course.id))
    }
    learners = [each.person for each in course.enrolments if each.role == "learner"]
    return render_template(
        "lms/gradebook.html", course=course, learners=learners, grades=grades, teaching=True, tab="grades"
    )


@teaching.route("/courses/<int:course_id>/gradebook/<int:item_id>/<int:person_id>", methods=["GET", "POST"])
def cell(course_id: int, item_id: int, person_id: int) -> ResponseReturnValue:
    """One grade: change it by hand, and read what the tool has sent for it."""
    course, _person, _role = open_course(course_id, teaching=True)
    item = db().get(LineItem, item_id)
    enrolment = db().get(Enrolment, (course.id, person_id))
    if item is None or item.course_id != course.id or enrolment is None or enrolment.role != "learner":
        abort(404)
    grade = db().get(Grade, (item.id, person_id))
    form: dict[str, Any] = {
        "score": "" if grade is None or grade.score is None else f"{grade.score:g}",
        "comment": grade.comments[-1] if grade and grade.comments else "",
        "error": "",
    }
    if request.method == "POST":
        form = {name: request.form.get(name, "").strip() for name in ("score", "comment")}
        score = read_number(form["score"])
        wrong = form["score"] and (score is None or score < 0)
        form["error"] = _("Enter a number that is not negative, or leave it empty.") if wrong else ""
        if not wrong:
            _grade_by_hand(item, enrolment.person, grade, score, form["comment"])
            flash(_("Saved: the grade of %(name)s.", name=enrolment.person.name), "success")
            return redirect(url_for("teaching.gradebook", course_id=course.id), 303)
    posts = db().scalars(
        select(ScorePost)
        .where(ScorePost.line_item_id == item.id, ScorePost.person_id == person_id)
        .order_by(ScorePost.id.desc())
    )
    page = render_template(
        "lms/cell.html",
        course=course,
        item=item,
        learner=enrolment.person,
        grade=grade,
        form=form,
        posts=list(posts),
        teaching=True,
        tab="grades",
    )
    return page, 422 if form["error"] else 200


def _grade_by_hand(item: LineItem, person: Person, grade: Grade | None, score: float | None, comment: str) -> None:
    """Write what a teacher typed. A score typed here stands against the tool's; an empty one lets go of it."""
    grade = grade or Grade(line_item=item, person=person, attempts=0, score=None, overridden=False)
    if score != grade.score:
        grade.overridden = score is not None
    grade.score = score
    grade.comments = [comment] if comment else []
    grade.updated_at = lms().now()
    db().add(grade)
    db().commit()
