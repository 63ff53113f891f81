"""Launches recorded from a real Moodle, and launches in the shape that Canvas's source gives them, are accepted."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from certification.helpers import INSTITUTION, MEMBERSHIP, assert_refused, launch_row
from ltitools.db import session
from ltitools.i18n import match_locale
from ltitools.lti import claims as names
from ltitools.models import Course, Launch, Link, Person
from ltitools.testing import PUBLIC_URL, Visit, error_code

if TYPE_CHECKING:
    from certification.helpers import Lti

RECORDED = Path(__file__).parents[1] / "fixtures" / "moodle"
LAUNCHES = sorted(RECORDED.glob("launch-*.json"))
LOGINS = sorted(RECORDED.glob("login-initiation-*.json"))
assert LAUNCHES, "without the recordings nothing would be tested"
assert LOGINS
PERSON_ROLE = "http://purl.imsglobal.org/vocab/lis/v2/system/person"


def _recorded(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def _adapted(lti: Lti, claims: dict[str, Any], request: dict[str, str]) -> dict[str, Any]:
    """`claims` as this test's platform would send them now, in answer to `request`; all else as recorded."""
    now = int(time.time())
    query = urlsplit(claims[names.TARGET_LINK_URI]).query
    return {
        **claims,
        "iss": lti.platform.issuer,
        "aud": lti.platform.client_id,
        "iat": now,
        "exp": now + claims["exp"] - claims["iat"],
        "nonce": request["nonce"],
        names.DEPLOYMENT_ID: lti.platform.deployment_id,
        names.TARGET_LINK_URI: lti.platform.target + (f"?{query}" if query else ""),
    }


@pytest.mark.parametrize("file", LAUNCHES, ids=lambda file: file.stem)
def test_a_launch_recorded_from_moodle_is_accepted(lti: Lti, file: Path) -> None:
    lti.platform = lti.another_platform(client_id="moodle", family="moodle")
    claims = _recorded(file)["id_token_claims"]
    request = lti.authentication_request()
    token = lti.platform.sign(_adapted(lti, claims, request))
    visit = Visit.of(lti.client, lti.platform.post(lti.client, id_token=token, state=request["state"]))

    row = launch_row(lti.app, visit)
    assert row.message_type == claims[names.MESSAGE_TYPE]
    assert row.locale == match_locale(claims[names.PRESENTATION]["locale"])
    teaches = any(role.endswith("membership#Instructor") for role in claims[names.ROLES])
    assert row.roles == (["instructor"] if teaches else ["learner"])
    with lti.app.app_context():
        person = session.scalars(select(Person).where(Person.id == row.person_id)).one()
        course = session.scalars(select(Course)).one()
        links = session.scalars(select(Link)).all()
    assert (person.sub, person.name, person.email) == (claims["sub"], claims.get("name", ""), claims.get("email", ""))
    assert (course.context_id, course.title) == (claims[names.CONTEXT]["id"], claims[names.CONTEXT]["title"])
    if names.RESOURCE_LINK in claims:
        assert links[0].resource_link_id == claims[names.RESOURCE_LINK]["id"]
        assert links[0].line_item_url == claims[names.AGS].get("lineitem")
    else:
        assert links == []


@pytest.mark.parametrize("file", LOGINS, ids=lambda file: file.stem)
def test_a_login_recorded_from_moodle_is_answered_with_its_hints(lti: Lti, file: Path) -> None:
    fields = _recorded(file)["fields"]
    own = {"iss": lti.platform.issuer, "client_id": "client-1", "target_link_uri": lti.platform.target}
    request = lti.authentication_request(**{**fields, **own})
    assert request["login_hint"] == fields["login_hint"]
    assert request["lti_message_hint"] == fields["lti_message_hint"]


@pytest.fixture
def canvas(lti: Lti) -> Lti:
    """The tool with hosted Canvas as its platform."""
    lti.platform = lti.another_platform(
        issuer="https://canvas.instructure.com",
        client_id="10000000000001",
        deployment_id="106:8865aa05b4b79b64a91a86042e43af5ea8ae79eb",
        family="canvas",
        auth_url="https://sso.canvaslms.com/api/lti/authorize_redirect",
    )
    return lti


