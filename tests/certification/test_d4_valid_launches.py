"""D4: launches that must be accepted (Certification Guide 1.3 sections 6.1.2 and 6.1.3), and what they may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from certification.helpers import INSTITUTION, MEMBERSHIP, QUIZ
from ltitools.db import session
from ltitools.lti import claims as names
from ltitools.models import Launch, Person
from ltitools.testing import INSTRUCTOR, LEARNER, ags_claim

if TYPE_CHECKING:
    from certification.helpers import Lti

SYSTEM_USER = "http://purl.imsglobal.org/vocab/lis/v2/system/person#User"
TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"
UNKNOWN_ROLE = "http://purl.imsglobal.org/vocab/lis/v2/unknown/unknown#Helper"
NO_NAMES: dict[str, Any] = {"name": None, "given_name": None, "family_name": None}


def _instructor(lti: Lti, **changes: Any) -> dict[str, Any]:
    told = lti.arrive(**{"roles": [INSTRUCTOR], **changes})
    assert (told["is_instructor"], told["is_learner"]) == (True, False)
    return told


def _learner(lti: Lti, **changes: Any) -> dict[str, Any]:
    told = lti.arrive(**{"roles": [LEARNER], **changes})
    assert (told["is_instructor"], told["is_learner"]) == (False, True)
    return told


def _nobody_special(lti: Lti, **changes: Any) -> dict[str, Any]:
    """Accepted with the least rights: neither what an instructor nor what a learner may do."""
    told = lti.arrive(**changes)
    assert (told["roles"], told["is_instructor"], told["is_learner"]) == ([], False, False)
    return told


def _person(lti: Lti) -> Person:
    with lti.app.app_context():
        return session.scalars(select(Person)).one()


def test_d4_64_an_instructors_launch_is_accepted(lti: Lti) -> None:
    told = _instructor(lti)
    assert told["roles"] == ["instructor"]
    assert told["course"] is not None
    assert _person(lti).name == "Ada Lovelace"


def test_d4_65_a_students_launch_is_accepted(lti: Lti) -> None:
    told = _learner(lti)
    assert told["roles"] == ["learner"]
    assert told["link"] is not None
    assert _person(lti).email == "ada@example.test"


def test_d4_66_an_instructor_with_several_roles_is_accepted(lti: Lti) -> None:
    roles = [f"{INSTITUTION}#Instructor", f"{MEMBERSHIP}#ContentDeveloper", INSTRUCTOR, SYSTEM_USER]
    assert _instructor(lti, roles=roles)["roles"] == ["designer", "instructor"]


def test_d4_67_a_student_with_several_roles_is_accepted(lti: Lti) -> None:
    roles = [f"{INSTITUTION}#Student", f"{MEMBERSHIP}#Mentor", LEARNER, SYSTEM_USER]
    assert _learner(lti, roles=roles)["roles"] == ["learner", "mentor"]


def test_d4_68_an_instructor_by_the_short_name_is_one(lti: Lti) -> None:
    assert _instructor(lti, roles=["Instructor"])["roles"] == ["instructor"]


def test_d4_69_a_student_by_the_short_name_is_one(lti: Lti) -> None:
    assert _learner(lti, roles=["Learner"])["roles"] == ["learner"]


def test_d4_70_an_instructor_with_an_unknown_role_is_accepted(lti: Lti) -> None:
    _nobody_special(lti, roles=[UNKNOWN_ROLE])
    _instructor(lti, roles=[UNKNOWN_ROLE, INSTRUCTOR])


def test_d4_71_a_student_with_an_unknown_role_is_accepted(lti: Lti) -> None:
    _nobody_special(lti, roles=[UNKNOWN_ROLE, "Helper", f"{MEMBERSHIP}#Helper", "", 7, None])
    _learner(lti, roles=[UNKNOWN_ROLE, LEARNER])


def test_d4_72_an_instructor_without_any_role_is_accepted_with_the_least_rights(lti: Lti) -> None:
    _nobody_special(lti, roles=[])


def test_d4_73_a_student_without_any_role_is_accepted_with_the_least_rights(lti: Lti) -> None:
    _learner(lti)
    _nobody_special(lti, roles=[])


def test_d4_74_an_instructor_of_whom_only_the_email_is_told_is_accepted(lti: Lti) -> None:
    _instructor(lti, **NO_NAMES)
    assert (_person(lti).name, _person(lti).email) == ("", "ada@example.test")


def test_d4_75_a_student_of_whom_only_the_email_is_told_is_accepted(lti: Lti) -> None:
    _learner(lti, **NO_NAMES)
    assert (_person(lti).name, _person(lti).email) == ("", "ada@example.test")


def test_d4_76_an_instructor_of_whom_only_names_are_told_is_accepted(lti: Lti) -> None:
    _instructor(lti, email=None, name=None)
    assert (_person(lti).name, _person(lti).email) == ("Ada Lovelace", "")


def test_d4_77_a_student_of_whom_only_names_are_told_is_accepted(lti: Lti) -> None:
    _learner(lti, email=None, family_name=None, name=None)
    assert (_person(lti).name, _person(lti).email) == ("Ada", "")


def test_d4_78_an_instructor_of_whom_nothing_is_told_is_accepted(lti: Lti) -> None:
    _instructor(lti, email=None, **NO_NAMES)
    assert (_person(lti).name, _person(lti).email) == ("", "")


def test_d4_79_a_student_of_whom_nothing_is_told_is_accepted(lti: Lti) -> None:
    _learner(lti, email=None, **NO_NAMES)
    assert (_person(lti).name, _person(lti).email) == ("", "")


def test_d4_80_an_instructor_outside_any_course_is_accepted(lti: Lti) -> None:
    assert _instructor(lti, context=None, **NO_NAMES)["course"] is None


def test_d4_81_a_student_outside_any_course_is_accepted(lti: Lti) -> None:
    assert _learner(lti, context=None, **NO_NAMES)["course"] is None


def test_d4_82_a_student_with_nothing_but_a_resource_link_is_accepted(lti: Lti) -> None:
    """The bare minimum of LTI 1.3 core section 5.3; the custom parameter is what makes it arrive."""
    told = _learner(lti, email=None, context=None, resource_link={"id": "link-1"}, **NO_NAMES)
    assert (told["course"], told["can_grade"]) == (None, False)


def test_d4_83_a_teaching_assistant_as_canvas_names_one_is_an_assistant_and_an_instructor(lti: Lti) -> None:
    told = _instructor(lti, roles=[f"{MEMBERSHIP}/Instructor#TeachingAssistant", INSTRUCTOR])
    assert told["roles"] == ["assistant", "instructor"]
    assert _instructor(lti, roles=[f"{MEMBERSHIP}/Instructor#TeachingAssistant"])["roles"] == ["assistant"]


def test_d4_84_the_test_student_is_marked_as_one(lti: Lti) -> None:
    """By that mark tools leave them out of statistics and badges; somebody who is real again loses it."""
    assert _learner(lti, roles=[LEARNER, TEST_USER])["is_test"] is True
    assert _person(lti).is_test
    assert _learner(lti)["is_test"] is False


def test_d4_85_a_teacher_of_the_institution_is_no_instructor_of_the_course(lti: Lti) -> None:
    """Nor is anybody else whose role merely ends in that word: ``Learner#Instructor`` is a sub-role of Learner."""
    for role in (
        f"{INSTITUTION}#Instructor",
        f"{INSTITUTION}#Administrator",
        "http://purl.imsglobal.org/vocab/lis/v2/system/person#Administrator",
        "http://purl.imsglobal.org/vocab/lis/v2/person#Instructor",
        f"{MEMBERSHIP}/Learner#Instructor",
        f"{MEMBERSHIP}/Mentor#Instructor",
        "https://evil.example/membership#Instructor",
        "x#Instructor",
    ):
        _nobody_special(lti, roles=[role])
        _learner(lti, roles=[role, LEARNER])


