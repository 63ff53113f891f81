"""Names and Role Provisioning Services 2.0: the members of a course. https://www.imsglobal.org/spec/lti-nrps/v2p0"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue

from ltitools.demo_lms.claims import context_id, subject, told_of
from ltitools.demo_lms.lms import NRPS_SCOPE, lms
from ltitools.demo_lms.models import Enrolment, Tool
from ltitools.demo_lms.services import check_accept, course_or_refused, install, needs_scope, page_of, typed

CANVAS_PAGE = 50
MEMBERS_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"

nrps = Blueprint("nrps", __name__)
install(nrps)


@nrps.get("/lti/services/<int:course_id>/memberships")
@needs_scope(NRPS_SCOPE)
def members(course_id: int) -> ResponseReturnValue:
    """Who is in the course, one role's people if asked, in pages if asked.

    Moodle and Canvas list nobody who is suspended or gone; the specification has a status for them.
    """
    check_accept(MEMBERS_TYPE)
    course = course_or_refused(course_id)
    habits = lms().personality
    found = [described_member(enrolment, g.tool) for enrolment in course.enrolments]
    if habits.name != "generic":
        found = [member for member in found if member["status"] == "Active"]
    wanted = request.args.get("role")
    if wanted:
        found = [
            member
            for member in found
            if any(wanted in (role, role.rpartition("#")[2]) for role in member["roles"])
            or wanted.rpartition("#")[2] in member["roles"]
        ]
    page, following = page_of(found, largest=CANVAS_PAGE if habits.name == "canvas" else 0)
    response = typed(
        {
            "id": lms().url("nrps.members", course_id=course.id),
            "context": {"id": context_id(course), "label": course.label, "title": course.title},
            "members": page,
        },
        MEMBERS_TYPE,
    )
    if following:
        response.headers["Link"] = f'<{following}>; rel="next"'
    return response


def described_member(enrolment: Enrolment, tool: Tool) -> dict[str, Any]:
    """A member as the service describes them to `tool`; Moodle shortens the roles."""
    person, habits = enrolment.person, lms().personality
    roles = habits.roles["test" if person.kind == "test" else enrolment.role]
    if habits.short_roles:
        roles = tuple(role.rpartition("#")[2] for role in roles)
    return {
        "status": lms().levers.statuses.get(person.key, "Active"),
        "user_id": subject(person),
        "roles": list(roles),
        **told_of(person, tool),
        "lis_person_sourcedid": f"campus-{person.key}",
    }