def _canvas_claims(lti: Lti, **changes: Any) -> dict[str, Any]:
    """A student's launch of an assignment, with all that Canvas adds; `changes` are claims of LTI by short name."""
    now, school = int(time.time()), "https://school.instructure.com"
    claims = {
        "iss": "https://canvas.instructure.com",
        "aud": "10000000000001",
        "azp": "10000000000001",
        "iat": now,
        "exp": now + 3600,
        "sub": "535fa085-f22b-4655-f48c-36ed0b8b1e2c",
        "locale": "en",
        "name": "Ada Lovelace",
        "given_name": "Ada",
        "family_name": "Lovelace",
        "email": "ada@example.test",
        "picture": f"{school}/images/1",
        "errors": {"errors": {}},
        names.MESSAGE_TYPE: "LtiResourceLinkRequest",
        names.VERSION: "1.3.0",
        names.DEPLOYMENT_ID: lti.platform.deployment_id,
        names.TARGET_LINK_URI: lti.platform.target,
        names.RESOURCE_LINK: {
            "id": "a8d3b0a1-3ed2-4bd6-9b6b-5c1a8f0f7d6a",
            "title": "Quiz",
            "description": None,
            "validation_context": None,
            "errors": {"errors": {}},
        },
        names.CONTEXT: {
            "id": "4dde05e8ca1973bcca9bffc13e1548820eee93a3",
            "label": "BIO1",
            "title": "Biology",
            "type": ["http://purl.imsglobal.org/vocab/lis/v2/course#CourseOffering"],
            "validation_context": None,
            "errors": {"errors": {}},
        },
        names.ROLES: [f"{INSTITUTION}#Student", f"{MEMBERSHIP}#Learner", f"{PERSON_ROLE}#User"],
        names.PLATFORM: {
            "guid": "7db438071375c02373713c12c73869ff2f470b68.school",
            "name": "Test University",
            "version": "cloud",
            "product_family_code": "canvas",
            "validation_context": None,
            "errors": {"errors": {}},
        },
        names.PRESENTATION: {
            "document_target": "iframe",
            "return_url": f"{school}/courses/5/external_content/success/external_tool_redirect",
            "locale": "fr-CA",
            "height": None,
            "width": 800,
        },
        names.CUSTOM: {"activity": "probe:quiz", "unresolved": "$Canvas.course.sisSourceId", "number": None},
        names.LTI + "lis": {"person_sourcedid": None, "course_offering_sourcedid": "$CourseSection.sourcedId"},
        names.LTI + "lti11_legacy_user_id": "8bf7f9a3bb0e4c1ea6ab0b0d2fda2b9d4d9a0d5b",
        names.LTI + "lti1p1": {"user_id": "8bf7f9a3", "validation_context": None, "errors": {"errors": {}}},
        names.LTI + "role_scope_mentor": [],
        names.AGS: {
            "scope": ["https://purl.imsglobal.org/spec/lti-ags/scope/score"],
            "lineitems": f"{school}/api/lti/courses/5/line_items",
            "lineitem": f"{school}/api/lti/courses/5/line_items/2",
            "validation_context": None,
            "errors": {"errors": {}},
        },
        names.NRPS: {
            "context_memberships_url": f"{school}/api/lti/courses/5/names_and_roles",
            "service_versions": ["2.0"],
            "errors": {"errors": {}},
        },
        names.LTI + "platformnotificationservice": {"service_versions": ["1.0"]},
        names.CANVAS_PLACEMENT: "assignment_selection",
        "https://www.instructure.com/lti_student_id": "123",
    }
    claims |= {names.LTI + name: value for name, value in changes.items()}
    return claims


def _stored(lti: Lti) -> Launch:
    with lti.app.app_context():
        return session.scalars(select(Launch)).one()


