"""The outbox of grades: what has to reach the LMS, and what has."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, Numeric, String, text
from sqlalchemy.orm import Mapped, mapped_column

from ltitools.db import Base, UtcDateTime, utcnow


class Grade(Base):
    """The latest score of a person on a link, or for a competency there, and how far its delivery has come.

    `version` counts the scores recorded; `sent_version` is the last one the LMS has taken. They are equal when
    nothing waits. A score that was cleared has no `given`. State is waiting, sent, unseen (sent, but the LMS shows
    none), cleared, parked (a person has to act), dropped (a person decided against it) or ungraded (the LMS gave no
    column). `result` is what came of looking at the LMS's results: shown, missing or unreadable, and empty as long as
    nobody has.
    """

    __tablename__ = "grade"
    __table_args__ = (
        # Two indexes, because a NULL equals no other NULL.
        Index(
            "uq_grade_link_person",
            "link_id",
            "person_id",
            unique=True,
            sqlite_where=text("competency_id IS NULL"),
            postgresql_where=text("competency_id IS NULL"),
        ),
        Index("uq_grade_link_person_competency", "link_id", "person_id", "competency_id", unique=True),
        Index("ix_grade_due", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    link_id: Mapped[int] = mapped_column(ForeignKey("link.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    competency_id: Mapped[int | None] = mapped_column(ForeignKey("competency.id"))
    given: Mapped[Decimal | None] = mapped_column(Numeric(12, 5))
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
    result: Mapped[str] = mapped_column(String(16), default="")
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