def test_d4_86_a_mentor_is_accepted_and_is_neither_learner_nor_instructor(lti: Lti) -> None:
    for role in (f"{MEMBERSHIP}#Mentor", "Mentor"):
        told = lti.arrive(roles=[role], **{names.LTI + "role_scope_mentor": ["person-2"]})
        assert (told["roles"], told["is_instructor"], told["is_learner"]) == (["mentor"], False, False)


def test_d4_87_a_launch_from_an_account_without_services_is_accepted(lti: Lti) -> None:
    """As Canvas sends one: the context is the account, and the link has the account's own identifier."""
    account = {"id": "account-1", "title": "Test University", "type": ["Account"]}
    roles = [f"{INSTITUTION}#Administrator", SYSTEM_USER]
    told = _nobody_special(lti, roles=roles, context=account)
    assert told["can_grade"] is False
    answer = lti.send(lti.authentication_request(), roles=roles, context=account, resource_link={"id": "account-1"})
    assert answer.status_code == 303
    with lti.app.app_context():
        assert all(launch.services["scopes"] == [] for launch in session.scalars(select(Launch)))


def test_d4_88_a_launch_from_a_group_is_accepted(lti: Lti) -> None:
    """Canvas's members of a group have a role of their own; a group has the services of a course."""
    group = {"id": "group-1", "title": "Team A", "type": ["http://purl.imsglobal.org/vocab/lis/v2/course#Group"]}
    endpoint = ags_claim("https://lms.example.test/items/1", "https://lms.example.test/items")
    told = _learner(lti, roles=[f"{MEMBERSHIP}#Member"], context=group, endpoint=endpoint, custom=QUIZ)
    assert told["can_grade"] is True
    assert told["course"] is not None