def test_a_launch_as_canvas_sends_it_is_accepted(canvas: Lti) -> None:
    told = canvas.arrive(_canvas_claims(canvas))
    assert (told["roles"], told["can_grade"]) == (["learner"], True)
    assert (_stored(canvas).placement, _stored(canvas).locale) == ("assignment_selection", "fr")


def test_canvas_student_view_is_a_test_person(canvas: Lti) -> None:
    roles = [f"{MEMBERSHIP}#Learner", "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"]
    assert canvas.arrive(_canvas_claims(canvas, roles=roles))["is_test"] is True


def test_a_launch_from_canvas_course_navigation_is_bound_to_no_activity(canvas: Lti) -> None:
    """Its resource link has the course's own identifier."""
    course = "4dde05e8ca1973bcca9bffc13e1548820eee93a3"
    claims = _canvas_claims(canvas, resource_link={"id": course, "title": "Biology"}, custom={})
    assert canvas.platform.launch(canvas.client, claims).status_code == 303
    with canvas.app.app_context():
        assert session.scalars(select(Link)).one().activity_id is None


def test_a_launch_from_a_canvas_account_is_accepted_without_services(canvas: Lti) -> None:
    account = {"id": "a" * 40, "label": "Test University", "title": "Test University", "type": ["Account"]}
    roles = [f"{INSTITUTION}#Administrator", f"{PERSON_ROLE}#User"]
    claims = _canvas_claims(canvas, context=account, resource_link={"id": account["id"], "title": None}, roles=roles)
    del claims[names.AGS], claims[names.NRPS]
    assert canvas.platform.launch(canvas.client, claims).status_code == 303
    row = _stored(canvas)
    assert (row.roles, row.services) == ([], {"scopes": [], "memberships_url": ""})


def test_a_visitor_of_a_public_canvas_course_who_is_not_signed_in_is_asked_to_sign_in(canvas: Lti) -> None:
    claims = _canvas_claims(canvas, roles=[f"{PERSON_ROLE}#None"])
    del claims["sub"]
    with canvas.nothing_stored():
        answer = canvas.platform.launch(canvas.client, claims)
        assert_refused(answer, "message-user")
    assert "Sign in" in answer.get_data(as_text=True)


def test_a_selection_in_canvas_takes_one_item_without_a_line_item_flag(canvas: Lti) -> None:
    return_url = "https://school.instructure.com/courses/5/deep_linking_response?data=eyJ.e30.x"
    settings = {
        "deep_link_return_url": return_url,
        "accept_types": ["ltiResourceLink"],
        "accept_presentation_document_targets": ["iframe", "window"],
        "accept_media_types": "application/vnd.ims.lti.v1.ltilink",
        "accept_multiple": False,
        "auto_create": False,
        "validation_context": None,
        "errors": {"errors": {}},
    }
    claims = _canvas_claims(canvas, message_type="LtiDeepLinkingRequest", roles=[f"{MEMBERSHIP}#Instructor"], custom={})
    del claims[names.RESOURCE_LINK]
    visit = canvas.platform.visit(canvas.client, {**claims, names.DEEP_LINKING_SETTINGS: settings})
    page = visit.post(f"/tools/probe/{visit.launch_id}/place", {"slug": "quiz"})
    assert page.status_code == 200, error_code(page)
    assert f'action="{return_url}"' in page.get_data(as_text=True)
    assert "https://school.instructure.com" in page.headers["Content-Security-Policy"]


def test_every_page_of_a_canvas_launch_may_be_framed_by_the_school_and_the_sign_on_host(canvas: Lti) -> None:
    visit = canvas.platform.visit(canvas.client, _canvas_claims(canvas))
    policy = canvas.client.get(visit.path, base_url=PUBLIC_URL).headers["Content-Security-Policy"]
    framed_by = next(part for part in policy.split("; ") if part.startswith("frame-ancestors")).split()[1:]
    school, sign_on = "https://school.instructure.com", "https://sso.canvaslms.com"
    assert set(framed_by) == {"'self'", "https://canvas.instructure.com", school, sign_on}
