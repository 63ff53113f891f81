"""Who may administer, how they came in, and the links that let an institution's platform in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ltitools.db import Base, UtcDateTime, utcnow


class Administrator(Base):
    """Somebody who may open the console: of one institution, or of the whole server where `tenant_id` is None.

    `person_id` is set for those who come from the LMS with the institution's Administrator role, `email` for those who
    sign in with OpenID Connect, and `subject` once they have. Others come by a one-time link. Nobody is deleted,
    because the audit log names them; who may no longer come is not `enabled`.
    """

    __tablename__ = "administrator"
    __table_args__ = (
        UniqueConstraint("tenant_id", "person_id"),
        Index(None, "email"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int | None] = mapped_column(ForeignKey("tenant.id"), index=True)
    name: Mapped[str] = mapped_column(String(255))
    email: Mapped[str] = mapped_column(String(255), default="")
    subject: Mapped[str] = mapped_column(String(255), default="")
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    enabled: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ConsoleCode(Base):
    """A code, stored hashed, that signs an administrator in, once and for a while."""

    __tablename__ = "console_code"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    tenant_id: Mapped[int | None] = mapped_column(ForeignKey("tenant.id"), index=True)
    administrator_id: Mapped[int] = mapped_column(ForeignKey("administrator.id"))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class ConsoleSession(Base):
    """A browser in which an administrator is signed in; its cookie is stored hashed."""

    __tablename__ = "console_session"

    cookie_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    tenant_id: Mapped[int | None] = mapped_column(ForeignKey("tenant.id"), index=True)
    administrator_id: Mapped[int] = mapped_column(ForeignKey("administrator.id"), index=True)
    locale: Mapped[str] = mapped_column(String(8), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Invitation(Base):
    """A link, its code stored hashed, with which a platform is registered with an institution: once, for a while.

    `token_hash` is of the platform's registration token that is being or was used with it, `claimed_at` when that
    began, `registration_id` what came of it.
    """

    __tablename__ = "invitation"

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    note: Mapped[str] = mapped_column(String(255), default="")
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id"))
    token_hash: Mapped[str | None] = mapped_column(String(64))
    claimed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Attempt(Base):
    """How often somebody tried what must not be tried often, in the window that begins at `began_at`."""

    __tablename__ = "attempt"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    count: Mapped[int] = mapped_column(default=1)
