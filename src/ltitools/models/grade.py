"""The outbox of grades: what has to reach the LMS, and what has."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, Numeric, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ltitools.db import Base, UtcDateTime, utcnow


class Grade(Base):
    """The latest score of a person on a link, and how far its delivery has come.

    `version` counts the scores recorded; `sent_version` is the last one the LMS has taken. They are equal when
    nothing waits. State is waiting, sent, parked (a person has to act) or ungraded (the LMS gave no column).
    """

    __tablename__ = "grade"
    __table_args__ = (
        UniqueConstraint("link_id", "person_id"),
        Index("ix_grade_due", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    link_id: Mapped[int] = mapped_column(ForeignKey("link.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    given: Mapped[Decimal] = mapped_column(Numeric(12, 5))
    maximum: Mapped[Decimal] = mapped_column(Numeric(12, 5))
    comment: Mapped[str | None]
    submitted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    timestamp: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)
    sent_version: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(16))
    posts: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease: Mapped[str | None] = mapped_column(String(32))
    problem: Mapped[str] = mapped_column(String(1000), default="")
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
