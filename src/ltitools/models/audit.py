"""Who changed what in the console or by the command line."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ltitools.db import Base, Json, UtcDateTime, utcnow


class AuditEntry(Base):
    """One change that somebody made; the database itself refuses to change it.

    `tenant_id` is None where the change concerns the server and no institution; `administrator_id` is None where it
    was made by the command line or by a platform that registered itself. `subject` names what was changed
    (``registration 3``), `details` the values, with nothing of a learner in them.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (Index(None, "tenant_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int | None] = mapped_column(ForeignKey("tenant.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    administrator_id: Mapped[int | None] = mapped_column(ForeignKey("administrator.id"))
    actor: Mapped[str] = mapped_column(String(16))
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(255), default="")
    details: Mapped[dict[str, Any]] = mapped_column(Json)
