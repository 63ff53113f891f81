"""Who is in a course, as the LMS lists it. The worker asks the LMS; nothing here does."""

from __future__ import annotations

from dataclasses import dataclass

from ltitools.lti.claims import Role
from ltitools.plugin.launch import Person
from ltitools.services import rosters
from ltitools.services.rosters import Enrolled, RosterState, ask, state


@dataclass(frozen=True)
class Member:
    """Somebody in a course. `status` is active, inactive or deleted. `listed` says that the LMS's latest list had
    them; people who came in by a launch only, such as administrators, are not listed.
    """

    person: Person
    roles: frozenset[Role]
    status: str
    listed: bool


def members(tenant_id: int, course_id: int) -> list[Member]:
    """Everybody who is or was in the course, by name."""
    return [_member(one) for one in rosters.members(tenant_id, course_id)]


def member(tenant_id: int, course_id: int, person_id: int) -> Member | None:
    """One person in the course; None where they never were."""
    found = rosters.member(tenant_id, course_id, person_id)
    return _member(found) if found else None


def _member(one: Enrolled) -> Member:
    person = Person(one.person.id, one.person.name, one.person.email, one.person.is_test)
    return Member(person, one.roles, one.status, one.listed)


__all__ = ["Member", "RosterState", "ask", "member", "members", "state"]
