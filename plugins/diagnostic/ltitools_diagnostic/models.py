"""The tables of this tool. Rules about them are in `versions`, `uploads`, `sitting` and `report`."""

from __future__ import annotations

import secrets
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


def _random_number() -> int:
    """Never one that was used before: a page about an upload that was replaced must not meet the new one."""
    return secrets.randbelow(2**31 - 1) + 1


class Upload(Base):
    """A file as it was uploaded, kept between its report and the decision to use it. One per person."""

    __tablename__ = "diagnostic_upload"
    __table_args__ = (UniqueConstraint("tenant_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=_random_number)
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
    """A competency as one version words it. `competency_id` is the host's, known from publication on.

    `weight` is its share in the overall score, relative to those of the others; 0 keeps it out of the score.
    """

    __tablename__ = "diagnostic_competency"
    __table_args__ = (UniqueConstraint("version_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("diagnostic_version.id"))
    position: Mapped[int]
    code: Mapped[str] = mapped_column(String(128))
    titles: Mapped[dict[str, str]] = mapped_column(Json)
    competency_id: Mapped[int | None] = mapped_column(ForeignKey("competency.id"))
    weight: Mapped[Decimal] = mapped_column(Numeric(6, 2), default=Decimal(1))


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


class Delivery(Base):
    """How a pre-assessment is given through one link: time, dates, sittings.

    A link without a row begins with what was set last for another one in its course, or with the activity's defaults.

    It may be changed while people sit; a deadline is computed anew at each request. `time_limit` is in minutes,
    `attempts` counts sittings; None sets no limit. The other values are those of `delivery.Rules`.
    """

    __tablename__ = "diagnostic_delivery"
    __table_args__ = (UniqueConstraint("link_id", "activity_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    link_id: Mapped[int] = mapped_column(ForeignKey("link.id"))
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    course_id: Mapped[int | None] = mapped_column(ForeignKey("course.id"))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, onupdate=utcnow)
    time_limit: Mapped[int | None]
    attempts: Mapped[int | None]
    opens_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closes_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    password: Mapped[str] = mapped_column(String(64))
    paging: Mapped[str] = mapped_column(String(16))
    review: Mapped[str] = mapped_column(String(16))
    self_rating: Mapped[bool]
    zone: Mapped[str] = mapped_column(String(64))


class Allowance(Base):
    """What one person may have beyond the rules of a link, and what they asked for.

    `factor` is one of `delivery.FACTORS`; `extra_attempts` are sittings beyond the link's number. A request waits
    from `asked_at` until `decided_at`.
    """

    __tablename__ = "diagnostic_allowance"
    __table_args__ = (UniqueConstraint("link_id", "activity_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    link_id: Mapped[int] = mapped_column(ForeignKey("link.id"))
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    factor: Mapped[str] = mapped_column(String(8), default="1")
    extra_attempts: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    asked_reason: Mapped[str] = mapped_column(String(1000), default="")
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class Attempt(Base):
    """A sitting of one version by a person through one link; `number` counts them from 1.

    The first covers all competencies, or those of the job role that the person chose; each later one is a
    reassessment of what is not yet shown. A preview counts nowhere and may be begun again. A sitting that an
    instructor has voided stays on record and counts nowhere.

    A link can come to open another activity, because an instructor may edit its custom value in the LMS; a sitting
    of the one is none of the other.

    `form` lists the questions in their order, each as ``[item id, [option indices as shown]]``; `seed` is what
    it was drawn with. `score` is that of this sitting alone, `standing` the one that counted after it, both out of
    100. `ended_by` is ``person`` or ``time``.
    """

    __tablename__ = "diagnostic_attempt"
    __table_args__ = (
        Index(
            "uq_diagnostic_attempt_number",
            "link_id",
            "activity_id",
            "person_id",
            "number",
            unique=True,
            sqlite_where=text("NOT preview"),
            postgresql_where=text("NOT preview"),
        ),
        Index(
            "uq_diagnostic_attempt_open",
            "link_id",
            "activity_id",
            "person_id",
            unique=True,
            sqlite_where=text("NOT preview AND submitted_at IS NULL AND voided_at IS NULL"),
            postgresql_where=text("NOT preview AND submitted_at IS NULL AND voided_at IS NULL"),
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
    number: Mapped[int] = mapped_column(default=1)
    role: Mapped[str | None] = mapped_column(String(128))
    seed: Mapped[str] = mapped_column(String(32))
    form: Mapped[list[Any]] = mapped_column(Json)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    submitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[str | None] = mapped_column(String(16))
    score: Mapped[Decimal | None] = mapped_column(Numeric(8, 5))
    standing: Mapped[Decimal | None] = mapped_column(Numeric(8, 5))
    voided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    voided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    voided_reason: Mapped[str | None] = mapped_column(String(1000))


class SelfRating(Base):
    """How well a person thinks they can do what belongs to a competency, 0 to 4, before they answer. No evidence."""

    __tablename__ = "diagnostic_self_rating"
    __table_args__ = (UniqueConstraint("attempt_id", "competency_row_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("diagnostic_attempt.id"))
    competency_row_id: Mapped[int] = mapped_column(ForeignKey("diagnostic_competency.id"))
    rating: Mapped[int]


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
    """The result of a submitted attempt in one competency, with the weight that it had then."""

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
    weight: Mapped[Decimal] = mapped_column(Numeric(6, 2), default=Decimal(1))


class Module(Base):
    """A module of a course that teaches competencies: where a person is sent who lacks one.

    Modules belong to an activity in a course, because their addresses do; `course_id` None is the institution's.
    `competencies` are codes of the activity, `prerequisites` codes of other modules of the same course.
    """

    __tablename__ = "diagnostic_module"
    __table_args__ = (UniqueConstraint("activity_id", "course_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    course_id: Mapped[int | None] = mapped_column(ForeignKey("course.id"))
    position: Mapped[int]
    code: Mapped[str] = mapped_column(String(128))
    titles: Mapped[dict[str, str]] = mapped_column(Json)
    hours: Mapped[Decimal] = mapped_column(Numeric(6, 2))
    url: Mapped[str] = mapped_column(String(2048))
    prerequisites: Mapped[list[str]] = mapped_column(Json)
    competencies: Mapped[list[str]] = mapped_column(Json)


class JobRole(Base):
    """A job role above the bank: its tasks, and the competencies that each needs.

    `tasks` is a list of ``{"titles": {locale: text}, "competencies": [code, …]}``.
    """

    __tablename__ = "diagnostic_job_role"
    __table_args__ = (UniqueConstraint("activity_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    position: Mapped[int]
    code: Mapped[str] = mapped_column(String(128))
    titles: Mapped[dict[str, str]] = mapped_column(Json)
    tasks: Mapped[list[Any]] = mapped_column(Json)


MODELS = (
    Upload,
    Version,
    VersionCompetency,
    VersionItem,
    Delivery,
    Allowance,
    Attempt,
    SelfRating,
    Answer,
    Result,
    Module,
    JobRole,
)
