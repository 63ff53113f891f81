"""The tables of this tool. Rules about them are in `achievements`, `issuers`, `awarding` and `signing`."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, Numeric, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ltitools.plugin import Base, Json, UtcDateTime, utcnow

DRAFT = "draft"
PUBLISHED = "published"
UNLISTED, LISTED, PRIVATE = "unlisted", "listed", "private"


def random_id() -> str:
    """128 bits that nobody guesses: what addresses of badges are made of."""
    return str(uuid.uuid4())


class Issuer(Base):
    """An institution as an issuer. `did` and `base` are those of its first badge, and stay: every badge names them.

    `base` is the public address of the issuer's pages, such as ``https://tools.example.edu/i/acme``. `kept_for` is the
    public address that the server got later, once somebody decided that badges go on naming the first one.
    """

    __tablename__ = "badges_issuer"
    __table_args__ = (UniqueConstraint("tenant_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"))
    did: Mapped[str] = mapped_column(String(500))
    base: Mapped[str] = mapped_column(String(500))
    name: Mapped[str] = mapped_column(String(255))
    url: Mapped[str] = mapped_column(String(500), default="")
    email: Mapped[str] = mapped_column(String(255), default="")
    country: Mapped[str] = mapped_column(String(2), default="")
    locality: Mapped[str] = mapped_column(String(255), default="")
    description: Mapped[str] = mapped_column(String(2000), default="")
    kept_for: Mapped[str] = mapped_column(String(500), default="")
    ror: Mapped[str] = mapped_column(String(255), default="")
    parent_name: Mapped[str] = mapped_column(String(255), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, onupdate=utcnow)


class Key(Base):
    """A key of an issuer. Old ones stay listed for ever, so that what they signed still checks.

    `kind` is ed25519 (credentials and status lists) or rsa (their twins as JWT). `public` is the multibase text of an
    Ed25519 key or the JWK of an RSA key. The newest of a kind signs. One that is `withdrawn_at` fell into other hands:
    it is listed no more, and what it signed is signed anew.
    """

    __tablename__ = "badges_key"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"))
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(64))
    public: Mapped[Any] = mapped_column(Json)
    sealed_private: Mapped[str] = mapped_column(info={"sealed": "badges-key"})
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Achievement(Base):
    """A micro-credential: what can be earned. `slug` is a part of its public address.

    It is the activity of the same row that is placed in courses. `twin_id` is its edition in the other language.
    """

    __tablename__ = "badges_achievement"
    __table_args__ = (UniqueConstraint("tenant_id", "slug"), UniqueConstraint("activity_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"))
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    slug: Mapped[str] = mapped_column(String(100))
    twin_id: Mapped[int | None] = mapped_column(ForeignKey("badges_achievement.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class Version(Base):
    """How a micro-credential is described at one time. Once published it never changes; badges stay with it.

    `content` is what `core.content` writes, `design` what `core.design` writes, None for a picture that was uploaded;
    `image_svg` is then empty where that picture was none.
    """

    __tablename__ = "badges_version"
    __table_args__ = (
        UniqueConstraint("achievement_id", "number"),
        Index(
            "uq_badges_version_draft",
            "achievement_id",
            unique=True,
            sqlite_where=text("state = 'draft'"),
            postgresql_where=text("state = 'draft'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    achievement_id: Mapped[int] = mapped_column(ForeignKey("badges_achievement.id"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    content: Mapped[dict[str, Any]] = mapped_column(Json)
    design: Mapped[dict[str, Any] | None] = mapped_column(Json)
    image_svg: Mapped[str]
    image_png: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, onupdate=utcnow)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Rule(Base):
    """What earns a micro-credential in a course, or, without `course_id`, in every course that has no rule of its own.

    `kind` is all (every activity reaches the threshold) or average (their weighted mean does). `parts` are the
    activities that count, each with a weight; `competencies` are those that have to be shown, by the host's id.
    `components` are the ids of the micro-credentials that have to be held, `outside` those of other issuers as
    `rules.Outside` writes them. `threshold` is in percent.
    """

    __tablename__ = "badges_rule"
    __table_args__ = (
        UniqueConstraint("achievement_id", "course_id"),
        # A NULL equals no other NULL.
        Index(
            "uq_badges_rule_everywhere",
            "achievement_id",
            unique=True,
            sqlite_where=text("course_id IS NULL"),
            postgresql_where=text("course_id IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    achievement_id: Mapped[int] = mapped_column(ForeignKey("badges_achievement.id"))
    course_id: Mapped[int | None] = mapped_column(ForeignKey("course.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    threshold: Mapped[Decimal] = mapped_column(Numeric(9, 5))
    parts: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    competencies: Mapped[list[int]] = mapped_column(Json)
    components: Mapped[list[int]] = mapped_column(Json)
    outside: Mapped[list[dict[str, str]]] = mapped_column(Json)
    enabled: Mapped[bool] = mapped_column(default=True)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, onupdate=utcnow)


class Score(Base):
    """The latest score of a person on a link, as it was reported: decimal texts, unrounded."""

    __tablename__ = "badges_score"
    __table_args__ = (UniqueConstraint("link_id", "person_id"), Index("ix_badges_score_course", "course_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    link_id: Mapped[int] = mapped_column(ForeignKey("link.id"))
    given: Mapped[str] = mapped_column(String(64))
    maximum: Mapped[str] = mapped_column(String(64))
    event_id: Mapped[int]
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Holder(Base):
    """A person as the holder of badges. `subject` (``urn:uuid:…``) stands for them in credentials.

    `name` is what they put into their badges, empty as long as they did not.
    """

    __tablename__ = "badges_holder"
    __table_args__ = (UniqueConstraint("tenant_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    subject: Mapped[str] = mapped_column(String(64), default=lambda: f"urn:uuid:{uuid.uuid4()}")
    name: Mapped[str] = mapped_column(String(255), default="")
    salt: Mapped[str] = mapped_column(String(32), default="")
    email: Mapped[str] = mapped_column(String(255), default="")


class Badge(Base):
    """A micro-credential that somebody has earned. One of each version for a person in a course.

    It has a `Place` in a status list, which stays when the person is erased and the badge with them. `basis` is
    what it was given for, as `rules.Standing` writes it. `claims` is the credential without a proof, `document` with it
    and `jwt` its twin, signed with `keys`. While `signed_at` is empty the worker has to sign, for the first time or
    anew. `visibility` is unlisted (whoever has the address), listed or private. Revoked is one with a `revoked_at`.
    """

    __tablename__ = "badges_badge"
    __table_args__ = (
        UniqueConstraint("version_id", "course_id", "person_id"),
        UniqueConstraint("public_id"),
        Index("ix_badges_badge_person", "tenant_id", "person_id"),
        Index("ix_badges_badge_achievement", "achievement_id", "course_id"),
        Index("ix_badges_badge_signed", "tenant_id", "signed_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"))
    public_id: Mapped[str] = mapped_column(String(36), default=random_id)
    achievement_id: Mapped[int] = mapped_column(ForeignKey("badges_achievement.id"))
    version_id: Mapped[int] = mapped_column(ForeignKey("badges_version.id"))
    course_id: Mapped[int | None] = mapped_column(ForeignKey("course.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    visibility: Mapped[str] = mapped_column(String(16), default=UNLISTED)
    score: Mapped[Decimal | None] = mapped_column(Numeric(20, 12))
    threshold: Mapped[Decimal] = mapped_column(Numeric(9, 5))
    basis: Mapped[dict[str, Any]] = mapped_column(Json)
    by_hand: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str] = mapped_column(String(500), default="")
    awarded_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    valid_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    status_list: Mapped[int]
    status_index: Mapped[int]
    claims: Mapped[dict[str, Any] | None] = mapped_column(Json)
    document: Mapped[str | None]
    jwt: Mapped[str | None]
    keys: Mapped[list[str]] = mapped_column(Json, default=list)
    signed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_reason: Mapped[str] = mapped_column(String(500), default="")
    revoked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    awarded_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class Foreign(Base):
    """A badge of another issuer that somebody has handed in as a component of a micro-credential of ours.

    `component` is the key of the `rules.Outside` that it stands for. `state` is good (it counts), asked (genuine, but
    somebody has to say that it is this person's), refused (they said no) or lost (it was genuine once). `detail` is why
    it is lost. `digest` is that of its issuer and id: for one micro-credential a badge counts once. `document` is the
    text as it was handed in, JSON or JWT, which is checked again before anything is given for it.
    """

    __tablename__ = "badges_foreign"
    __table_args__ = (
        UniqueConstraint("person_id", "achievement_id", "component"),
        UniqueConstraint("person_id", "achievement_id", "digest"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    achievement_id: Mapped[int] = mapped_column(ForeignKey("badges_achievement.id"), index=True)
    component: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    detail: Mapped[str] = mapped_column(String(64), default="")
    name: Mapped[str] = mapped_column(String(255))
    recipient: Mapped[str] = mapped_column(String(255), default="")
    issuer: Mapped[str] = mapped_column(String(500))
    issuer_name: Mapped[str] = mapped_column(String(255), default="")
    credential_id: Mapped[str] = mapped_column(String(2000))
    digest: Mapped[str] = mapped_column(String(64))
    document: Mapped[str]
    valid_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    checked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    handed_in_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class StatusList(Base):
    """Which badges of an institution are revoked: a bit for each, and the credential that says it, signed.

    `taken` counts the places that were given to badges.
    """

    __tablename__ = "badges_status_list"
    __table_args__ = (UniqueConstraint("tenant_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"))
    number: Mapped[int]
    bits: Mapped[str]
    taken: Mapped[int] = mapped_column(default=0)
    document: Mapped[str | None]
    jwt: Mapped[str | None]
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class Place(Base):
    """A place in a status list that was given to a badge: nobody else gets it, even when the badge is erased."""

    __tablename__ = "badges_place"
    __table_args__ = (UniqueConstraint("tenant_id", "status_list", "status_index"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"))
    status_list: Mapped[int]
    status_index: Mapped[int]


class Task(Base):
    """Something that a person has to decide: a badge was given, and would not be now.

    `cause` is score (it is below what it takes) or component (a badge that this one is made of was revoked).
    """

    __tablename__ = "badges_task"
    __table_args__ = (
        Index(
            "uq_badges_task_open",
            "badge_id",
            unique=True,
            sqlite_where=text("settled_at IS NULL"),
            postgresql_where=text("settled_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), index=True)
    badge_id: Mapped[int] = mapped_column(ForeignKey("badges_badge.id"))
    cause: Mapped[str] = mapped_column(String(16), default="score")
    score: Mapped[Decimal | None] = mapped_column(Numeric(20, 12))
    raised_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settled_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decision: Mapped[str] = mapped_column(String(16), default="")


MODELS = (Issuer, Key, Achievement, Version, Rule, Score, Holder, Badge, Foreign, StatusList, Place, Task)
