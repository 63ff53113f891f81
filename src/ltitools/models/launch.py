"""A login that waits for its launch, and the launch: the server side of a person's visit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ltitools.db import Base, Json, UtcDateTime, utcnow


class PendingLogin(Base):
    """State and nonce of one login initiation, hashed, usable once and for ten minutes.

    `browser_hash` is of what the browser keeps meanwhile. `in_window` marks a login that a frame which could keep
    nothing sent to a window of its own.
    """

    __tablename__ = "pending_login"

    state_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    nonce_hash: Mapped[str] = mapped_column(String(64))
    browser_hash: Mapped[str] = mapped_column(String(64))
    target_link_uri: Mapped[str] = mapped_column(String(2048))
    storage_target: Mapped[str | None] = mapped_column(String(255))
    in_window: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Launch(Base):
    """One visit of a person: what the LMS said, and which browser it belongs to.

    `id` is public and selects; the credential is what the browser keeps, a cookie or a token, stored hashed.
    `binding` is the layer that tied the launch to its login (see `ltitools.services.launches.Layer`). `for_person_id`
    is whose work is to be reviewed, where that is what the launch is for. `is_administrator` says that the platform
    calls the person an administrator of the whole institution.
    """

    __tablename__ = "launch"
    __table_args__ = (Index(None, "tenant_id", "created_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    deployment_pk: Mapped[int] = mapped_column(ForeignKey("deployment.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    for_person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    course_id: Mapped[int | None] = mapped_column(ForeignKey("course.id"))
    link_id: Mapped[int | None] = mapped_column(ForeignKey("link.id"))
    plugin: Mapped[str | None] = mapped_column(String(64))
    browser_hash: Mapped[str] = mapped_column(String(64), index=True)
    binding: Mapped[str | None] = mapped_column(String(16))
    in_window: Mapped[bool] = mapped_column(default=False)
    message_type: Mapped[str] = mapped_column(String(64))
    roles: Mapped[list[str]] = mapped_column(Json)
    is_administrator: Mapped[bool] = mapped_column(default=False)
    locale: Mapped[str] = mapped_column(String(8))
    placement: Mapped[str] = mapped_column(String(64), default="")
    custom: Mapped[dict[str, str]] = mapped_column(Json)
    services: Mapped[dict[str, Any]] = mapped_column(Json)
    deep_linking: Mapped[dict[str, Any] | None] = mapped_column(Json)
    return_url: Mapped[str | None] = mapped_column(String(2048))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OneTimeCode(Base):
    """A code, stored hashed, that lets a launch go on in another window: once, and for a minute."""

    __tablename__ = "one_time_code"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    launch_id: Mapped[str] = mapped_column(ForeignKey("launch.id"), index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
