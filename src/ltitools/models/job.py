"""Work that is done after a request, by the worker: for the host or for a plugin, once or again and again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ltitools.db import Base, Json, UtcDateTime, utcnow


class Job(Base):
    """A piece of work that waits for its time; state is waiting or parked. One that is done leaves no row.

    `unique_key` holds what may be queued only once. `asked` counts how often that was asked for: a job that was
    asked for again while it ran is run again. A job without a tenant is one of those that come at an interval.
    """

    __tablename__ = "job"
    __table_args__ = (
        UniqueConstraint("plugin", "name", "unique_key"),
        Index("ix_job_due", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int | None] = mapped_column(ForeignKey("tenant.id"), index=True)
    plugin: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(64))
    args: Mapped[dict[str, Any]] = mapped_column(Json)
    unique_key: Mapped[str | None] = mapped_column(String(255))
    asked: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    failures: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease: Mapped[str | None] = mapped_column(String(32))
    problem: Mapped[str] = mapped_column(String(1000), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
