"""Who is in a course: the LMS's list of members, asked for in the background, kept with people and enrolments.

https://www.imsglobal.org/spec/lti-nrps/v2p0/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, or_, select, update

from ltitools.context import current_host
from ltitools.db import session, upsert, utcnow
from ltitools.errors import NotFound
from ltitools.http import HttpError
from ltitools.i18n import host
from ltitools.lti.claims import Role
from ltitools.lti.nrps import MEMBERSHIP_READ, Member, Membership, memberships
from ltitools.lti.paging import ForeignPage
from ltitools.lti.services import ServiceRefused
from ltitools.models import Course, Deployment, Enrolment, Person, Registration
from ltitools.services import jobs
from ltitools.services.events import Event, emit
from ltitools.services.jobs import JobRun
from ltitools.services.tokens import with_token

_ = host.gettext
JOB = "roster"
FRESH_FOR = timedelta(minutes=10)
ENDLESS, ELSEWHERE = "endless", "elsewhere"
AT_ONCE = 500


@dataclass(frozen=True)
class RosterChanged(Event):
    """Somebody came into a course, left it, or got another role there, as the LMS lists it."""

    course_id: int


@dataclass(frozen=True)
class Enrolled:
    """Somebody in a course. `listed` says that the LMS's latest list had them; who only launched is not listed."""

    person: Person
    roles: frozenset[Role]
    status: str
    listed: bool


@dataclass(frozen=True)
class RosterState:
    """How current a list is. `can_ask`: the LMS gives lists. `listed_at`: when it last gave a whole one.

    `problem` is what went wrong since then, mostly in the LMS's words, or empty.
    """

    can_ask: bool
    listed_at: datetime | None = None
    asked_at: datetime | None = None
    problem: str = ""


def members(tenant_id: int, course_id: int) -> list[Enrolled]:
    """Everybody who is or was in the course, by name. Those who left are inactive or deleted, never forgotten."""
    rows = session.execute(
        select(Enrolment, Person, Course.roster_at)
        .join(Person, Person.id == Enrolment.person_id)
        .join(Course, Course.id == Enrolment.course_id)
        .where(Enrolment.tenant_id == tenant_id, Enrolment.course_id == course_id)
        .order_by(Person.name, Person.id)
    )
    return [
        Enrolled(person, frozenset(map(Role, one.roles)), one.status, _is_listed(one.listed_at, roster_at))
        for one, person, roster_at in rows
    ]


def member(tenant_id: int, course_id: int, person_id: int) -> Enrolled | None:
    """One person in the course; None where they never were."""
    row = session.execute(
        select(Enrolment, Person, Course.roster_at)
        .join(Person, Person.id == Enrolment.person_id)
        .join(Course, Course.id == Enrolment.course_id)
        .where(Enrolment.tenant_id == tenant_id, Enrolment.course_id == course_id, Enrolment.person_id == person_id)
    ).first()
    if row is None:
        return None
    one, person, roster_at = row
    return Enrolled(person, frozenset(map(Role, one.roles)), one.status, _is_listed(one.listed_at, roster_at))


def _is_listed(listed_at: datetime | None, roster_at: datetime | None) -> bool:
    return listed_at is not None and (roster_at is None or listed_at >= roster_at)


def state(tenant_id: int, course_id: int) -> RosterState:
    """How current the list of the course is."""
    course = _course(tenant_id, course_id)
    problem = course.roster_problem
    if problem == ENDLESS:
        problem = _("The LMS lists its members without end, so nobody can be said to have left.")
    elif problem == ELSEWHERE:
        problem = _("The LMS continues its list of members at another address, where it is not safe to ask.")
    return RosterState(bool(course.memberships_url), course.roster_at, course.roster_asked_at, problem)


def ask(tenant_id: int, course_id: int) -> None:
    """Have the worker ask the LMS who is in the course, after the caller's commit; once, however often it is asked."""
    jobs.enqueue(tenant_id, jobs.HOST, JOB, {"course_id": course_id}, unique=f"course:{course_id}")


def ask_if_old(tenant_id: int, course_id: int, asked_at: datetime | None) -> None:
    """The same, unless the LMS was asked within the last ten minutes."""
    if asked_at is None or asked_at < utcnow() - FRESH_FOR:
        ask(tenant_id, course_id)


def refresh_job(run: JobRun) -> None:
    """`refresh` as the worker calls it."""
    if run.tenant_id is not None:
        refresh(run.tenant_id, int(run.args["course_id"]))


