"""Platform registrations of an institution, their deployments, and what is cached of the platform."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ltitools.db import Base, Json, UtcDateTime, utcnow


class Registration(Base):
    """A platform (issuer + client id) that may launch into one institution's tools.

    `title` is what people call it, `version` what the platform says it is. `granted_scopes` is None where nobody told.
    Of a platform that registered itself, `configuration_url` is where it takes an update, and `offer` what was chosen
    (`ltitools.lti.platforms.Offer`).
    https://www.imsglobal.org/spec/lti/v1p3/#tool-deployment
    """

    __tablename__ = "registration"
    __table_args__ = (UniqueConstraint("tenant_id", "issuer", "client_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    issuer: Mapped[str] = mapped_column(String(512))
    client_id: Mapped[str] = mapped_column(String(255))
    auth_url: Mapped[str] = mapped_column(String(1024))
    token_url: Mapped[str] = mapped_column(String(1024))
    jwks_url: Mapped[str] = mapped_column(String(1024))
    platform: Mapped[str] = mapped_column(String(32), default="generic")
    title: Mapped[str] = mapped_column(String(255), default="")
    version: Mapped[str] = mapped_column(String(64), default="")
    granted_scopes: Mapped[list[str] | None] = mapped_column(Json)
    configuration_url: Mapped[str | None] = mapped_column(String(1024))
    offer: Mapped[dict[str, bool] | None] = mapped_column(Json)
    deployments_policy: Mapped[str] = mapped_column(String(16), default="pending")
    enabled: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class Deployment(Base):
    """One installation of a registration in the platform; state is approved, pending or rejected."""

    __tablename__ = "deployment"
    __table_args__ = (UniqueConstraint("tenant_id", "registration_id", "deployment_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    deployment_id: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class PlatformKeys(Base):
    """The platform's key set as last fetched, shared by all server processes.

    `tried_at` is when a process last asked for it, `answered_at` when that ended, with or without a key set.
    """

    __tablename__ = "platform_keys"

    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    jwks: Mapped[dict[str, Any] | None] = mapped_column(Json)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    fresh_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ServiceToken(Base):
    """An access token for the platform's services, sealed, per registration, token URL and scopes."""

    __tablename__ = "service_token"
    __table_args__ = (UniqueConstraint("registration_id", "token_url", "scopes"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    token_url: Mapped[str] = mapped_column(String(1024))
    scopes: Mapped[str] = mapped_column(String(1024))
    sealed_token: Mapped[str]
    usable_until: Mapped[datetime] = mapped_column(UtcDateTime)
