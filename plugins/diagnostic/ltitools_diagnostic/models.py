"""The tables of this tool. Rules about them are in `versions`, `uploads`, `sitting` and `report`."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, Numeric, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ltitools.plugin import Base, Json, UtcDateTime, utcnow

DRAFT = "draft"
PUBLISHED = "published"

# The host's Json would store None as the JSON value null, and then "answered" could not be asked in SQL.
_Response = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class Upload(Base):
    """A file as it was uploaded, kept between its report and the decision to use it. One per person."""

    __tablename__ = "diagnostic_upload"
    __table_args__ = (UniqueConstraint("tenant_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    activity_id: Mapped[int | None] = mapped_column(ForeignKey("activity.id"))
    title: Mapped[str] = mapped_column(String(255))
    filename: Mapped[str] = mapped_column(String(255))
    language: Mapped[str] = mapped_column(String(8))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class Version(Base):
    """The questions of a pre-assessment at one time. Once published it never changes; attempts stay with it.

    `per_competency` is how many questions of each competency a form takes; None takes all.
    """

    __tablename__ = "diagnostic_version"
    __table_args__ = (
        UniqueConstraint("activity_id", "number"),
        Index(
            "uq_diagnostic_version_draft",
            "activity_id",
            unique=True,
            sqlite_where=text("state = 'draft'"),
            postgresql_where=text("state = 'draft'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    languages: Mapped[list[str]] = mapped_column(Json)
    per_competency: Mapped[int | None]
    digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class VersionCompetency(Base):
    """A competency as one version words it. `competency_id` is the host's, known from publication on."""

    __tablename__ = "diagnostic_competency"
    __table_args__ = (UniqueConstraint("version_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("diagnostic_version.id"))
    position: Mapped[int]
    code: Mapped[str] = mapped_column(String(128))
    titles: Mapped[dict[str, str]] = mapped_column(Json)
    competency_id: Mapped[int | None] = mapped_column(ForeignKey("competency.id"))


class VersionItem(Base):
    """A question of a version; `content` is what `items.to_json` writes."""

    __tablename__ = "diagnostic_item"
    __table_args__ = (UniqueConstraint("version_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("diagnostic_version.id"))
    competency_row_id: Mapped[int] = mapped_column(ForeignKey("diagnostic_competency.id"))
    position: Mapped[int]
    code: Mapped[str] = mapped_column(String(128))
    content: Mapped[dict[str, Any]] = mapped_column(Json)


class Attempt(Base):
    """A person's sitting of one version through one link. A preview counts nowhere and may be begun again.

    A link can come to open another activity, because an instructor may edit its custom value in the LMS; a sitting
    of the one is none of the other.

    `form` lists the questions in their order, each as ``[item id, [option indices as shown]]``; `seed` is what
    it was drawn with.
    """

    __tablename__ = "diagnostic_attempt"
    __table_args__ = (
        Index(
            "uq_diagnostic_attempt_of_record",
            "link_id",
            "activity_id",
            "person_id",
            unique=True,
            sqlite_where=text("NOT preview"),
            postgresql_where=text("NOT preview"),
        ),
        Index(
            "uq_diagnostic_attempt_preview",
            "version_id",
            "person_id",
            unique=True,
            sqlite_where=text("preview"),
            postgresql_where=text("preview"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("diagnostic_version.id"))
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    course_id: Mapped[int | None] = mapped_column(ForeignKey("course.id"))
    link_id: Mapped[int | None] = mapped_column(ForeignKey("link.id"))
    preview: Mapped[bool]
    seed: Mapped[str] = mapped_column(String(32))
    form: Mapped[list[Any]] = mapped_column(Json)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    submitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    score: Mapped[Decimal | None] = mapped_column(Numeric(8, 5))


class Answer(Base):
    """What a person answered to one question; `fraction` is what it earned, set at submission."""

    __tablename__ = "diagnostic_answer"
    __table_args__ = (UniqueConstraint("attempt_id", "item_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("diagnostic_attempt.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("diagnostic_item.id"))
    response: Mapped[Any] = mapped_column(_Response, nullable=True)
    fraction: Mapped[float | None]
    saved_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class Result(Base):
    """The result of a submitted attempt in one competency."""

    __tablename__ = "diagnostic_result"
    __table_args__ = (UniqueConstraint("attempt_id", "competency_row_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("diagnostic_attempt.id"))
    competency_row_id: Mapped[int] = mapped_column(ForeignKey("diagnostic_competency.id"))
    points: Mapped[float]
    items: Mapped[int]
    probability: Mapped[float]
    level: Mapped[str] = mapped_column(String(16))


MODELS = (Upload, Version, VersionCompetency, VersionItem, Attempt, Answer, Result)
