"""Institutions, their signing keys, and which tools are switched off for them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ltitools.db import Base, Json, UtcDateTime, utcnow


class Tenant(Base):
    """An institution: the wall inside which everything else lives.

    `lms_administrators` says whether who comes from the LMS as the institution's administrator may open the console.
    After `retention_days` without a visit a person is erased, None: never; `privacy_contact` is whom people ask about
    what is kept of them. At `removal_at` the institution is removed, unless that is called off.
    """

    __tablename__ = "tenant"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    locale: Mapped[str] = mapped_column(String(8), default="en")
    enabled: Mapped[bool] = mapped_column(default=True)
    lms_administrators: Mapped[bool] = mapped_column(default=True)
    disabled_plugins: Mapped[list[str]] = mapped_column(Json, default=list)
    retention_days: Mapped[int | None]
    privacy_contact: Mapped[str] = mapped_column(String(255), default="")
    removal_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class TenantKey(Base):
    """An RSA key of the institution's tools; the private half is sealed under ``LTITOOLS_SECRET_KEY``.

    It is published at once and signs from `signs_from` on, when platforms have had time to read it; from `retired_at`
    on it is published no more.
    """

    __tablename__ = "tenant_key"
    __table_args__ = (UniqueConstraint("tenant_id", "kid"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    kid: Mapped[str] = mapped_column(String(64))
    public_jwk: Mapped[dict[str, Any]] = mapped_column(Json)
    sealed_private_pem: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    signs_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
