"""Assignment and Grade Services 2.0: columns, scores, results. https://www.imsglobal.org/spec/lti-ags/v2p0"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, current_app, g, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from ltitools.demo_lms.access import role_in
from ltitools.demo_lms.claims import line_item_url, person_of, resource_link_id, subject, tool_of_item
from ltitools.demo_lms.lms import AGS_SCOPES, db, lms
from ltitools.demo_lms.models import Activity, Course, Grade, LineItem, Person, ScorePost
from ltitools.demo_lms.scoring import Cell, Context, ScoreRefused
from ltitools.demo_lms.services import (
    ServiceRefused,
    check_accept,
    course_or_refused,
    install,
    json_body,
    needs_scope,
    page_of,
    typed,
)

LINE_ITEM, LINE_ITEM_READ, RESULT_READ, SCORE = AGS_SCOPES
LINE_ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
LINE_ITEMS_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"
SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
RESULTS_TYPE = "application/vnd.ims.lis.v2.resultcontainer+json"
LONGEST_LABEL = 255
COURSE = "/lti/services/<int:course_id>/lineitems"
ITEM = f"{COURSE}/<int:item_id>/lineitem"

ags = Blueprint("ags", __name__)
install(ags)


# Columns ----------------------------------------------------------------------------------------------------


@ags.get(COURSE)
@needs_scope(LINE_ITEM, LINE_ITEM_READ)
def line_items(course_id: int) -> ResponseReturnValue:
    """The columns that the tool has in a course, filtered and paged."""
    check_accept(LINE_ITEMS_TYPE, any_will_do=False)
    course = course_or_refused(course_id)
    found = [
        described
        for described in map(described_item, filter(_of_this_tool, course.line_items))
        if all(
            described.get(name, "") == request.args[asked]
            for asked, name in (
                ("tag", "tag"),
                ("resource_id", "resourceId"),
                ("resource_link_id", "resourceLinkId"),
            )
            if asked in request.args
        )
    ]
    page, following = page_of(found)
    response = typed(page, LINE_ITEMS_TYPE)
    if following:
        response.headers["Link"] = _link_header(following)
    return response


def _link_header(following: str) -> str:
    """Moodle writes this header for a web page, with typographic quotes, so that few tools can read it."""
    if lms().personality.strict_media_types:
        return f"<{following.replace('&', '&amp;')}>; rel=“next”".encode().decode("latin-1")
    return f'<{following}>; rel="next"'


@ags.post(COURSE)
@needs_scope(LINE_ITEM)
def create_line_item(course_id: int) -> ResponseReturnValue:
    """A new column, with or without an activity."""
    body = json_body(LINE_ITEM_TYPE)
    course = course_or_refused(course_id)
    label, maximum = _checked_label_and_maximum(body)
    item = LineItem(
        course=course,
        activity=_linked_activity(course, body.get("resourceLinkId")),
        label=label,
        score_maximum=maximum,
        tag=str(body.get("tag") or ""),
        resource_id=str(body.get("resourceId") or ""),
        tool=g.tool,
    )
    db().add(item)
    db().commit()
    return typed(described_item(item), LINE_ITEM_TYPE, 201)


@ags.get(ITEM)
@needs_scope(LINE_ITEM, LINE_ITEM_READ)
def line_item(course_id: int, item_id: int) -> ResponseReturnValue:
    """One column."""
    check_accept(LINE_ITEM_TYPE)
    return typed(described_item(_item(course_id, item_id)), LINE_ITEM_TYPE)


@ags.put(ITEM)
@needs_scope(LINE_ITEM)
def change_line_item(course_id: int, item_id: int) -> ResponseReturnValue:
    """Rename or rescale a column. Moodle forgets what is left out, rescales the grades and touches their time."""
    body = json_body(LINE_ITEM_TYPE)
    item = _item(course_id, item_id)
    habits = lms().personality
    if habits.name == "canvas":
        body = {"label": item.label, "scoreMaximum": item.score_maximum, **body}
    label, maximum = _checked_label_and_maximum(body)
    if habits.name == "moodle" and maximum != item.score_maximum:
        for grade in item.grades:
            grade.updated_at = lms().now()
            if grade.score is not None and item.score_maximum:
                grade.score = grade.score * maximum / item.score_maximum
    forget = habits.name == "moodle"
    item.label, item.score_maximum = label, maximum
    item.tag = str(body.get("tag", "" if forget else item.tag) or "")
    item.resource_id = str(body.get("resourceId", "" if forget else item.resource_id) or "")
    db().commit()
    return typed(described_item(item), LINE_ITEM_TYPE)


@ags.delete(ITEM)
@needs_scope(LINE_ITEM)
def delete_line_item(course_id: int, item_id: int) -> ResponseReturnValue:
    """Remove a column with its grades. Canvas keeps the one that belongs to an activity."""
    item = _item(course_id, item_id)
    if item.activity and lms().personality.coupled_items_stay:
        raise ServiceRefused(401, "The line item is coupled to a resource link")
    db().delete(item)
    db().commit()
    return current_app.response_class(status=204)


def described_item(item: LineItem) -> dict[str, Any]:
    """A column as the services describe it."""
    described: dict[str, Any] = {
        "id": line_item_url(item),
        "label": item.label,
        "scoreMaximum": _plain(item.score_maximum),
        "tag": item.tag,
        "resourceId": item.resource_id,
    }
    if item.activity:
        described["resourceLinkId"] = resource_link_id(item.activity)
    return described


def _plain(value: float) -> float | int:
    return int(value) if value == int(value) else value


def _item(course_id: int, item_id: int) -> LineItem:
    course_or_refused(course_id)
    item = db().get(LineItem, item_id)
    if item is None or item.course_id != course_id:
        raise ServiceRefused(404, f"Not Found: Grade item {item_id} doesn't exist")
    if not _of_this_tool(item):
        refusals = {"canvas": (412, "Tool does not have permission to view line_item")}
        raise ServiceRefused(*refusals.get(lms().personality.name, (403, "Forbidden")))
    return item


def _of_this_tool(item: LineItem) -> bool:
    """Whether the tool that asks may know of the column: no tool sees another's."""
    return tool_of_item(item) is g.tool


