"""People, courses, and the activities placed in them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ltitools.db import Base, Json, UtcDateTime, utcnow


class Person(Base):
    """An LTI ``sub`` inside one registration. Names are what the LMS chose to tell, or empty.

    Of somebody who was erased the row stays, with nothing in it: its number is never given to anybody else.
    """

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("registration_id", "sub"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    sub: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(255), default="")
    email: Mapped[str] = mapped_column(String(255), default="")
    is_test: Mapped[bool] = mapped_column(default=False)
    chosen_locale: Mapped[str | None] = mapped_column(String(8))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Course(Base):
    """An LTI context inside one deployment, and where and when the LMS was asked who is in it.

    `roster_at` is when the LMS last listed everybody, `roster_asked_at` when it was last asked, `roster_problem`
    what came in between, if anything did.
    """

    __tablename__ = "course"
    __table_args__ = (UniqueConstraint("deployment_pk", "context_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    deployment_pk: Mapped[int] = mapped_column(ForeignKey("deployment.id"))
    context_id: Mapped[str] = mapped_column(String(255))
    title: Mapped[str] = mapped_column(String(500), default="")
    label: Mapped[str] = mapped_column(String(255), default="")
    memberships_url: Mapped[str | None] = mapped_column(String(2048))
    roster_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    roster_asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    roster_problem: Mapped[str] = mapped_column(String(1000), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class Enrolment(Base):
    """A person in a course, as the latest launch or else the LMS's list of members says.

    `seen_at` is the latest launch and `listed_at` the latest list with this person, None where there was none.
    Status is active, inactive or deleted.
    """

    __tablename__ = "enrolment"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    roles: Mapped[list[str]] = mapped_column(Json)
    status: Mapped[str] = mapped_column(String(16), default="active")
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    listed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Activity(Base):
    """What a tool offers in an institution: ``<plugin>:<slug>``, its settings and the course that owns it."""

    __tablename__ = "activity"
    __table_args__ = (UniqueConstraint("tenant_id", "plugin", "slug"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    plugin: Mapped[str] = mapped_column(String(64))
    slug: Mapped[str] = mapped_column(String(128))
    title: Mapped[str] = mapped_column(String(255))
    settings: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    owner_course_id: Mapped[int | None] = mapped_column(ForeignKey("course.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class Link(Base):
    """An LTI resource link: an activity placed in a course, with the gradebook column the LMS names for it.

    Results belong to a link, so a copied or duplicated one starts empty and has a column of its own. A learner who came
    through it, last at `learner_seen_at`, is the sign that the LMS lets learners see it.
    """

    __tablename__ = "link"
    __table_args__ = (UniqueConstraint("deployment_pk", "resource_link_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    deployment_pk: Mapped[int] = mapped_column(ForeignKey("deployment.id"))
    resource_link_id: Mapped[str] = mapped_column(String(255))
    course_id: Mapped[int | None] = mapped_column(ForeignKey("course.id"), index=True)
    activity_id: Mapped[int | None] = mapped_column(ForeignKey("activity.id"), index=True)
    title: Mapped[str] = mapped_column(String(500), default="")
    line_item_url: Mapped[str | None] = mapped_column(String(2048))
    line_items_url: Mapped[str | None] = mapped_column(String(2048))
    service_scopes: Mapped[list[str]] = mapped_column(Json, default=list)
    learner_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class LineItem(Base):
    """A gradebook column of a link for one competency, beside the link's own. The tool made it or found it."""

    __tablename__ = "line_item"
    __table_args__ = (UniqueConstraint("link_id", "competency_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    link_id: Mapped[int] = mapped_column(ForeignKey("link.id"))
    competency_id: Mapped[int] = mapped_column(ForeignKey("competency.id"))
    url: Mapped[str] = mapped_column(String(2048))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
