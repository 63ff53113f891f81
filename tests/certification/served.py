"""A course of a platform whose services are watched, for the tests of D6 and D7."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select, update

from certification.helpers import QUIZ, Lti, Services
from ltitools.context import current_host
from ltitools.db import session, utcnow
from ltitools.http import HttpClient
from ltitools.lti import claims as names
from ltitools.models import Course, Grade, Job, Link, Registration
from ltitools.services import rosters
from ltitools.testing import INSTRUCTOR, Platform, Visit, ags_claim, deliver, error_code, writing

Answer = tuple[int, dict[str, str], bytes]


def answer(document: Any, status: int = 200, **headers: str) -> Answer:
    """An answer of the services: JSON, with the headers, whose names have _ for -."""
    given = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return status, given, json.dumps(document).encode()


def listing(*members: Mapping[str, Any], **headers: str) -> Answer:
    """A page of a list of members."""
    return answer({"id": "list-1", "context": {"id": "course-1"}, "members": list(members)}, **headers)


def member(user_id: str, **changes: Any) -> dict[str, Any]:
    """A learner in a list of members; None leaves a field out."""
    values = {"user_id": user_id, "name": user_id.title(), "roles": ["Learner"], "status": "Active", **changes}
    return {name: value for name, value in values.items() if value is not None}


@dataclass
class Served:
    """The quiz in a course of a platform whose services are watched."""

    lti: Lti
    family: str = "generic"
    client_id: str = "client-8"
    scopes: list[str] | None = None
    services: Services = field(default_factory=Services)
    line_item: str | None = "/Items/7/lineitem?type_id=1"
    line_items: str | None = "/Items?type_id=1"
    members: str = "/Courses/7/memberships?ctx=aB"

    def __post_init__(self) -> None:
        self.lti.stack.callback(self.services.close)
        self.platform: Platform = self.lti.another_platform(
            family=self.family, client_id=self.client_id, token_url=f"{self.services.url}/token"
        )

    # Visits -------------------------------------------------------------------------------------------------

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of a launch of the quiz, with those of the services."""
        endpoint = ags_claim(self.url(self.line_item), self.url(self.line_items), self.scopes)
        return self.platform.claims(
            **{"custom": QUIZ, "endpoint": endpoint, names.NRPS: self.membership_claim(), **changes}
        )

    def membership_claim(self) -> dict[str, Any]:
        """The claim of the Names and Role Provisioning Services."""
        return {"context_memberships_url": self.url(self.members), "service_versions": ["2.0"]}

    def url(self, path: str | None) -> str | None:
        """The address of a path of the services."""
        return None if path is None else f"{self.services.url}{path}"

    def learner(self, sub: str = "person-1", **changes: Any) -> Visit:
        """A learner comes in."""
        return self.platform.visit(self.browser(), self.claims(sub=sub, **changes))

    def teacher(self, **changes: Any) -> Visit:
        """Somebody who teaches comes in; the list of members is asked for then."""
        return self.platform.visit(
            self.browser(), self.claims(**{"sub": "teacher-1", "roles": [INSTRUCTOR], **changes})
        )

    def browser(self) -> FlaskClient:
        """One more browser."""
        return self.lti.app.test_client()

    # Members ------------------------------------------------------------------------------------------------

    def ask(self, *pages: Answer) -> None:
        """Have the members listed, now."""
        self.services.answers["/memberships"] = list(pages)
        with writing(self.lti.app):
            course = self._course()
            rosters.ask(course.tenant_id, course.id)
        with writing(self.lti.app):
            session.execute(update(Job).values(due_at=utcnow()))
        deliver(self.lti.app)

    def roster(self) -> dict[str, tuple[str, list[str]]]:
        """Everybody's status and roles, by user id."""
        with self.lti.app.app_context():
            course = self._course()
            found = rosters.members(course.tenant_id, course.id)
            return {one.person.sub: (one.status, sorted(one.roles)) for one in found}

    def roster_state(self) -> rosters.RosterState:
        """How current that is."""
        with self.lti.app.app_context():
            course = self._course()
            return rosters.state(course.tenant_id, course.id)

    @staticmethod
    def _course() -> Course:
        return session.scalars(select(Course).where(Course.memberships_url.is_not(None))).one()

    # Scores -------------------------------------------------------------------------------------------------

    def score(self, visit: Visit, given: str = "70") -> None:
        """Record a score and send what is due."""
        recorded = visit.post("score", {"given": given})
        assert recorded.status_code == 200, error_code(recorded)
        self.send()

    def send(self) -> None:
        """Send what waits, as if its time had come."""
        with writing(self.lti.app):
            session.execute(update(Grade).where(Grade.state == "waiting").values(due_at=utcnow()))
        deliver(self.lti.app)

    def posted(self) -> list[dict[str, Any]]:
        """The scores that were sent, in order."""
        return [json.loads(got.body) for got in self.services.on("/scores")]

    def grade(self) -> Grade:
        """The one score that is recorded."""
        with self.lti.app.app_context():
            return session.scalars(select(Grade)).one()

    def link(self) -> Link:
        """The one link."""
        with self.lti.app.app_context():
            return session.scalars(select(Link)).one()

    def registration(self) -> Registration:
        """The platform as it is registered."""
        with self.lti.app.app_context():
            return session.scalars(select(Registration).where(Registration.client_id == self.client_id)).one()

    @property
    def http(self) -> HttpClient:
        """The tool's way out."""
        with self.lti.app.app_context():
            return current_host().http