def _checked_label_and_maximum(body: Mapping[str, Any]) -> tuple[str, float]:
    status = 422 if lms().personality.name == "canvas" else 400
    label, maximum = body.get("label"), body.get("scoreMaximum")
    if not label or maximum is None:
        raise ServiceRefused(status, "No label or Score Maximum")
    lowest_is_fine = lms().personality.name == "moodle"
    if isinstance(maximum, bool) or not isinstance(maximum, int | float):
        raise ServiceRefused(status, "Bad Request")
    if maximum < 0 or (maximum == 0 and not lowest_is_fine):
        raise ServiceRefused(status, "Bad Request")
    if len(str(label)) > LONGEST_LABEL:
        raise ServiceRefused(502 if lms().personality.name == "moodle" else status, "The label is too long")
    return str(label), float(maximum)


def _linked_activity(course: Course, link_id: object) -> Activity | None:
    if link_id is None:
        return None
    for activity in course.activities:
        if activity.tool is g.tool and resource_link_id(activity) == str(link_id):
            return activity
    refusals = {"moodle": (403, "Forbidden"), "canvas": (404, "The specified resource does not exist.")}
    raise ServiceRefused(*refusals.get(lms().personality.name, (404, "resourceLinkId is not known")))


# Scores and results -----------------------------------------------------------------------------------------


@ags.post(f"{ITEM}/scores")
@needs_scope(SCORE)
def scores(course_id: int, item_id: int) -> ResponseReturnValue:
    """A score for one person. Taken or refused, it is noted with the tool's own words."""
    body = json_body(SCORE_TYPE)
    item = _item(course_id, item_id)
    person = person_of(body.get("userId"))
    grade = (person and db().get(Grade, (item.id, person.id))) or Grade(score=None, comments=[], attempts=0)
    try:
        cell, outcome = lms().personality.rules(_cell(grade), body, _context(item, person))
    except ScoreRefused as refusal:
        _note(item, person, body, refusal.status, refusal.reason)
        db().commit()
        return _score_refused(refusal)
    assert person is not None
    _store(grade, item, person, cell)
    _note(item, person, body, 200, outcome)
    db().commit()
    return _score_taken(item, person)


