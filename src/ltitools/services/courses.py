"""The page of a course: the activities placed in it, whichever tools they are of.

A link opens it that stands for the whole course (Canvas's course navigation), or whose custom value is
``activity=course``, for platforms without such a link. The page is an activity of the host's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from sqlalchemy import ColumnElement, select

from ltitools.db import session, upsert
from ltitools.lti.claims import INSTRUCTORS
from ltitools.models import Activity, Course, Link

HOST = "-"
"""Stands where a tool's key stands, in addresses and in rows. No tool can have it."""
COURSE = "course"
"""The host's own activity: in custom values, where a tool's activity is ``<plugin>:<slug>``, and as its slug."""
FROM_COURSE_PAGE = "course_page"
"""The placement of a visit that came from the course page, and so has a way back to it."""


class Named(Protocol):
    """What an activity is named by."""

    @property
    def plugin(self) -> str: ...
    @property
    def slug(self) -> str: ...


def name_of(activity: Named) -> str:
    """What the custom value ``activity`` of a link says: ``<plugin>:<slug>``, or ``course`` for the course page."""
    return COURSE if activity.plugin == HOST else f"{activity.plugin}:{activity.slug}"


def page_activity(tenant_id: int) -> Activity:
    """The course page as an activity, made at its first use; two launches may make it at once."""
    this = {"tenant_id": tenant_id, "plugin": HOST, "slug": COURSE}
    named = select(Activity).filter_by(**this)
    found = session.scalar(named)
    if found is None:
        session.execute(upsert(Activity).values(**this, title="Course page").on_conflict_do_nothing())
        found = session.scalars(named).one()
    return found


def visible_to(roles: Iterable[str]) -> tuple[ColumnElement[bool], ...]:
    """Which links people with these roles may see: instructors all, others those that a learner has come through.

    The LMS does not tell what it hides. That it let a learner through is the sign that it does not.
    """
    return () if not set(INSTRUCTORS).isdisjoint(roles) else (Link.learner_seen_at.is_not(None),)


def named(tenant_id: int, course_ids: Iterable[int]) -> Sequence[Course]:
    """The courses with these ids."""
    return session.scalars(select(Course).where(Course.tenant_id == tenant_id, Course.id.in_(set(course_ids)))).all()


def placed_for_instructors(tenant_id: int, course_id: int) -> Sequence[tuple[Link, Activity]]:
    """`placed`, with what is hidden from learners."""
    return placed(tenant_id, course_id, INSTRUCTORS)


def placed(tenant_id: int, course_id: int, roles: Iterable[str]) -> Sequence[tuple[Link, Activity]]:
    """The links of a course that open an activity of a tool, in the order in which they were first opened.

    A platform names a link when somebody opens it, so one that nobody has opened yet is not among them.
    """
    rows = session.execute(
        select(Link, Activity)
        .join(Activity, Activity.id == Link.activity_id)
        .where(Link.tenant_id == tenant_id, Link.course_id == course_id, Activity.plugin != HOST, *visible_to(roles))
        .order_by(Link.id)
    )
    return [(link, activity) for link, activity in rows]