def refresh(tenant_id: int, course_id: int) -> None:
    """Ask the LMS who is in the course, and keep it. Call it outside a transaction; it commits.

    A refusal is kept as the list's problem; only HttpError, which may pass, is raised.
    """
    row = session.execute(
        select(Course, Registration)
        .join(Deployment, Deployment.id == Course.deployment_pk)
        .join(Registration, Registration.id == Deployment.registration_id)
        .where(Course.tenant_id == tenant_id, Course.id == course_id)
    ).first()
    session.commit()
    if row is None or not row.Course.memberships_url or not row.Registration.enabled:
        return
    course, registration = row
    url = str(course.memberships_url)
    began = utcnow()
    try:
        found = with_token(
            registration,
            (MEMBERSHIP_READ,),
            lambda token: memberships(current_host().http, token, url),
        )
    except ServiceRefused as error:
        problem = ELSEWHERE if isinstance(error, ForeignPage) else str(error)[:1000]
        _note(course, {"roster_asked_at": began, "roster_problem": problem})
        session.commit()
        return
    except HttpError as error:
        _note(course, {"roster_asked_at": began, "roster_problem": str(error)[:1000]})
        session.commit()
        raise
    changed = _keep(course, registration.id, found, began)
    done = {"roster_at": began, "roster_problem": ""} if found.complete else {"roster_problem": ENDLESS}
    _note(course, {"roster_asked_at": began, **done})
    if changed:
        emit(RosterChanged(tenant_id, course_id))
    session.commit()


def _keep(course: Course, registration_id: int, found: Membership, began: datetime) -> bool:
    """Write people and enrolments down. Returns whether anybody came, left or changed."""
    before = _standing(course)
    ids = _people(course.tenant_id, registration_id, found.members)
    now = utcnow()
    rows = [
        {
            "tenant_id": course.tenant_id,
            "person_id": ids[member.user_id],
            "course_id": course.id,
            "roles": sorted(member.roles),
            "status": member.status,
            "listed_at": now,
        }
        for member in found.members
    ]
    statement = upsert(Enrolment)
    new = statement.excluded
    # What somebody is in a launch counts for more: Moodle lists a non-editing teacher as a learner.
    roles = case((Enrolment.seen_at.is_(None), new.roles), else_=Enrolment.roles)
    statement = statement.on_conflict_do_update(
        index_elements=["person_id", "course_id"],
        set_={"status": new.status, "listed_at": new.listed_at, "roles": roles},
    )
    # In one order everywhere, so that two processes cannot wait for each other.
    for some in _portions(sorted(rows, key=lambda row: row["person_id"])):
        session.execute(statement, some)
    if found.complete:
        _retire(course, began, now)
    return _standing(course) != before


def _retire(course: Course, began: datetime, now: datetime) -> None:
    """Who was listed before and is missing now is inactive, unless they came in while the list was read."""
    session.execute(
        update(Enrolment)
        .where(
            Enrolment.tenant_id == course.tenant_id,
            Enrolment.course_id == course.id,
            Enrolment.status == "active",
            Enrolment.listed_at < now,
            or_(Enrolment.seen_at.is_(None), Enrolment.seen_at < began),
        )
        .values(status="inactive")
    )


def _people(tenant_id: int, registration_id: int, listed: Sequence[Member]) -> Mapping[str, int]:
    """The people's numbers by user id. What the LMS keeps back erases nothing.

    Canvas may list an earlier user id of somebody. Ids are not taken for the same person by their names: two people
    can share one.
    """
    statement = upsert(Person)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["registration_id", "sub"],
        set_={
            "name": case((new.name != "", new.name), else_=Person.name),
            "email": case((new.email != "", new.email), else_=Person.email),
            "is_test": or_(Person.is_test, new.is_test),
        },
    )
    now = utcnow()
    rows = [
        {
            "tenant_id": tenant_id,
            "registration_id": registration_id,
            "sub": member.user_id,
            "name": member.name,
            "email": member.email,
            "is_test": member.is_test,
            "created_at": now,
            "seen_at": now,
        }
        for member in sorted(listed, key=lambda member: member.user_id)
    ]
    ids: dict[str, int] = {}
    for some in _portions(rows):
        session.execute(statement, some)
        subs = [row["sub"] for row in some]
        here = select(Person.sub, Person.id).where(
            Person.tenant_id == tenant_id, Person.registration_id == registration_id, Person.sub.in_(subs)
        )
        ids |= {row.sub: row.id for row in session.execute(here)}
    return ids


def _standing(course: Course) -> Mapping[int, tuple[str, tuple[str, ...]]]:
    """Everybody's status and roles in the course."""
    rows = session.execute(
        select(Enrolment.person_id, Enrolment.status, Enrolment.roles).where(
            Enrolment.tenant_id == course.tenant_id, Enrolment.course_id == course.id
        )
    )
    return {number: (status, tuple(roles)) for number, status, roles in rows}


def _note(course: Course, values: Mapping[str, Any]) -> None:
    session.execute(update(Course).where(Course.tenant_id == course.tenant_id, Course.id == course.id).values(**values))


def _course(tenant_id: int, course_id: int) -> Course:
    course = session.scalar(select(Course).where(Course.tenant_id == tenant_id, Course.id == course_id))
    if course is None:
        raise NotFound(f"There is no course {course_id}.")
    return course


def _portions(rows: Sequence[dict[str, Any]]) -> list[Sequence[dict[str, Any]]]:
    return [rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE)]
