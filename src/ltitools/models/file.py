"""Files that tools keep, such as pictures in questions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ltitools.db import Base, UtcDateTime, new_public_id, utcnow


class File(Base):
    """A file of a tool in an institution. The same bytes are there once, under one id for ever.

    `content` is sealed; `digest` is keyed, so that the table does not tell who has a certain file. `size` is that of
    the file itself, in bytes.
    """

    __tablename__ = "file"
    __table_args__ = (UniqueConstraint("tenant_id", "plugin", "digest"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_public_id)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    plugin: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))
    media_type: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(255))
    size: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    keep_until: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
