"""The tables of this tool."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ltitools.plugin import Json, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _issuer()
    _key()
    _place()
    _status_list()
    _holder()
    _achievement()
    _foreign()
    _rule()
    _score()
    _version()
    _badge()
    _task()


def _issuer() -> None:
    op.create_table(
        "badges_issuer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("did", sa.String(length=500), nullable=False),
        sa.Column("base", sa.String(length=500), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("locality", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=False),
        sa.Column("kept_for", sa.String(length=500), nullable=False),
        sa.Column("ror", sa.String(length=255), nullable=False),
        sa.Column("parent_name", sa.String(length=255), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_badges_issuer_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_badges_issuer")),
        sa.UniqueConstraint("tenant_id", name=op.f("uq_badges_issuer_tenant_id")),
    )


def _key() -> None:
    op.create_table(
        "badges_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("public", Json, nullable=False),
        sa.Column("sealed_private", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_badges_key_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_badges_key")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_badges_key_tenant_id_name")),
    )


def _place() -> None:
    op.create_table(
        "badges_place",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("status_list", sa.Integer(), nullable=False),
        sa.Column("status_index", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_badges_place_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_badges_place")),
        sa.UniqueConstraint(
            "tenant_id", "status_list", "status_index", name=op.f("uq_badges_place_tenant_id_status_list_status_index")
        ),
    )


def _status_list() -> None:
    op.create_table(
        "badges_status_list",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("bits", sa.String(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("jwt", sa.String(), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_badges_status_list_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_badges_status_list")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("uq_badges_status_list_tenant_id_number")),
    )


def _holder() -> None:
    op.create_table(
        "badges_holder",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("salt", sa.String(length=32), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_badges_holder_person_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_badges_holder_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_badges_holder")),
        sa.UniqueConstraint("tenant_id", "person_id", name=op.f("uq_badges_holder_tenant_id_person_id")),
    )
    op.create_index(op.f("ix_badges_holder_person_id"), "badges_holder", ["person_id"], unique=False)


def _achievement() -> None:
    op.create_table(
        "badges_achievement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=100), nullable=False),
        sa.Column("twin_id", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_badges_achievement_activity_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_badges_achievement_tenant_id")),
        sa.ForeignKeyConstraint(["twin_id"], ["badges_achievement.id"], name=op.f("fk_badges_achievement_twin_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_badges_achievement")),
        sa.UniqueConstraint("activity_id", name=op.f("uq_badges_achievement_activity_id")),
        sa.UniqueConstraint("tenant_id", "slug", name=op.f("uq_badges_achievement_tenant_id_slug")),
    )


def _foreign() -> None:
    op.create_table(
        "badges_foreign",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("achievement_id", sa.Integer(), nullable=False),
        sa.Column("component", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("recipient", sa.String(length=255), nullable=False),
        sa.Column("issuer", sa.String(length=500), nullable=False),
        sa.Column("issuer_name", sa.String(length=255), nullable=False),
        sa.Column("credential_id", sa.String(length=2000), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.Column("valid_until", UtcDateTime(), nullable=True),
        sa.Column("checked_at", UtcDateTime(), nullable=False),
        sa.Column("handed_in_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["achievement_id"], ["badges_achievement.id"], name=op.f("fk_badges_foreign_achievement_id")
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_badges_foreign_decided_by")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_badges_foreign_person_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_badges_foreign_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_badges_foreign")),
        sa.UniqueConstraint(
            "person_id",
            "achievement_id",
            "component",
            name=op.f("uq_badges_foreign_person_id_achievement_id_component"),
        ),
        sa.UniqueConstraint(
            "person_id", "achievement_id", "digest", name=op.f("uq_badges_foreign_person_id_achievement_id_digest")
        ),
    )
    op.create_index(op.f("ix_badges_foreign_achievement_id"), "badges_foreign", ["achievement_id"], unique=False)
    op.create_index(op.f("ix_badges_foreign_tenant_id"), "badges_foreign", ["tenant_id"], unique=False)


def _rule() -> None:
    op.create_table(
        "badges_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("achievement_id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("threshold", sa.Numeric(precision=9, scale=5), nullable=False),
        sa.Column("parts", Json, nullable=False),
        sa.Column("competencies", Json, nullable=False),
        sa.Column("components", Json, nullable=False),
        sa.Column("outside", Json, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["achievement_id"], ["badges_achievement.id"], name=op.f("fk_badges_rule_achievement_id")
        ),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_badges_rule_course_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_badges_rule_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_badges_rule")),
        sa.UniqueConstraint("achievement_id", "course_id", name=op.f("uq_badges_rule_achievement_id_course_id")),
    )
    op.create_index(op.f("ix_badges_rule_course_id"), "badges_rule", ["course_id"], unique=False)
    op.create_index(op.f("ix_badges_rule_tenant_id"), "badges_rule", ["tenant_id"], unique=False)
    op.create_index(
        "uq_badges_rule_everywhere",
        "badges_rule",
        ["achievement_id"],
        unique=True,
        sqlite_where=sa.text("course_id IS NULL"),
        postgresql_where=sa.text("course_id IS NULL"),
    )


def _score() -> None:
    op.create_table(
        "badges_score",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("link_id", sa.Integer(), nullable=False),
        sa.Column("given", sa.String(length=64), nullable=False),
        sa.Column("maximum", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_badges_score_course_id")),
        sa.ForeignKeyConstraint(["link_id"], ["link.id"], name=op.f("fk_badges_score_link_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_badges_score_person_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_badges_score_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_badges_score")),
        sa.UniqueConstraint("link_id", "person_id", name=op.f("uq_badges_score_link_id_person_id")),
    )
    op.create_index("ix_badges_score_course", "badges_score", ["course_id"], unique=False)
    op.create_index(op.f("ix_badges_score_person_id"), "badges_score", ["person_id"], unique=False)
    op.create_index(op.f("ix_badges_score_tenant_id"), "badges_score", ["tenant_id"], unique=False)


def _version() -> None:
    op.create_table(
        "badges_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("achievement_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.Column("design", Json, nullable=True),
        sa.Column("image_svg", sa.String(), nullable=False),
        sa.Column("image_png", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["achievement_id"], ["badges_achievement.id"], name=op.f("fk_badges_version_achievement_id")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_badges_version_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_badges_version")),
        sa.UniqueConstraint("achievement_id", "number", name=op.f("uq_badges_version_achievement_id_number")),
    )
    op.create_index(op.f("ix_badges_version_tenant_id"), "badges_version", ["tenant_id"], unique=False)
    op.create_index(
        "uq_badges_version_draft",
        "badges_version",
        ["achievement_id"],
        unique=True,
        sqlite_where=sa.text("state = 'draft'"),
        postgresql_where=sa.text("state = 'draft'"),
    )


def _badge() -> None:
    op.create_table(
        "badges_badge",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("achievement_id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("visibility", sa.String(length=16), nullable=False),
        sa.Column("score", sa.Numeric(precision=20, scale=12), nullable=True),
        sa.Column("threshold", sa.Numeric(precision=9, scale=5), nullable=False),
        sa.Column("basis", Json, nullable=False),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("awarded_at", UtcDateTime(), nullable=False),
        sa.Column("valid_from", UtcDateTime(), nullable=False),
        sa.Column("valid_until", UtcDateTime(), nullable=True),
        sa.Column("status_list", sa.Integer(), nullable=False),
        sa.Column("status_index", sa.Integer(), nullable=False),
        sa.Column("claims", Json, nullable=True),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("jwt", sa.String(), nullable=True),
        sa.Column("keys", Json, nullable=False),
        sa.Column("signed_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_reason", sa.String(length=500), nullable=False),
        sa.Column("revoked_by", sa.Integer(), nullable=True),
        sa.Column("awarded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["achievement_id"], ["badges_achievement.id"], name=op.f("fk_badges_badge_achievement_id")
        ),
        sa.ForeignKeyConstraint(["awarded_by"], ["person.id"], name=op.f("fk_badges_badge_awarded_by")),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_badges_badge_course_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_badges_badge_person_id")),
        sa.ForeignKeyConstraint(["revoked_by"], ["person.id"], name=op.f("fk_badges_badge_revoked_by")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_badges_badge_tenant_id")),
        sa.ForeignKeyConstraint(["version_id"], ["badges_version.id"], name=op.f("fk_badges_badge_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_badges_badge")),
        sa.UniqueConstraint("public_id", name=op.f("uq_badges_badge_public_id")),
        sa.UniqueConstraint(
            "version_id", "course_id", "person_id", name=op.f("uq_badges_badge_version_id_course_id_person_id")
        ),
    )
    op.create_index("ix_badges_badge_achievement", "badges_badge", ["achievement_id", "course_id"], unique=False)
    op.create_index("ix_badges_badge_person", "badges_badge", ["tenant_id", "person_id"], unique=False)
    op.create_index("ix_badges_badge_signed", "badges_badge", ["tenant_id", "signed_at"], unique=False)


def _task() -> None:
    op.create_table(
        "badges_task",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("badge_id", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=False),
        sa.Column("score", sa.Numeric(precision=20, scale=12), nullable=True),
        sa.Column("raised_at", UtcDateTime(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("settled_by", sa.Integer(), nullable=True),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["badge_id"], ["badges_badge.id"], name=op.f("fk_badges_task_badge_id")),
        sa.ForeignKeyConstraint(["settled_by"], ["person.id"], name=op.f("fk_badges_task_settled_by")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_badges_task_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_badges_task")),
    )
    op.create_index(op.f("ix_badges_task_tenant_id"), "badges_task", ["tenant_id"], unique=False)
    op.create_index(
        "uq_badges_task_open",
        "badges_task",
        ["badge_id"],
        unique=True,
        sqlite_where=sa.text("settled_at IS NULL"),
        postgresql_where=sa.text("settled_at IS NULL"),
    )
