"""The people and courses that the LMS starts with. Running it again changes nothing that is there."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from ltitools.demo_lms.lms import new_signing_key
from ltitools.demo_lms.models import (
    AccessToken,
    Activity,
    Course,
    Enrolment,
    Grade,
    Launch,
    LineItem,
    Person,
    RegistrationStart,
    ScorePost,
    SignInCode,
    SigningKey,
    Tool,
    UsedOnce,
)

PEOPLE = (
    (2, "noor", "Noor", "Haddad", "en-CA", "admin"),
    (3, "therese", "Thérèse", "Tremblay", "fr-CA", "teacher"),
    (4, "arun", "Arun", "Patel", "en-CA", "teacher"),
    (5, "amelie", "Amélie", "Roy", "fr-CA", "learner"),
    (6, "ben", "Ben", "Carter", "en-CA", "learner"),
    (7, "chidi", "Chidi", "Okafor", "en-CA", "learner"),
    (8, "dana", "Dana", "Flores", "en-CA", "learner"),
    (9, "emile", "Émile", "Gagnon", "fr-CA", "learner"),
    (10, "test", "Alex", "Sample", "en-CA", "test"),
)
COURSES = (
    (1, "AI-101", "Working with AI: the essentials", "Travailler avec l’IA\u00a0: l’essentiel"),
    (2, "AI-102", "Working with AI: next term", "Travailler avec l’IA\u00a0: prochaine session"),
)
LEARNERS_OF = {1: ("amelie", "ben", "chidi", "dana", "emile", "test"), 2: ("amelie", "ben", "chidi")}
TEACHERS = ("therese", "arun")
EMPTIED = (
    AccessToken,
    UsedOnce,
    SignInCode,
    RegistrationStart,
    Launch,
    ScorePost,
    Grade,
    LineItem,
    Activity,
    Enrolment,
    Course,
    Person,
)


def seed(session: Session, issuer: str) -> None:
    """Put the people, the courses and a signing key there, each unless it is there."""
    if session.scalar(select(SigningKey).limit(1)) is None:
        new_signing_key(session)
    if session.scalar(select(Person).limit(1)) is not None:
        return
    people = {}
    for number, key, given_name, family_name, locale, kind in PEOPLE:
        people[key] = Person(
            id=number,
            key=key,
            given_name=given_name,
            family_name=family_name,
            email=f"{key}@campus.example",
            locale=locale,
            kind=kind,
            subject=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{issuer}/people/{key}")),
        )
    session.add_all(people.values())
    for number, label, title, title_fr in COURSES:
        course = Course(id=number, label=label, title=title, title_fr=title_fr)
        session.add(course)
        for key in TEACHERS:
            course.enrolments.append(Enrolment(person=people[key], role="teacher"))
        for key in LEARNERS_OF[number]:
            course.enrolments.append(Enrolment(person=people[key], role="learner"))


def forget_old(session: Session, now: datetime) -> None:
    """Remove what the protocol no longer needs: launches, seen ids and tokens of yesterday and before."""
    yesterday = now - timedelta(days=1)
    session.execute(delete(Launch).where(Launch.created_at < yesterday))
    session.execute(delete(UsedOnce).where(UsedOnce.seen_at < yesterday))
    session.execute(delete(AccessToken).where(AccessToken.expires_at < yesterday))
    session.execute(delete(SignInCode).where(SignInCode.issued_at < yesterday))
    session.execute(delete(RegistrationStart).where(RegistrationStart.started_at < yesterday))


def reset(session: Session, issuer: str) -> None:
    """Back to the start: only the keys, the cookie secret and the tool that was given are kept."""
    for table in EMPTIED:
        session.execute(delete(table))
    session.execute(delete(Tool).where(Tool.given.is_(False)))
    session.execute(text("DELETE FROM sqlite_sequence"))
    session.expunge_all()
    seed(session, issuer)