def _score_taken(item: LineItem, person: Person) -> ResponseReturnValue:
    if lms().personality.name == "moodle":
        return typed(None, SCORE_TYPE)
    return typed({"resultUrl": _result_url(item, person)}, SCORE_TYPE)


def _score_refused(refusal: ScoreRefused) -> ResponseReturnValue:
    if lms().personality.name != "moodle" or refusal.status == 502:
        raise ServiceRefused(refusal.status, refusal.reason) from refusal
    response = typed([], SCORE_TYPE)
    response.status = f"{refusal.status} {refusal.reason}"
    return response


def _cell(grade: Grade) -> Cell:
    return Cell(
        score=grade.score,
        comments=tuple(grade.comments),
        updated_at=grade.updated_at,
        attempts=grade.attempts,
        overridden=bool(grade.overridden),
    )


def _context(item: LineItem, person: Person | None) -> Context:
    gradable = person is not None and role_in(item.course, person) in ("learner", "test")
    return Context(maximum=item.score_maximum, now=lms().now(), gradable=gradable)


def _store(grade: Grade, item: LineItem, person: Person, cell: Cell) -> None:
    grade.line_item, grade.person = item, person
    grade.score, grade.comments, grade.updated_at = cell.score, list(cell.comments), cell.updated_at
    grade.attempts, grade.overridden = cell.attempts, cell.overridden
    db().add(grade)


def _note(item: LineItem, person: Person | None, body: dict[str, Any], status: int, outcome: str) -> None:
    db().add(
        ScorePost(
            line_item_id=item.id,
            person_id=person.id if person else None,
            received_at=lms().now(),
            body=body,
            status=status,
            outcome=outcome,
        )
    )


@ags.get(f"{ITEM}/results")
@needs_scope(RESULT_READ)
def results(course_id: int, item_id: int) -> ResponseReturnValue:
    """The grades of a column: of everybody who has one, or of one person."""
    check_accept(RESULTS_TYPE)
    item = _item(course_id, item_id)
    if lms().personality.name == "moodle" and "limit" in request.args:
        # Moodle 4.5 crashes on paged results, and answers with a page for people.
        return current_app.response_class("<html><h1>Error</h1></html>", 404, mimetype="text/html")
    graded = db().scalars(
        select(Grade).where(Grade.line_item_id == item.id, Grade.score.is_not(None)).order_by(Grade.person_id)
    )
    found = [] if lms().levers.scores_hidden else [described_result(grade) for grade in graded]
    if "user_id" in request.args:
        found = [result for result in found if result["userId"] == request.args["user_id"]]
    # Without a limit Moodle gives all of them at once.
    page, following = (found, None) if lms().personality.name == "moodle" else page_of(found)
    response = typed(page, RESULTS_TYPE)
    if following:
        response.headers["Link"] = f'<{following}>; rel="next"'
    return response


def described_result(grade: Grade) -> dict[str, Any]:
    """A grade as the services describe it."""
    assert grade.score is not None
    described: dict[str, Any] = {
        "id": _result_url(grade.line_item, grade.person),
        "userId": subject(grade.person),
        "resultScore": _plain(grade.score),
        "resultMaximum": _plain(grade.line_item.score_maximum),
        "scoreOf": line_item_url(grade.line_item),
    }
    if grade.comments:
        described["comment"] = grade.comments[-1]
    if grade.updated_at and lms().personality.name == "moodle":
        described["timestamp"] = grade.updated_at.isoformat(timespec="seconds")
    return described


def _result_url(item: LineItem, person: Person) -> str:
    path, _mark, query = line_item_url(item).partition("?")
    return f"{path}/results?{query}{'&' if query else ''}user_id={subject(person)}"
