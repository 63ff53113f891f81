"""Frameworks, competencies, and the append-only record of evidence for them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ltitools.db import Base, Json, UtcDateTime, utcnow


def _new_guid() -> str:
    return str(uuid.uuid4())


class Framework(Base):
    """One version of a named set of competencies of an institution.

    `key` and `guid` are those of the set and the same in all its versions, which `number` counts from 1. At most one
    of them is a draft, at most one is published, and that one is in force; others were replaced. `origin_id` is the
    version that this one was made from. `case` holds what a CASE package says beyond our columns, to be written again.
    """

    __tablename__ = "framework"
    __table_args__ = (
        UniqueConstraint("tenant_id", "key", "number"),
        UniqueConstraint("tenant_id", "guid", "number"),
        Index(
            "uq_framework_draft",
            "tenant_id",
            "key",
            unique=True,
            sqlite_where=text("state = 'draft'"),
            postgresql_where=text("state = 'draft'"),
        ),
        Index(
            "uq_framework_published",
            "tenant_id",
            "key",
            unique=True,
            sqlite_where=text("state = 'published'"),
            postgresql_where=text("state = 'published'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    key: Mapped[str] = mapped_column(String(128))
    number: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(16), default="published")
    guid: Mapped[str] = mapped_column(String(36), default=_new_guid)
    uri: Mapped[str] = mapped_column(String(2048), default="")
    titles: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    descriptions: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    creator: Mapped[str] = mapped_column(String(255), default="")
    case: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    origin_id: Mapped[int | None] = mapped_column(ForeignKey("framework.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Competency(Base):
    """Something a learner can do, as one version of its framework words it; `titles` maps a locale to its wording.

    `guid` is the same in every version. `position` orders all competencies of the version, each after its parent.
    `uri` is set where the competency came with one. `case` is as in `Framework`.
    """

    __tablename__ = "competency"
    __table_args__ = (
        UniqueConstraint("framework_id", "code"),
        Index("uq_competency_framework_guid", "framework_id", "guid", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    framework_id: Mapped[int] = mapped_column(ForeignKey("framework.id"))
    guid: Mapped[str] = mapped_column(String(36), default=_new_guid)
    uri: Mapped[str] = mapped_column(String(2048), default="")
    code: Mapped[str] = mapped_column(String(128))
    titles: Mapped[dict[str, str]] = mapped_column(Json)
    descriptions: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("competency.id"))
    position: Mapped[int] = mapped_column(default=0)
    case: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class Evidence(Base):
    """One observation of a person against a competency; the same source counts once.

    A row is never changed, except that it can be withdrawn, once.
    """

    __tablename__ = "evidence"
    __table_args__ = (
        UniqueConstraint("tenant_id", "source"),
        Index("ix_evidence_person_competency", "person_id", "competency_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    course_id: Mapped[int | None] = mapped_column(ForeignKey("course.id"))
    link_id: Mapped[int | None] = mapped_column(ForeignKey("link.id"))
    activity_id: Mapped[int | None] = mapped_column(ForeignKey("activity.id"))
    competency_id: Mapped[int] = mapped_column(ForeignKey("competency.id"))
    fraction: Mapped[float]
    source: Mapped[str] = mapped_column(String(128))
    observed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdrawn_reason: Mapped[str] = mapped_column(String(500), default="")


class CompetencyResult(Base):
    """What an activity concluded from evidence: shown, developing or gap, with the probability behind it.

    Like evidence, a conclusion is never changed but can be withdrawn, once.
    """

    __tablename__ = "competency_result"
    __table_args__ = (UniqueConstraint("tenant_id", "source"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    course_id: Mapped[int | None] = mapped_column(ForeignKey("course.id"))
    link_id: Mapped[int | None] = mapped_column(ForeignKey("link.id"))
    activity_id: Mapped[int | None] = mapped_column(ForeignKey("activity.id"))
    competency_id: Mapped[int] = mapped_column(ForeignKey("competency.id"))
    level: Mapped[str] = mapped_column(String(16))
    probability: Mapped[float]
    source: Mapped[str] = mapped_column(String(128))
    observed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdrawn_reason: Mapped[str] = mapped_column(String(500), default="")
