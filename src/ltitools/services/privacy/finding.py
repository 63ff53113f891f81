"""Finding somebody by what people call them. One human may be several persons, one for each platform."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select

from ltitools.db import session
from ltitools.errors import NotFound
from ltitools.models import Course, Enrolment, Person, Registration

MOST = 50


@dataclass(frozen=True)
class Found:
    """A person with the platform that they come from, and their courses."""

    person: Person
    platform: str
    courses: Sequence[str]


def find(tenant_id: int, text: str) -> list[Found]:
    """Those whose name or e-mail address contains `text`, or whose number in the platform it is; fifty at most."""
    text = text.strip()
    if not text:
        return []
    name = func.lower(Person.name).contains(text.lower(), autoescape=True)
    matches = or_(
        Person.sub == text,
        name,
        Person.name.contains(text, autoescape=True),
        func.lower(Person.email).contains(text.lower(), autoescape=True),
    )
    found = session.scalars(
        select(Person)
        .where(Person.tenant_id == tenant_id, Person.erased_at.is_(None), matches)
        .order_by(Person.name, Person.id)
        .limit(MOST)
    ).all()
    return _with_places(tenant_id, found)


def get(tenant_id: int, number: int) -> Person:
    """The person with this number of ours; raises NotFound."""
    person = session.scalar(
        select(Person).where(Person.tenant_id == tenant_id, Person.id == number, Person.erased_at.is_(None))
    )
    if person is None:
        raise NotFound(f"There is no person {number} in this institution. `ltitools person find` finds them.")
    return person


def with_places(person: Person) -> Found:
    """The person with platform and courses."""
    return _with_places(person.tenant_id, [person])[0]


def _with_places(tenant_id: int, people: Sequence[Person]) -> list[Found]:
    platforms = {
        row.id: row.title or row.issuer
        for row in session.scalars(select(Registration).where(Registration.tenant_id == tenant_id))
    }
    courses: dict[int, list[str]] = defaultdict(list)
    rows = session.execute(
        select(Enrolment.person_id, Course.title, Course.label, Course.context_id)
        .join(Course, Course.id == Enrolment.course_id)
        .where(Enrolment.tenant_id == tenant_id, Enrolment.person_id.in_([person.id for person in people]))
        .order_by(Course.id)
    )
    for person_id, title, label, context_id in rows:
        courses[person_id].append(title or label or context_id)
    return [Found(person, platforms[person.registration_id], courses[person.id]) for person in people]
