"""Frameworks, competencies, and the append-only record of evidence for them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ltitools.db import Base, Json, UtcDateTime, utcnow


class Framework(Base):
    """A named set of competencies of an institution."""

    __tablename__ = "framework"
    __table_args__ = (UniqueConstraint("tenant_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    key: Mapped[str] = mapped_column(String(128))


class Competency(Base):
    """Something a learner can do; `titles` maps a locale to its wording."""

    __tablename__ = "competency"
    __table_args__ = (UniqueConstraint("framework_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    framework_id: Mapped[int] = mapped_column(ForeignKey("framework.id"))
    code: Mapped[str] = mapped_column(String(128))
    titles: Mapped[dict[str, str]] = mapped_column(Json)


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
