"""Names and Role Provisioning Services 2.0: who is in a course.

https://www.imsglobal.org/spec/lti-nrps/v2p0/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ltitools.http import HttpClient, Response
from ltitools.lti import claims as names
from ltitools.lti.claims import Role
from ltitools.lti.paging import read_pages
from ltitools.lti.services import call_json, with_query

MEMBERSHIP_READ = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
MEMBERS_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
VOCABULARY = "http://purl.imsglobal.org/vocab/lis/v2/membership"
ROLE_URIS: Mapping[Role, str] = {
    Role.INSTRUCTOR: f"{VOCABULARY}#Instructor",
    Role.ASSISTANT: f"{VOCABULARY}/Instructor#TeachingAssistant",
    Role.DESIGNER: f"{VOCABULARY}#ContentDeveloper",
    Role.LEARNER: f"{VOCABULARY}#Learner",
    Role.MENTOR: f"{VOCABULARY}#Mentor",
    Role.ADMINISTRATOR: f"{VOCABULARY}#Administrator",
}
STATUSES = {"active": "active", "inactive": "inactive", "deleted": "deleted"}


@dataclass(frozen=True)
class Member:
    """A member of a course. `status` is active, inactive or deleted; texts that the platform keeps back are empty."""

    user_id: str
    name: str
    email: str
    roles: frozenset[Role]
    is_test: bool
    status: str


@dataclass(frozen=True)
class Membership:
    """The members of a course by user id. Where the list is not `complete`, absence says nothing."""

    members: tuple[Member, ...]
    complete: bool


def memberships(
    http: HttpClient, token: str, url: str, *, role: Role | None = None, resource_link_id: str = ""
) -> Membership:
    """Ask for the members at the address of the launch's claim, all or those of a role or with access to a link.

    Every page is read. Raises HttpError without an answer, ServiceRefused on a refusal, ForeignPage where the next
    page would be at another origin.
    """

    def page(address: str) -> tuple[Response, Any]:
        return call_json(http, token, address, MEMBERS_TYPE, dict)

    filters = {"role": ROLE_URIS[role] if role else "", "rlid": resource_link_id}
    first = with_query(url, **{name: value for name, value in filters.items() if value})
    pages = read_pages(first, page)
    found: dict[str, Member] = {}
    for document in pages.documents:
        listed = document.get("members")
        for entry in listed if isinstance(listed, list) else ():
            member = _member(entry) if isinstance(entry, Mapping) else None
            # Platforms pass over roles that they do not know, so the filter is applied once more.
            if member is not None and (role is None or role in member.roles):
                found[member.user_id] = member
    return Membership(tuple(found.values()), pages.complete)


def _member(entry: Mapping[str, Any]) -> Member | None:
    """The member of one entry; None where it names nobody. A missing status means active (section 2.2)."""
    user_id = names.text_of(entry.get("user_id"))
    if not user_id or len(user_id) > 255:
        return None
    given = entry.get("roles")
    roles = [role for role in given if isinstance(role, str)] if isinstance(given, list) else []
    return Member(
        user_id=user_id,
        name=names.name_of(entry),
        email=names.text_of(entry.get("email"))[:255],
        roles=names.roles_of({names.ROLES: roles}),
        is_test=names.TEST_USER_ROLE in roles,
        status=STATUSES.get(names.text_of(entry.get("status")).lower(), "active"),
    )
