"""Logins and launches that were refused."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ltitools.db import Base, UtcDateTime


class LaunchLog(Base):
    """A refusal at ``/login`` or ``/launch``, with nothing of the person; the same within an hour is one row.

    `detail` names the rule and the claim. `fingerprint` is a digest of all by which two refusals are the same, the
    hour among it: one column, because databases take two unknown registrations for different ones.
    """

    __tablename__ = "launch_log"
    __table_args__ = (UniqueConstraint("tenant_id", "fingerprint"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"))
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id"))
    fingerprint: Mapped[str] = mapped_column(String(64))
    endpoint: Mapped[str] = mapped_column(String(16))
    code: Mapped[str] = mapped_column(String(64))
    detail: Mapped[str] = mapped_column(String(300))
    message_type: Mapped[str | None] = mapped_column(String(64))
    count: Mapped[int] = mapped_column(default=1)
    first_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
